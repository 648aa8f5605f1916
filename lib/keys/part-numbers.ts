import type { Column } from '../columns.ts'
import type { FieldType } from '../fields.ts'
import { encodeTexts, hashText, TextTable } from '../text-table.ts'
import { formatNumber } from './natural-key.ts'
import { Tuples } from './tuples.ts'

/** Numbers for the values that one part of a natural key can have: one for each text, whatever the type. */
export interface PartNumbers {
  /** Numbers in use: 0 to here. */
  readonly count: number
  /** The number of each of the first `count` values of a column, nulls not regarded. The array is not the caller's to change. */
  numbersOf(entries: Column, count: number, type: FieldType): Int32Array
}

/**
 * Gives the values of a part of a natural key numbers, equal where readNaturalKeys gives equal text. Columns that come more than once in a row
 * are numbered once: entities share their parts.
 */
export function createPartNumbers(): PartNumbers {
  let numbers: ReturnType<typeof createTextNumbers> | ReturnType<typeof createValueNumbers> | undefined
  let last: { entries: Column; count: number; numbers: Int32Array } | undefined
  return {
    get count() {
      return numbers?.count() ?? 0
    },
    numbersOf(entries, count, type) {
      if (last?.entries === entries && last.count >= count) return last.numbers
      if (type.kind === 'string' && entries.kind !== 'text')
        throw new Error(`a part of a natural key is declared as text and holds ${entries.kind}`)
      if (type.kind !== 'string' && entries.kind === 'text')
        throw new Error('a part of a natural key is text and is not declared so')
      numbers ??= type.kind === 'string' ? createTextNumbers() : createValueNumbers()
      if (numbers.isText !== (type.kind === 'string'))
        throw new Error('a part of a natural key is text in one place and not in another')
      last = { entries, count, numbers: numbers.of(entries as never, count, type) }
      return last.numbers
    },
  }
}

function createTextNumbers() {
  const texts = new TextTable()
  return {
    isText: true,
    count: () => texts.count,
    of(column: Column & { kind: 'text' }, count: number): Int32Array {
      const { bytes, offsets } = column.utf8 ?? encodeTexts(column.values)
      const numbers = new Int32Array(count)
      for (let at = 0; at < count; at++) {
        const start = offsets[at]!
        const end = offsets[at + 1]!
        numbers[at] = texts.find(bytes, start, end, hashText(bytes, start, end))
      }
      return numbers
    },
  }
}

/** Whole numbers of 32 bits are looked up as they are, whatever type they come in; all others by their text. */
function createValueNumbers() {
  const whole = new Tuples(1)
  const numberOfWhole: number[] = []
  const numberOfText = new Map<string, number>()
  const word = new Int32Array(1)
  const ofWhole = (value: number): number => {
    word[0] = value
    const place = whole.find([word], 0)
    if (place === numberOfWhole.length) numberOfWhole.push(numberOfText.size + place)
    return numberOfWhole[place]!
  }
  const ofOther = (value: number | bigint, isDouble: boolean, scale: number): number => {
    const text = formatNumber(value, isDouble, scale)
    const small = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (small === (small | 0)) return ofWhole(small)
    let number = numberOfText.get(text)
    if (number === undefined) {
      number = whole.count + numberOfText.size
      numberOfText.set(text, number)
    }
    return number
  }
  return {
    isText: false,
    count: () => whole.count + numberOfText.size,
    of(column: Exclude<Column, { kind: 'text' }>, count: number, type: FieldType): Int32Array {
      const scale = type.kind === 'decimal' ? type.scale : 0
      const numbers = new Int32Array(count)
      switch (column.kind) {
        case 'int64': {
          const { values } = column
          // By halves, as each 64-bit element that is touched would be an object.
          const words = new Int32Array(values.buffer, values.byteOffset, 2 * count)
          for (let at = 0; at < count; at++) {
            const low = words[2 * at]!
            const isSmall = scale === 0 && words[2 * at + 1] === low >> 31
            numbers[at] = isSmall ? ofWhole(low) : ofOther(values[at]!, false, scale)
          }
          break
        }
        case 'double':
          for (let at = 0; at < count; at++) {
            const value = column.values[at]!
            numbers[at] = value === (value | 0) ? ofWhole(value) : ofOther(value, true, 0)
          }
          break
        case 'decimal':
          for (let at = 0; at < count; at++) numbers[at] = ofOther(column.values[at]!, false, scale)
          break
        default:
          for (let at = 0; at < count; at++)
            numbers[at] = scale === 0 ? ofWhole(column.values[at]!) : ofOther(column.values[at]!, false, scale)
      }
      return numbers
    },
  }
}
