import type { FieldType } from '../fields.ts'
import type { IndexedColumn } from '../parquet/read-chunk.ts'
import { createPartNumbers, type PartNumbers } from './part-numbers.ts'
import { Tuples } from './tuples.ts'

/** The natural keys of a batch's rows. */
export interface PlacesOfBatch {
  /** Of each row, the place of its natural key; -1 where a part is null. */
  places: Int32Array
  /** The first row of each natural key that no row before had, ascending. Their places follow each other. */
  fresh: number[]
  /** Set = a part is null; undefined where none is. */
  nulls: Uint8Array | undefined
  /** Rows with a null part. */
  nullRows: number
  /** Undefined where no row has a null part. */
  firstNullRow: number | undefined
  /** Of a natural key of one part that is a dictionary: the place of each entry, -1 where no row has had it. */
  entryPlaces?: Int32Array
}

/** Natural keys, each at a place of its own: 0, 1, 2 … in the order of their first coming. */
export interface KeyPlaces {
  readonly count: number
  /** Columns are the parts, in the key's order; `types` are theirs, and may differ from batch to batch. */
  find(columns: IndexedColumn[], types: FieldType[], rows: number): PlacesOfBatch
}

/**
 * Tells natural keys apart, equal where readNaturalKeys gives equal text. A value is given a number once for each dictionary entry; then numbers
 * are compared and not text. `parts` are shared by entities that have parts in common; by default they are this one's own.
 */
export function createKeyPlaces(parts: PartNumbers[] = []): KeyPlaces {
  let finder: Finder | undefined
  return {
    get count() {
      return finder?.count() ?? 0
    },
    find(columns, types, rows) {
      while (parts.length < columns.length) parts.push(createPartNumbers())
      const numbers = columns.map(({ entries, count }, at) => parts[at]!.numbersOf(entries, count, types[at]!))
      const nulls = joinNulls(columns, rows)
      const batch = { rows, nulls, numbers, indices: columns.map(({ indices }) => indices) }
      finder ??= columns.length === 1 ? createSingles(parts[0]!) : createTuples(parts.slice(0, columns.length))
      const { nullRows, firstNullRow } = countNullRows(nulls, rows)
      return { ...finder.find(batch), nulls: nullRows > 0 ? nulls : undefined, nullRows, firstNullRow }
    },
  }
}

interface Batch {
  rows: number
  nulls: Uint8Array | undefined
  /** Of each part's entries. */
  numbers: Int32Array[]
  indices: (Uint32Array | undefined)[]
}

interface Finder {
  count(): number
  find(batch: Batch): Pick<PlacesOfBatch, 'places' | 'fresh' | 'entryPlaces'>
}

const isSet = (nulls: Uint8Array, row: number): boolean => (nulls[row >> 3]! & (1 << (row & 7))) !== 0

function joinNulls(columns: IndexedColumn[], rows: number): Uint8Array | undefined {
  const bitmaps = columns.flatMap(({ nulls }) => nulls ?? [])
  if (bitmaps.length < 2) return bitmaps[0]
  const joined = new Uint8Array(Math.ceil(rows / 8))
  for (const bitmap of bitmaps) for (let at = 0; at < joined.length; at++) joined[at]! |= bitmap[at]!
  return joined
}

function countNullRows(nulls: Uint8Array | undefined, rows: number) {
  let nullRows = 0
  let firstNullRow: number | undefined
  if (nulls) {
    for (let row = 0; row < rows; row++) {
      if (!isSet(nulls, row)) continue
      nullRows++
      firstNullRow ??= row
    }
  }
  return { nullRows, firstNullRow }
}

/** Natural keys of one part: a place for each number that a row has. */
function createSingles(part: PartNumbers): Finder {
  let count = 0
  /** Place + 1 by number; 0 where no row has had it. */
  let placeOf = new Int32Array(1024)
  return {
    count: () => count,
    find({ rows, nulls, numbers: [numbers], indices: [indices] }) {
      if (part.count > placeOf.length) {
        const larger = new Int32Array(2 * part.count)
        larger.set(placeOf)
        placeOf = larger
      }
      const places = new Int32Array(rows)
      const fresh: number[] = []
      for (let row = 0; row < rows; row++) {
        if (nulls !== undefined && isSet(nulls, row)) {
          places[row] = -1
          continue
        }
        const number = numbers![indices === undefined ? row : indices[row]!]!
        let place = placeOf[number]!
        if (place === 0) {
          place = ++count
          placeOf[number] = place
          fresh.push(row)
        }
        places[row] = place - 1
      }
      if (indices === undefined) return { places, fresh }
      return { places, fresh, entryPlaces: numbers!.map(number => placeOf[number]! - 1) }
    },
  }
}

/** Cells of a table with a place for each pair, at most: 16 MiB. Beyond, pairs are hashed. */
const mostCells = 2 ** 22

/** Natural keys of several parts. Pairs are found in a table of all pairs where that is small, else, as longer ones, in a hash table. */
function createTuples(parts: PartNumbers[]): Finder {
  const tuples = new Tuples(parts.length)
  let grid: { cells: Int32Array; shift: number } | undefined =
    parts.length === 2 ? { cells: new Int32Array(0), shift: 0 } : undefined

  /** Makes the table large enough; without a table from where it would be too large. */
  function fitGrid(): void {
    if (!grid) return
    const [rows, columns] = [parts[0]!.count, parts[1]!.count]
    if (rows * 2 ** grid.shift <= grid.cells.length && columns <= 2 ** grid.shift) return
    const shift = 32 - Math.clz32(Math.max(1, columns - 1))
    const size = 2 ** (32 - Math.clz32(Math.max(1, rows - 1)) + shift)
    if (size > mostCells) {
      grid = undefined
      tuples.rehash()
      return
    }
    grid = { cells: new Int32Array(size), shift }
    for (let place = 0; place < tuples.count; place++)
      grid.cells[(tuples.part(place, 0) << shift) + tuples.part(place, 1)] = place + 1
  }

  function findPairs({ rows, nulls }: Batch, first: Int32Array, second: Int32Array) {
    const { cells, shift } = grid!
    const places = new Int32Array(rows)
    const fresh: number[] = []
    for (let row = 0; row < rows; row++) {
      if (nulls !== undefined && isSet(nulls, row)) {
        places[row] = -1
        continue
      }
      const cell = (first[row]! << shift) + second[row]!
      let place = cells[cell]!
      if (place === 0) {
        place = tuples.append(first[row]!, second[row]!) + 1
        cells[cell] = place
        fresh.push(row)
      }
      places[row] = place - 1
    }
    return { places, fresh }
  }

  return {
    count: () => tuples.count,
    find(batch) {
      const { rows, nulls, numbers, indices } = batch
      const rowNumbers = numbers.map((each, at) => takeNumbers(each, indices[at], rows))
      fitGrid()
      if (grid) return findPairs(batch, rowNumbers[0]!, rowNumbers[1]!)
      const places = new Int32Array(rows)
      const fresh: number[] = []
      for (let row = 0; row < rows; row++) {
        if (nulls !== undefined && isSet(nulls, row)) {
          places[row] = -1
          continue
        }
        const before = tuples.count
        places[row] = tuples.find(rowNumbers, row)
        if (tuples.count > before) fresh.push(row)
      }
      return { places, fresh }
    },
  }
}

function takeNumbers(numbers: Int32Array, indices: Uint32Array | undefined, rows: number): Int32Array {
  if (!indices) return numbers
  const taken = new Int32Array(rows)
  for (let row = 0; row < rows; row++) taken[row] = numbers[indices[row]!]!
  return taken
}
