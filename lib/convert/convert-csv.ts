import type { CsvOptions } from '../csv/decode-csv.ts'
import { defaultMaxCellBytes } from '../csv/limits.ts'
import { matchHeader } from '../csv/match-header.ts'
import type { Entity } from '../keys/entities.ts'
import { createParquetFile, type ParquetSummary } from '../parquet/write.ts'
import type { ConversionJob } from './convert-part.ts'
import { createPartCutter, type Part } from './cut-parts.ts'
import { createTextReader } from './read-text.ts'
import { refuseRest } from './refuse-rest.ts'
import { type PartTask, shareParts } from './share-parts.ts'
import { createTally, type Findings } from './tally.ts'
import type { StartThread } from './worker.ts'

/** Bytes of text that are decoded and encoded at once, and make a row group unless the limits make more of them. */
export const defaultPartBytes = 8 * 2 ** 20

export interface ConvertCsvOptions extends Omit<CsvOptions, 'maxBatchRows' | 'maxBatchBytes'> {
  /** The file. A piece is done with when the next is asked for. */
  body: AsyncIterable<Uint8Array>
  /** Of the file in bytes, where it is known: with more than a part of them a thread is started before they are read. */
  size?: number | undefined
  /** Whose natural keys are collected. */
  entities?: Entity[]
  /** The most rows of a row group. */
  rowGroupRows?: number
  /** Bytes that a row group's values may take, by reckoning: one a byte of text, four to 32 a value of another type. */
  rowGroupBytes?: number
  /** That convert, this one counted. How many they are does not show in the file. */
  threads?: number
  /** Whether the SHA-256 of file and Parquet are wanted. */
  hash?: boolean
  /** Called with what was found, before the file's end is written: throws where it may not become a table. */
  accept?: (decoded: DecodedCsv) => void
  partBytes?: number
  startThread?: StartThread
}

/** What a CSV file holds; see CsvResult. */
export interface DecodedCsv extends Findings {
  /** Of the CSV as it came, in lower-case hex; undefined where it was not wanted. */
  sha256: string | undefined
  /** Of the CSV as it came. */
  bytes: number
}

export interface CsvConversion extends DecodedCsv {
  parquet: ParquetSummary
}

/**
 * Converts a CSV file into a Parquet file: consuming `body` reads it, part by part (see createPartCutter), each of which becomes row groups in one
 * of `threads`; the row groups come in the order of the file. The parts and limits decide the Parquet's bytes, the number of threads and the pieces
 * in which the CSV comes do not. `threads + 1` parts are in memory and one that is read. `result()` throws until `body` has ended.
 *
 * `body` throws Rejection as decodeCsv does, with the same problem: where a part cannot be read, the file is decoded from there on in one piece,
 * since its border may have been none. It throws what `accept` throws, and an Error where a thread ends. Whatever happens, threads are ended.
 */
export function convertCsv({
  body,
  file,
  fields,
  size,
  encoding,
  onBadValue = 'reject',
  maxCellBytes = defaultMaxCellBytes,
  maxProblems = 100,
  entities = [],
  rowGroupRows = 131_072,
  rowGroupBytes = 64 * 2 ** 20,
  threads = 1,
  hash = true,
  accept,
  partBytes = defaultPartBytes,
  startThread,
}: ConvertCsvOptions): { body: AsyncIterable<Uint8Array>; result(): CsvConversion } {
  let conversion: CsvConversion | undefined

  async function* convert(): AsyncGenerator<Uint8Array> {
    const reader = createTextReader({ body, encoding, hash })
    let job: ConversionJob | undefined
    const threadsAtWork = shareParts({ job: () => job!, threads, startThread })
    try {
      if (size !== undefined && size > partBytes) threadsAtWork.expectMany()
      const names = fields.map(({ name }) => name)
      const cutter = createPartCutter({ reader, file, names, maxCellBytes, partBytes })
      const { dialect, header, whole } = await cutter.start()
      const options = { onBadValue, maxCellBytes, maxProblems, rowGroupRows, rowGroupBytes, entities }
      job = { file, fields, dialect, header, ...options }
      if (header) matchHeader({ header, fields, file })
      const tally = createTally(job)
      const refuse = (parts: Part[]): Promise<never> =>
        refuseRest({ job: job!, parts, next: cutter.next, recordsBefore: tally.recordsBefore() })
      if (!header && !whole) await refuse([])

      const parquet = createParquetFile({ fields, hash })
      yield parquet.begin()
      const given: PartTask[] = []
      /** Read and not given yet. */
      let part = await cutter.next()
      async function* takeFirst(): AsyncGenerator<Uint8Array> {
        const { bytes, outcome } = await given[0].done
        if (!outcome) {
          const all = await Promise.all(given.map(async task => ({ ...task.part, bytes: (await task.done).bytes })))
          return await refuse(part ? [...all, part] : all)
        }
        given.shift()
        tally.add(outcome)
        for (const rowGroup of outcome.rowGroups) yield parquet.append(rowGroup)
        cutter.giveBack(bytes)
      }
      while (part) {
        // What cannot be converted by itself is for one decoder, once all before it is known to be in order.
        const apart = part.kind === 'open' || part.fault !== undefined
        const most = apart ? 0 : threads
        while (given.length > most || given[0]?.isDone()) yield* takeFirst()
        if (apart) await refuse([part])
        const following: Promise<Part | undefined> = cutter.next()
        // Who waits for it has the error.
        following.catch(() => undefined)
        given.push(await threadsAtWork.give(part))
        part = await following
      }
      while (given.length > 0) yield* takeFirst()

      const decoded = { ...tally.findings(), sha256: reader.sha256(), bytes: reader.bytes() }
      accept?.(decoded)
      yield parquet.end()
      conversion = { ...decoded, parquet: parquet.summary() }
    } finally {
      await threadsAtWork.end()
      await reader.close()
    }
  }

  return {
    body: convert(),
    result() {
      if (!conversion) throw new Error(`${file} is not converted to its end`)
      return conversion
    },
  }
}
