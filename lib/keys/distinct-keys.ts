import { type Column, type ColumnBatch, isNull } from '../columns.ts'
import type { FieldType } from '../fields.ts'
import { encodeTexts, hashText, TextTable } from '../text-table.ts'
import { readNaturalKeys } from './natural-key.ts'

/** What the rows of a batch bring. */
export interface KeysOfBatch {
  /** The first row of each natural key that no row before had, ascending. */
  fresh: number[]
  /** Rows with a null part. */
  nullRows: number
  /** Undefined where no row has a null part. */
  firstNullRow: number | undefined
}

/** Numbers for the values of one part of a natural key: one for each text that the part can have. */
type PartNumbers = (column: Column, rows: number) => Int32Array

/**
 * Tells natural keys apart over batches, equal where readNaturalKeys gives equal text. A part's value is given a number once for each dictionary
 * entry or stored value; then numbers are compared and not text. Holds a few words a distinct key.
 */
export function createDistinctKeys(types: FieldType[]) {
  const parts = types.map(type => (type.kind === 'string' ? createTextNumbers() : createValueNumbers(type)))
  const combinations = createTuples(types.length)
  return {
    count: combinations.count,
    /** The batch's columns are the parts, in the key's order. */
    add({ rows, columns }: ColumnBatch): KeysOfBatch {
      const numbers = columns.map((column, at) => parts[at]!(column, rows))
      const nullable = columns.filter(({ nulls }) => nulls !== undefined)
      const found: KeysOfBatch = { fresh: [], nullRows: 0, firstNullRow: undefined }
      for (let row = 0; row < rows; row++) {
        if (nullable.some(column => isNull(column, row))) {
          found.nullRows++
          found.firstNullRow ??= row
          continue
        }
        combinations.find(numbers, row)
        if (combinations.isNew()) found.fresh.push(row)
      }
      return found
    },
  }
}

function createTextNumbers(): PartNumbers {
  const texts = new TextTable()
  return (column, rows) => {
    const text = asText(column)
    const { indices } = text
    const { count, bytes, offsets } = text.utf8 ?? encodeTexts(text.values)
    const entries = new Int32Array(count).fill(-1)
    const numbers = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      if (column.nulls !== undefined && isNull(column, row)) continue
      const index = indices[row]!
      if (entries[index]! < 0) {
        const [start, end] = [offsets[index]!, offsets[index + 1]!]
        entries[index] = texts.find(bytes, start, end, hashText(bytes, start, end))
      }
      numbers[row] = entries[index]!
    }
    return numbers
  }
}

function asText(column: Column): Column & { kind: 'text' } {
  if (column.kind !== 'text') throw new Error(`a part of a natural key is declared as text and holds ${column.kind}`)
  return column
}

/** Values that are stored alike are looked up by their words; each new one by its text, as 0 and -0 are stored differently and are one key. */
function createValueNumbers(type: FieldType): PartNumbers {
  const stored = createTuples(2)
  const numberOfStored: number[] = []
  const numberOfText = new Map<string, number>()
  const decimals = new Map<bigint, number>()
  return (column, rows) => {
    const textOf = readNaturalKeys({ rows, columns: [column] }, [type])
    const words = storedWords(column, rows, decimals)
    const numbers = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      if (column.nulls !== undefined && isNull(column, row)) continue
      const place = stored.find(words, row)
      if (stored.isNew()) {
        const text = textOf(row)!
        const number = numberOfText.get(text) ?? numberOfText.size
        numberOfText.set(text, number)
        numberOfStored.push(number)
      }
      numbers[row] = numberOfStored[place]!
    }
    return numbers
  }
}

/** The low and the high word of each value; decimals that have more are numbered. */
function storedWords(column: Column, rows: number, decimals: Map<bigint, number>): [Int32Array, Int32Array] {
  const [low, high] = [new Int32Array(rows), new Int32Array(rows)]
  if (column.kind === 'int64' || column.kind === 'double') {
    const words = new Int32Array(column.values.buffer, column.values.byteOffset, 2 * rows)
    for (let row = 0; row < rows; row++) {
      low[row] = words[2 * row]!
      high[row] = words[2 * row + 1]!
    }
  } else if (column.kind === 'decimal') {
    for (let row = 0; row < rows; row++) {
      const value = column.values[row]!
      const place = decimals.get(value) ?? decimals.size
      decimals.set(value, place)
      low[row] = place
    }
  } else if (column.kind === 'text') throw new Error('a part of a natural key is text and is not declared so')
  else low.set(column.values.subarray(0, rows))
  return [low, high]
}

/** Distinct tuples of 32-bit numbers in the order of their first coming: a hash table with linear probing over flat arrays. */
function createTuples(width: number) {
  let tuples = new Int32Array(64 * width)
  /** Place + 1; 0 is free. */
  let slots = new Int32Array(256)
  let count = 0
  let added = false
  const spread = (hash: number): number => (hash ^ (hash >>> 15)) & (slots.length - 1)

  function place(slot: number, at: number): void {
    let free = slot
    while (slots[free] !== 0) free = (free + 1) & (slots.length - 1)
    slots[free] = at + 1
  }

  function grow(): void {
    slots = new Int32Array(slots.length * 2)
    for (let at = 0; at < count; at++) {
      let hash = 0
      for (let part = 0; part < width; part++) hash = mix(hash, tuples[at * width + part]!)
      place(spread(hash), at)
    }
  }

  return {
    count: (): number => count,
    /** Whether the last tuple looked for was put in. */
    isNew: (): boolean => added,
    /** The place of the tuple parts[0][row], parts[1][row] …, which is put in where it is new. */
    find(parts: Int32Array[], row: number): number {
      let hash = 0
      for (let part = 0; part < width; part++) hash = mix(hash, parts[part]![row]!)
      const mask = slots.length - 1
      search: for (let slot = spread(hash); slots[slot] !== 0; slot = (slot + 1) & mask) {
        const at = slots[slot]! - 1
        for (let part = 0; part < width; part++) if (tuples[at * width + part] !== parts[part]![row]) continue search
        added = false
        return at
      }
      added = true
      if ((count + 1) * width > tuples.length) {
        const larger = new Int32Array(2 * tuples.length)
        larger.set(tuples)
        tuples = larger
      }
      for (let part = 0; part < width; part++) tuples[count * width + part] = parts[part]![row]!
      place(spread(hash), count++)
      if (count * 2 > slots.length) grow()
      return count - 1
    },
  }
}

const mix = (hash: number, word: number): number => {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 16)
}
