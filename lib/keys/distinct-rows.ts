import { type Column, type ColumnBatch, isNull } from '../columns.ts'

/** What the rows of a batch are, told by how their values are stored. */
export interface DistinctRows {
  /** The first row of each combination of values without a null, ascending. */
  firsts: number[]
  nullRows: number
  /** Undefined where no row has a null. */
  firstNullRow: number | undefined
}

/**
 * Finds the first row of each combination of values, by the words that the values are stored in; no text or number is made of any. Rows that are
 * stored alike are equal; rows that are not may be so nevertheless (0 and -0), which is the caller's to tell.
 */
export function findDistinctRows({ rows, columns }: ColumnBatch): DistinctRows {
  const words = columns.flatMap(column => columnWords(column, rows))
  const nullable = columns.filter(({ nulls }) => nulls !== undefined)
  const found: DistinctRows = { firsts: [], nullRows: 0, firstNullRow: undefined }
  /** Row + 1 by hash, with linear probing; 0 is free. */
  let slots = new Int32Array(1024)
  const slotOf = (row: number): number => {
    let hash = 0
    for (const { values, step, offset } of words) {
      hash = Math.imul(hash ^ values[row * step + offset], 0x9e3779b1)
      hash ^= hash >>> 15
    }
    const mask = slots.length - 1
    let slot = hash & mask
    while (slots[slot] !== 0 && !isSame(words, slots[slot] - 1, row)) slot = (slot + 1) & mask
    return slot
  }
  for (let row = 0; row < rows; row++) {
    if (nullable.some(column => isNull(column, row))) {
      found.nullRows++
      found.firstNullRow ??= row
      continue
    }
    const slot = slotOf(row)
    if (slots[slot] !== 0) continue
    slots[slot] = row + 1
    found.firsts.push(row)
    if (found.firsts.length * 2 > slots.length) {
      slots = new Int32Array(slots.length * 2)
      for (const first of found.firsts) slots[slotOf(first)] = first + 1
    }
  }
  return found
}

/** A word of each row: values[row * step + offset]. */
interface Words {
  values: Int32Array | Uint32Array | Uint8Array
  step: number
  offset: number
}

function isSame(words: Words[], a: number, b: number): boolean {
  for (const { values, step, offset } of words) {
    if (values[a * step + offset] !== values[b * step + offset]) return false
  }
  return true
}

function columnWords(column: Column, rows: number): Words[] {
  switch (column.kind) {
    case 'text':
      return [{ values: column.indices, step: 1, offset: 0 }]
    case 'int32':
    case 'boolean':
      return [{ values: column.values, step: 1, offset: 0 }]
    case 'int64':
    case 'double':
      return halves(new Int32Array(column.values.buffer, column.values.byteOffset, 2 * rows))
    case 'decimal': {
      const places = new Map<bigint, number>()
      const values = Int32Array.from({ length: rows }, (_, row) => {
        const value = column.values[row]!
        const place = places.get(value) ?? places.size
        places.set(value, place)
        return place
      })
      return [{ values, step: 1, offset: 0 }]
    }
  }
}

const halves = (values: Int32Array): Words[] => [
  { values, step: 2, offset: 0 },
  { values, step: 2, offset: 1 },
]
