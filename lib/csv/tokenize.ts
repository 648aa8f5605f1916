import { type CsvError, type Options, Parser } from 'csv-parse'
import { parse as parseWhole } from 'csv-parse/sync'
import { type Problem, Rejection } from '../errors.ts'
import {
  describeLargeCell,
  describeLargeRow,
  describeQuoteFault,
  describeTextFault,
  type Place,
} from './describe-fault.ts'
import { createDialectFinder, type Dialect } from './find-dialect.ts'
import { defaultMaxCellBytes } from './limits.ts'
import { createTextNormaliser, type Encoding, type TextChunk, type TextFault } from './normalise-text.ts'

export interface TokenizeOptions {
  /** Named in problems. */
  file: string
  /** Declared columns, to tell separators apart. */
  names: readonly string[]
  encoding?: Encoding
  /** Bytes of UTF-8. */
  maxCellBytes?: number
}

/** Bytes given to the parser at once: what bounds the records that are in memory beside a batch. */
const sliceBytes = 64 * 1024
/** The parser looks a few bytes ahead: harmless letters after a fault make it work off the line end that may stand before it. */
const padding = Buffer.from('xxxx')

/**
 * The records of a CSV file (RFC 4180; separators and line ends as `Dialect` has them), header first, in arrays of records as they come. Cells are text
 * without their quotes; a blank line is a record of one empty cell; records may be ragged. Reads no faster than it is read from, and
 * holds no more than a slice of the file and the record under way.
 * Throws Rejection, naming the row, for bytes that are no text, quotes that do not pair, and a cell or row that is too large.
 */
export async function* tokenize(
  body: AsyncIterable<Uint8Array>,
  { file, names, encoding, maxCellBytes = defaultMaxCellBytes }: TokenizeOptions,
): AsyncGenerator<string[][], void> {
  const finder = createDialectFinder({ names })
  let session: Session | undefined
  for await (const { bytes, fault } of normalise(body, encoding)) {
    let pending = bytes
    if (!session) {
      if (!finder.push(bytes) && !fault) {
        if (finder.size() > 2 * maxCellBytes) throw new Rejection(describeLargeCell(maxCellBytes, { file, row: 0 }))
        continue
      }
      const { dialect, start } = finder.finish()
      session = openSession({ file, dialect, maxCellBytes })
      pending = start
    }
    for (let at = 0; at < pending.length; at += sliceBytes) {
      const records = await session.feed(pending.subarray(at, at + sliceBytes))
      if (records.length > 0) yield records
    }
    if (fault) throw new Rejection(await session.place(fault))
  }
  if (!session) {
    const { dialect, start } = finder.finish()
    session = openSession({ file, dialect, maxCellBytes })
    const records = await session.feed(start)
    if (records.length > 0) yield records
  }
  const records = await session.finish()
  if (records.length > 0) yield records
}

/** The records of a small CSV file, whole in memory. As `tokenize` otherwise. */
export function tokenizeWhole(bytes: Uint8Array, { file, names, encoding }: Omit<TokenizeOptions, 'maxCellBytes'>) {
  const text = createTextNormaliser({ encoding })
  const chunks = [text.push(bytes)]
  if (!chunks[0]!.fault) chunks.push(text.end())
  const finder = createDialectFinder({ names })
  for (const chunk of chunks) finder.push(chunk.bytes)
  const { dialect, start } = finder.finish()
  const fault = chunks.at(-1)!.fault
  const records: string[][] = []
  const onRecord = (record: string[]): null => {
    records.push(record)
    return null
  }
  try {
    parseWhole(fault ? Buffer.concat([start, padding]) : start, { ...parserOptions(dialect), on_record: onRecord })
    // With a fault the last record is the one that the padding completes.
    if (fault) records.pop()
  } catch (error) {
    const place = { file, row: records.length, header: records[0] }
    if (!fault) throw new Rejection(describeError(error as CsvError, place))
  }
  if (fault) throw new Rejection(describeTextFault(fault, { file, row: records.length }))
  return records
}

async function* normalise(
  body: AsyncIterable<Uint8Array>,
  encoding: Encoding | undefined,
): AsyncGenerator<TextChunk, void> {
  const text = createTextNormaliser({ encoding })
  for await (const chunk of body) {
    const piece = text.push(chunk)
    if (piece.bytes.length > 0 || piece.fault) yield piece
    if (piece.fault) return
  }
  const rest = text.end()
  if (rest.bytes.length > 0 || rest.fault) yield rest
}

interface Session {
  feed(bytes: Uint8Array): Promise<string[][]>
  finish(): Promise<string[][]>
  /** The problem for a fault that follows all bytes fed. */
  place(fault: TextFault): Promise<Problem>
}

/** One csv-parse parser, fed slice by slice. */
function openSession({
  file,
  dialect,
  maxCellBytes,
}: {
  file: string
  dialect: Dialect
  maxCellBytes: number
}): Session {
  const parser = new Parser(parserOptions(dialect))
  let failure: CsvError | undefined
  parser.on('error', error => {
    failure = error as CsvError
  })
  let header: string[] | undefined
  let fed = 0
  let fedBeforeRecord = 0
  // The header is a record too, so the number of whole records is the row under way; 0 is the header.
  const row = (): number => parser.info.records
  // csv-parse tells of whole cells only; how many of the row under way it has is in its own state. Where that is not found, no column is named.
  const column = (): string | undefined =>
    header?.[(parser as { state?: { record?: unknown[] } }).state?.record?.length ?? header.length]

  function drain(): string[][] {
    const records: string[][] = []
    for (let record = parser.read(); record !== null; record = parser.read()) records.push(record)
    header ??= records[0]
    return records
  }

  function fail(): never {
    throw new Rejection(describeError(failure!, { file, row: row(), header }))
  }

  function checkCells(records: string[][]): void {
    for (const [index, record] of records.entries()) {
      for (const [position, cell] of record.entries()) {
        // A UTF-16 code unit is at most three bytes of UTF-8: most cells need no counting.
        if (cell.length * 3 <= maxCellBytes || Buffer.byteLength(cell) <= maxCellBytes) continue
        throw new Rejection(
          describeLargeCell(maxCellBytes, { file, row: row() - records.length + index, column: header?.[position] }),
        )
      }
    }
  }

  return {
    async feed(bytes) {
      const fedBefore = fed
      fed += bytes.length
      const written = new Promise<void>(resolve => parser.write(bytes, () => resolve()))
      // The parser works while it is written to, and takes the next write only when its records have been read.
      const records = drain()
      await written
      if (failure) fail()
      checkCells(records)
      if (records.length > 0) fedBeforeRecord = fedBefore
      // Quotes can double a cell's size in the file; a larger one is refused before it is whole.
      const limit = 2 * maxCellBytes + sliceBytes
      if (fed - parser.info.bytes > limit) {
        throw new Rejection(describeLargeCell(maxCellBytes, { file, row: row(), column: column() }))
      }
      if (fed - fedBeforeRecord > limit + sliceBytes) throw new Rejection(describeLargeRow(limit, { file, row: row() }))
      return records
    },
    async finish() {
      parser.end()
      const records: string[][] = []
      try {
        for await (const record of parser) records.push(record as string[])
      } catch {
        fail()
      }
      checkCells(records)
      return records
    },
    async place(fault) {
      await new Promise<void>(resolve => {
        parser.write(padding, () => resolve())
        drain()
      })
      return describeTextFault(fault, { file, row: row() })
    },
  }
}

function parserOptions({ separator, lineEnds }: Dialect): Options {
  return {
    delimiter: separator,
    record_delimiter: lineEnds,
    bom: false,
    relax_column_count: true,
    relax_quotes: false,
    skip_empty_lines: false,
  }
}

/** csv-parse's own errors quote cells, so nothing of them is passed on but kind and place. */
function describeError(error: CsvError, { file, row, header }: Place & { header?: string[] | undefined }): Problem {
  const index = (error as { index?: unknown }).index
  const code = error.code === 'CSV_QUOTE_NOT_CLOSED' ? 'unterminated-quote' : 'stray-quote'
  return describeQuoteFault(code, { file, row, column: typeof index === 'number' ? header?.[index] : undefined })
}
