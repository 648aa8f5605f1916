import { flag, word } from './column-record.ts'
import type { ColumnSlots } from './column-slots.ts'
import type { Dialect } from './find-dialect.ts'
import type { KernelMemory } from './kernel-memory.ts'
import type { WorkArea } from './work-area.ts'

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Ends of cells that are found before the cells are read: bytes and ends that stay in a processor's cache. */
const mostEnds = 32_768
const mostReach = 512 * 1024
/** Where records are unusual, so that what is found or read in vain is little. */
const leastReach = 2048
const leastRows = 8

/** Where the loop stands; it goes on from here. */
export interface LoopState {
  /** In the bytes: the start of a record. */
  at: number
  /** The slot of the next row. */
  row: number
  /** Bytes that the batch is reckoned to take. */
  cost: number
}

export interface LoopLimits {
  rows: number
  cost: number
}

/**
 * The loop over rows, for records as they mostly are: kernels find the ends of the cells of many records, then read them column by column,
 * straight from bytes into slots; a cell in an unusual notation is read by its text. Whatever is more than that (another count of
 * cells, a value that does not fit, a null where none may be, a stray quote, a lone CR, a record that is cut) ends the loop before that record, which
 * is to be read the general way; the slots behind those of the rows taken may hold anything, and no row there is null.
 */
export function createRowLoop({
  memory,
  columns,
  dialect,
  maxCellBytes,
  maxRowBytes,
}: {
  memory: KernelMemory
  /** In the order of the file. */
  columns: ColumnSlots[]
  dialect: Dialect
  maxCellBytes: number
  maxRowBytes: number
}): (work: WorkArea, state: LoopState, limits: LoopLimits) => void {
  const { kernels } = memory
  const separator = dialect.separator.charCodeAt(0)
  const feeds = dialect.lineEnds.includes('\n')
  const width = columns.length
  const stride = 4 * width
  const rowCost = columns.reduce((sum, column) => sum + column.width, 0)
  const most = Math.max(mostEnds, width + 128)
  const unusual = memory.allocate(4 * most)
  // The first end has the one of the record before it before it.
  const ends = memory.allocate(4 * (most + 16)) + 64
  if (feeds) columns.at(-1)!.setFlag(flag.trailingReturn)
  else columns[0].setFlag(flag.leadingFeed)

  let reach = mostReach
  let mostRows = most
  /** Records whose ends are known, and how many of them are behind. */
  let known = 0
  let passed = 0
  let moves = -1
  /** Of the work area, when the last record was left to be read the general way. */
  let left = -1

  /** Where the n-th record that is known starts. */
  const startOf = (record: number): number => memory.ints[(ends >> 2) + record * width - 1] + 1

  /** Finds the next records that begin at a place; returns how many are known then. */
  function findRecords(work: WorkArea, at: number): number {
    // The record that began where the last one ended may have been read the general way.
    if (moves === work.moves && passed < known) {
      for (const skipped of [0, 1]) {
        if (passed + skipped >= known || startOf(passed + skipped) !== work.address + at) continue
        passed += skipped
        return known - passed
      }
    }
    moves = work.moves
    passed = 0
    // Whether a LF follows a CR at the very end is not known yet.
    const size = work.address + (feeds ? work.size : work.size - 1)
    const start = work.address + at
    let end = Math.min(size, start + reach)
    for (;;) {
      known = kernels.indexCells(
        start,
        end,
        ends,
        most,
        width,
        separator,
        feeds ? lineFeed : carriageReturn,
        maxRowBytes,
      )
      if (known > 0 || end >= size) return known
      end = Math.min(size, start + 8 * (end - start))
    }
  }

  /** As many of the next records as may be taken, each of which begins below the limit of the cost: all, mostly. */
  function countAllowed(records: number, cost: number, mostCost: number): number {
    // Texts are no longer than they are in the file.
    const from = startOf(passed)
    const allows = (record: number): boolean => cost + record * rowCost + startOf(passed + record) - from < mostCost
    if (allows(records - 1)) return records
    let [allowed, refused] = [0, records - 1]
    while (refused - allowed > 1) {
      const middle = (allowed + refused) >> 1
      if (allows(middle)) allowed = middle
      else refused = middle
    }
    return allowed + 1
  }

  /** The text of the cell that ends at the given end. */
  function readCell(end: number): string | undefined {
    const { buffer, ints } = memory
    let from = ints[(end >> 2) - 1] + 1
    let to = ints[end >> 2]
    if (buffer[to] === lineFeed && to > from && buffer[to - 1] === carriageReturn) to--
    if (!feeds && buffer[from] === lineFeed) from++
    const isQuoted = buffer[from] === quote
    if (isQuoted) {
      from++
      to--
    }
    if (to - from > maxCellBytes) return undefined
    const text = buffer.toString('utf8', from, to)
    return isQuoted ? text.replaceAll('""', '"') : text
  }

  function takeTexts(column: ColumnSlots, first: number, rows: number, row: number): number {
    let taken = 0
    textBytes = 0
    do {
      taken += kernels.takeTexts(column.record, first + taken * stride, stride, rows - taken, row + taken, maxCellBytes)
      textBytes += memory.ints[(column.record >> 2) + word.textBytes]
    } while (column.dictionary!.grow())
    return taken
  }

  /** Of the cells that takeTexts took. */
  let textBytes = 0

  function takeValues(column: ColumnSlots, first: number, rows: number, row: number): number {
    const count = column.takeValues!(column.record, first, stride, rows, row, unusual)
    for (let at = unusual >> 2; at < (unusual >> 2) + count; at++) {
      const record = memory.ints[at]
      const cell = readCell(first + record * stride)
      const outcome = cell === undefined ? undefined : column.read(cell, row + record)
      if (outcome === 'stored') continue
      if (outcome !== 'null' || !column.nullable) return record
      column.setNull(row + record)
    }
    return rows
  }

  /** Takes the first of the next records into slots from `row` on; returns how many. */
  function takeRows(records: number, row: number, state: LoopState): number {
    const first = ends + passed * stride
    for (let rows = records; ; ) {
      let taken = rows
      let cost = 0
      for (let at = 0; at < width && taken > 0; at++) {
        const column = columns[at]
        if (column.takeValues) taken = takeValues(column, first + 4 * at, taken, row)
        else {
          taken = takeTexts(column, first + 4 * at, taken, row)
          cost += textBytes
        }
      }
      if (taken === rows) {
        state.cost += cost + rows * rowCost
        return rows
      }
      // Columns before the one where a row ended it went on behind that row.
      for (const column of columns) column.clearNulls(row + taken, row + rows)
      if (taken === 0) return 0
      rows = taken
    }
  }

  return (work, state, { rows, cost }) => {
    // The bytes stand where they did: that record was not the one that was cut, but an unusual one.
    if (left === work.moves) {
      reach = leastReach
      mostRows = leastRows
    }
    left = -1
    while (state.at < work.size && state.row < rows && state.cost < cost) {
      const records = Math.min(findRecords(work, state.at), rows - state.row, mostRows)
      const allowed = records > 0 ? countAllowed(records, state.cost, cost) : 0
      const taken = allowed > 0 ? takeRows(allowed, state.row, state) : 0
      passed += taken
      state.row += taken
      if (taken > 0) {
        state.at = startOf(passed) - work.address
        if (!feeds && work.bytes()[state.at] === lineFeed) state.at++
      }
      if (taken === allowed && taken > 0) {
        reach = Math.min(mostReach, 2 * reach)
        mostRows = Math.min(most, 2 * mostRows)
      } else {
        left = work.moves
        return
      }
    }
  }
}
