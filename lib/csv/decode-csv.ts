import { createHash } from 'node:crypto'
import type { ColumnBatch } from '../columns.ts'
import { type Problem, Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'
import { describeLargeCell, describeTextFault } from './describe-fault.ts'
import { createDialectFinder } from './find-dialect.ts'
import { defaultMaxCellBytes } from './limits.ts'
import { createTextNormaliser, type Encoding } from './normalise-text.ts'
import { createProblemLog } from './problem-log.ts'
import { createRecordDecoder, type RecordDecoder } from './record-decoder.ts'

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
  /** Bytes that a batch may take, by reckoning: one a byte of text, four to 32 a value of another type. */
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

/** Bytes given to the decoder at once: what stays in a processor's cache. */
const sliceBytes = 128 * 1024

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
  const log = createProblemLog({ file, maxProblems })
  const finder = createDialectFinder({ names: fields.map(field => field.name) })
  const text = createTextNormaliser({ encoding })
  let decoder: RecordDecoder | undefined
  const open = (): Uint8Array => {
    const { dialect, start } = finder.finish()
    decoder = createRecordDecoder({ file, fields, dialect, onBadValue, maxCellBytes, maxBatchRows, maxBatchBytes, log })
    return start
  }
  function* feed(pending: Uint8Array): Generator<ColumnBatch> {
    for (let at = 0; at < pending.length; at += sliceBytes) {
      yield* decoder!.feed(pending.subarray(at, at + sliceBytes))
    }
  }
  function* take({ bytes, fault }: ReturnType<typeof text.push>): Generator<ColumnBatch> {
    if (decoder) yield* feed(bytes)
    else if (finder.push(bytes) || fault) yield* feed(open())
    else if (finder.size() > 2 * maxCellBytes) throw new Rejection(describeLargeCell(maxCellBytes, { file, row: 0 }))
    if (fault) throw new Rejection(describeTextFault(fault, { file, row: decoder!.placeFault() }))
  }

  try {
    for await (const chunk of body) {
      hash.update(chunk)
      bytes += chunk.length
      yield* take(text.push(chunk))
    }
    yield* take(text.end())
    if (!decoder) yield* feed(open())
    yield* decoder!.finish()
  } finally {
    decoder?.release()
  }
  const { rowsOut, rowsRejected, valuesNulled } = decoder!.counts
  return {
    rowsIn: rowsOut + rowsRejected,
    rowsOut,
    rowsRejected,
    valuesNulled,
    problems: log.problems(),
    problemCount: log.count(),
    sha256: hash.digest('hex'),
    bytes,
  }
}
