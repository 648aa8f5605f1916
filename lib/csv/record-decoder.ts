import type { ColumnBatch } from '../columns.ts'
import { Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'
import { ColumnSlots } from './column-slots.ts'
import type { BadValuePolicy } from './decode-csv.ts'
import { describeLargeCell, describeLargeRow, describeQuoteFault } from './describe-fault.ts'
import type { Dialect } from './find-dialect.ts'
import { borrowMemory } from './kernel-memory.ts'
import { matchHeader } from './match-header.ts'
import type { ProblemLog } from './problem-log.ts'
import { createRowFiller, type RowFiller } from './row-filler.ts'
import { createRowLoop } from './row-loop.ts'
import { RecordScanner } from './scan-record.ts'
import { WorkArea } from './work-area.ts'

export interface RecordDecoderOptions {
  file: string
  fields: Field[]
  dialect: Dialect
  onBadValue: BadValuePolicy
  maxCellBytes: number
  maxBatchRows: number
  maxBatchBytes: number
  log: ProblemLog
  /** Whether a batch's arrays are the decoder's own, with other values once the next batch is asked for: nothing is copied. */
  lend?: boolean
  /** The file's header, where the bytes begin with a record behind it; rows are counted from there. */
  header?: string[] | undefined
}

/** Turns the text of a CSV file, header first unless it was given, into batches; see decodeCsv. All throw Rejection. */
export interface RecordDecoder {
  /** Takes the next bytes: UTF-8 without byte order mark. They may be used again afterwards. */
  feed(bytes: Uint8Array): Generator<ColumnBatch>
  /** The file has ended, or what is fed next is another part of it, which begins with a record. */
  finish(): Generator<ColumnBatch>
  /** Once all is finished and taken: counts from the first row again. The log is the caller's to clear. */
  restart(): void
  /** Blank lines at the end: nothing, unless a record follows; then each is a row of the wrong length. */
  blankLines(): number
  /** The record in which the file stops being text, behind all bytes that were fed; 0 is the header. Nothing can be fed afterwards. */
  placeFault(): number
  /** Gives its memory back; nothing can be done with it afterwards. */
  release(): void
  readonly counts: { rowsOut: number; rowsRejected: number; valuesNulled: number }
}

/** A row may be as large as two cells whose every byte is a doubled quote, and this. */
const rowMargin = 64 * 1024
/** Values of all types but text are shorter than this, as the loop over rows reads them. */
const longestPlain = 32
const firstRows = 128
/** Harmless letters after a fault make the line end that may stand before it a whole one. */
const padding = Buffer.from('xxxx')

export function createRecordDecoder(options: RecordDecoderOptions): RecordDecoder {
  const { file, fields, dialect, maxCellBytes, maxBatchRows, maxBatchBytes, lend = false } = options
  const mostOpen = 2 * maxCellBytes + rowMargin
  const maxRowBytes = mostOpen + rowMargin
  const scanner = new RecordScanner(dialect)
  const memory = borrowMemory()
  const work = new WorkArea(memory)
  const columns = fields.map(field => new ColumnSlots(field, memory))
  const counts = { rowsOut: 0, rowsRejected: 0, valuesNulled: 0 }
  const state = { at: 0, row: 0, cost: 0 }
  let header: string[] | undefined
  let filler: RowFiller | undefined
  let loop: ReturnType<typeof createRowLoop> | undefined
  let capacity = 0
  let blanks = 0
  /** Bytes below which there is no use in looking at an open record again: it would be scanned over and over. */
  let waitFor = 0

  const recordAt = (): number => (header ? counts.rowsOut + counts.rowsRejected + blanks + 1 : 0)

  function reserve(rows: number): void {
    capacity = rows
    for (const column of columns) column.resize(rows)
  }

  function* giveBatch(): Generator<ColumnBatch> {
    const { row: rows } = state
    if (rows > 0) yield { rows, columns: columns.map(column => column.take(rows, lend)) }
    // Of rejected rows there may be text in the dictionaries.
    for (const column of columns) column.restart()
    state.row = 0
    state.cost = 0
  }

  function takeHeader(cells: string[]): void {
    header = cells
    const positions = matchHeader({ header, fields, file })
    filler = createRowFiller({ ...options, columns, positions, counts })
    if (maxCellBytes < longestPlain) return
    const inFile: ColumnSlots[] = []
    for (const [field, position] of positions.entries()) inFile[position] = columns[field]
    loop = createRowLoop({ memory, columns: inFile, dialect, maxCellBytes, maxRowBytes })
  }

  const readCells = (): string[] => Array.from({ length: scanner.count }, (_, at) => scanner.cell(work.bytes(), at))

  /** Reads one record the general way; false where it is not whole. */
  function readRecord(final: boolean): boolean {
    const row = recordAt()
    const start = state.at
    const { size } = work
    let outcome = scanner.scan(work.bytes(), start, size, final)
    // So that what is told of a file does not hang on how it came in pieces.
    if (!final && (outcome === 'stray-quote' || (outcome === 'whole' && !header)) && scanner.needs > size)
      outcome = 'open'
    const place = { file, row, column: header?.[scanner.count] }
    if (outcome === 'open') {
      const open = size - start
      if (size - scanner.cellStart > mostOpen) throw new Rejection(describeLargeCell(maxCellBytes, place))
      if (open > maxRowBytes) throw new Rejection(describeLargeRow(mostOpen, place))
      waitFor = Math.min(2 * open, mostOpen)
      return false
    }
    if (outcome !== 'whole') throw new Rejection(describeQuoteFault(outcome, place))
    for (let at = 0; at < scanner.count; at++) {
      if (scanner.cellBytes(work.bytes(), at) <= maxCellBytes) continue
      throw new Rejection(describeLargeCell(maxCellBytes, { file, row, column: header?.[at] }))
    }
    if (scanner.next - start > maxRowBytes) throw new Rejection(describeLargeRow(mostOpen, place))
    state.at = scanner.next
    if (!filler) {
      takeHeader(readCells())
      return true
    }
    const cells = readCells()
    if (cells.length === 1 && cells[0] === '' && fields.length > 1) {
      blanks++
      return true
    }
    for (; blanks > 0; blanks--) filler.fill([''], state)
    filler.fill(cells, state)
    return true
  }

  function* run(final: boolean): Generator<ColumnBatch> {
    const limits = { rows: 0, cost: maxBatchBytes }
    while (state.at < work.size) {
      if (state.row === capacity && capacity < maxBatchRows) {
        reserve(Math.min(maxBatchRows, Math.max(firstRows, 4 * capacity)))
      }
      if (loop && blanks === 0) {
        const before = state.row
        limits.rows = capacity
        loop(work, state, limits)
        counts.rowsOut += state.row - before
      }
      const hasRoom = state.row < capacity && state.cost < maxBatchBytes
      if (hasRoom && state.at < work.size && !readRecord(final)) break
      if (state.row < maxBatchRows && state.cost < maxBatchBytes) continue
      yield* giveBatch()
    }
    work.drop(state.at)
    state.at = 0
  }

  if (options.header) takeHeader(options.header)

  return {
    counts,
    blankLines: () => blanks,
    restart() {
      for (const _ of giveBatch());
      Object.assign(counts, { rowsOut: 0, rowsRejected: 0, valuesNulled: 0 })
      blanks = 0
      waitFor = 0
    },
    *feed(bytes) {
      work.append(bytes)
      if (work.size < waitFor) return
      waitFor = 0
      yield* run(false)
    },
    *finish() {
      yield* run(false)
      yield* run(true)
      if (!header) {
        throw new Rejection({ code: 'empty-file', message: 'the file is empty: it has no line of column names', file })
      }
      yield* giveBatch()
    },
    placeFault() {
      for (const _ of run(false));
      work.append(padding)
      try {
        for (const _ of run(false));
      } catch (error) {
        if (!(error instanceof Rejection)) throw error
      }
      return recordAt()
    },
    release: () => memory.release(),
  }
}
