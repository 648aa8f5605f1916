import { createHash } from 'node:crypto'
import type { ColumnBatch } from '../columns.ts'
import { type Problem, Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'
import { createColumnBuilder } from './column-builder.ts'
import { matchHeader } from './match-header.ts'
import type { Encoding } from './normalise-text.ts'
import { createProblemLog, type ProblemLog } from './problem-log.ts'
import { defaultMaxCellBytes, tokenize } from './tokenize.ts'

/** What to do with a value that does not fit its type: reject its row, or keep the row with a null in its place. */
export type BadValuePolicy = 'reject' | 'null'

export interface CsvOptions {
  /** Named in problems: `dm.csv`. */
  file: string
  /** The declared columns; batches have them in this order. */
  fields: Field[]
  /** What the file is in where it has no byte order mark. */
  encoding?: Encoding
  onBadValue?: BadValuePolicy
  /** Bytes of UTF-8. */
  maxCellBytes?: number
  maxBatchRows?: number
  /** Bytes that a batch may take, by reckoning: one a character of text, four to 32 a value of another type. */
  maxBatchBytes?: number
  /** How many problems are listed; all are counted. */
  maxProblems?: number
}

export interface CsvResult {
  /** rowsIn = rowsOut + rowsRejected, always. Blank lines at the end are no rows. */
  rowsIn: number
  rowsOut: number
  rowsRejected: number
  valuesNulled: number
  /** At most `maxProblems`, in the order of the file; many of one kind in one column are folded into `more`. */
  problems: Problem[]
  problemCount: number
  /** Of the file's bytes as they came, in lower-case hex. */
  sha256: string
  /** Of the file as it came. */
  bytes: number
}

/**
 * Decodes a CSV file into typed batches while it is read; returns the counts, the problems and the file's hash at its end. A file with
 * a header only yields no batch. Row 1 is the first record after the header.
 *
 * A row of another length than the header, a null in a column that allows none, and a value that does not fit (unless `onBadValue` is
 * `null`) are problems: the row is left out and counted, decoding goes on. What makes the whole file unreadable throws Rejection: an empty file,
 * a header that is not as declared, bytes that are no text, quotes that do not pair, a cell or row that is too large.
 *
 * Empty cells are null; so is `.` in all types but text and boolean. White space around values is ignored, save in text. A blank line is
 * a null row where there is one column; elsewhere it is a row of the wrong length, except at the end of the file, where it is nothing.
 */
export async function* decodeCsv(
  body: AsyncIterable<Uint8Array>,
  {
    file,
    fields,
    encoding,
    onBadValue = 'reject',
    maxCellBytes = defaultMaxCellBytes,
    maxBatchRows = 131_072,
    maxBatchBytes = 64 * 1024 * 1024,
    maxProblems = 100,
  }: CsvOptions,
): AsyncGenerator<ColumnBatch, CsvResult> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of body) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }

  const log = createProblemLog({ file, maxProblems })
  let decoder: RowDecoder | undefined
  let blanks = 0
  const names = fields.map(field => field.name)
  for await (const records of tokenize(counted(), { file, names, encoding, maxCellBytes })) {
    for (const record of records) {
      if (!decoder) {
        decoder = createRowDecoder({
          positions: matchHeader({ header: record, fields, file }),
          fields,
          onBadValue,
          log,
        })
        continue
      }
      if (record.length === 1 && record[0] === '' && fields.length > 1) {
        blanks++
        continue
      }
      for (; blanks > 0; blanks--) decoder.decode([''])
      decoder.decode(record)
      if (decoder.size.rows < maxBatchRows && decoder.size.bytes < maxBatchBytes) continue
      const batch = decoder.take()
      if (batch.rows > 0) yield batch
    }
  }
  if (!decoder) {
    throw new Rejection({ code: 'empty-file', message: 'the file is empty: it has no line of column names', file })
  }
  if (decoder.size.rows > 0) yield decoder.take()
  return {
    ...decoder.counts,
    rowsIn: decoder.counts.rowsOut + decoder.counts.rowsRejected,
    problems: log.problems,
    problemCount: log.count(),
    sha256: hash.digest('hex'),
    bytes,
  }
}

interface RowDecoder {
  decode(record: string[]): void
  /** Of the batch under way. */
  readonly size: { rows: number; bytes: number }
  readonly counts: { rowsOut: number; rowsRejected: number; valuesNulled: number }
  take(): ColumnBatch
}

/** Puts records into column builders, or leaves them out and says why. */
function createRowDecoder({
  positions,
  fields,
  onBadValue,
  log,
}: {
  positions: number[]
  fields: Field[]
  onBadValue: BadValuePolicy
  log: ProblemLog
}): RowDecoder {
  const columns = fields.map((field, i) => ({ field, position: positions[i]!, builder: createColumnBuilder(field) }))
  const size = { rows: 0, bytes: 0 }
  const counts = { rowsOut: 0, rowsRejected: 0, valuesNulled: 0 }

  /** False where the row cannot be kept. */
  function fill(record: string[], row: number): boolean {
    let kept = true
    let cost = 0
    const misfits: Misfit[] = []
    for (const { field, position, builder } of columns) {
      const cell = record[position]!
      cost += builder.cost(cell)
      const outcome = cell === '' ? 'null' : builder.read(cell, size.rows)
      if (outcome === 'stored') continue
      builder.setNull(size.rows)
      if (outcome !== 'null') {
        misfits.push({ column: field.name, reason: outcome.reason })
        if (onBadValue === 'reject' || !field.nullable) kept = false
      } else if (!field.nullable) {
        misfits.push({ column: field.name })
        kept = false
      }
    }
    for (const misfit of misfits) log.add({ ...describeMisfit(misfit, kept), row, column: misfit.column })
    if (kept) counts.valuesNulled += misfits.length
    // Text of a rejected row stays in the dictionaries until the batch is taken, so it counts too.
    size.bytes += cost
    return kept
  }

  return {
    size,
    counts,
    decode(record) {
      const row = counts.rowsOut + counts.rowsRejected + 1
      if (record.length !== fields.length) {
        const message = `the row has ${record.length} cells, and the header has ${fields.length}`
        log.add({ code: 'ragged-row', message, row })
        counts.rowsRejected++
      } else if (fill(record, row)) {
        size.rows++
        counts.rowsOut++
      } else {
        for (const { builder } of columns) builder.clear(size.rows)
        counts.rowsRejected++
      }
    },
    take() {
      const batch = { rows: size.rows, columns: columns.map(({ builder }) => builder.take(size.rows)) }
      size.rows = 0
      size.bytes = 0
      return batch
    },
  }
}

/** Without a reason the value is missing where it must not be. */
interface Misfit {
  column: string
  reason?: string
}

function describeMisfit({ reason }: Misfit, kept: boolean): { code: string; message: string } {
  if (reason === undefined) {
    const message = 'the value is missing, and the column is declared as not nullable'
    return { code: 'null-not-allowed', message }
  }
  return kept
    ? { code: 'value-set-to-null', message: `the value does not fit its type and was set to null: ${reason}` }
    : { code: 'value-does-not-fit', message: `the value does not fit its type: ${reason}` }
}
