import { type Column, type ColumnValues, setNull } from '../../../../lib/columns.ts'
import { findDateOrder, parseFormat } from '../../../../lib/csv/date-formats.ts'
import { parseBoolean, parseDecimal, parseDouble, parseInt32, parseInt64 } from '../../../../lib/csv/parse-numbers.ts'
import { parseDate, parseTime, parseTimestamp } from '../../../../lib/csv/parse-temporal.ts'
import type { Field } from '../../../../lib/fields.ts'

/** What became of a cell: stored, a null that still has to be stored with `setNull`, or the reason why it does not fit. */
export type CellOutcome = 'stored' | 'null' | { reason: string }

/** Fills one column of a batch, slot by slot. A slot is written at most once between two calls of `clear` or `take`. */
export interface ColumnBuilder {
  /** Bytes that one cell of that text is reckoned to take in a batch. */
  cost(cell: string): number
  read(cell: string, row: number): CellOutcome
  setNull(row: number): void
  /** Empties a slot that was written, or not. */
  clear(row: number): void
  /** The column's first `rows` slots; the builder is empty afterwards. */
  take(rows: number): Column
}

const firstCapacity = 256

/** The builder for a field's type and format. Empty cells are null, and `.` is in all types that SAS keeps as numbers. */
export function createColumnBuilder({ type, format }: Field): ColumnBuilder {
  switch (type.kind) {
    case 'string':
      return createTextBuilder()
    case 'integer':
      return createFixedBuilder({ ...int32, parse: parseInt32 })
    case 'bigint':
      return createFixedBuilder({ ...int64, parse: parseInt64 })
    case 'double':
      return createFixedBuilder({ ...double, parse: parseDouble })
    case 'boolean':
      return createFixedBuilder({ ...boolean, parse: parseTruth, dotIsNull: false })
    case 'date': {
      const parsed = format === undefined ? undefined : parseFormat(format)
      const order = parsed && findDateOrder(parsed)
      return createFixedBuilder({ ...int32, parse: text => parseDate(text, order) })
    }
    case 'timestamp':
      return createFixedBuilder({ ...int64, parse: parseTimestamp })
    case 'time':
      return createFixedBuilder({ ...int64, parse: parseTime })
    case 'decimal': {
      const parse = (text: string): bigint | string => parseDecimal(text, type)
      if (type.precision > 18) return createFixedBuilder({ ...decimal, parse })
      if (type.precision > 9) return createFixedBuilder({ ...int64, parse })
      return createFixedBuilder({ ...int32, parse: text => toNumber(parse(text)) })
    }
  }
}

interface Slots<T> {
  [index: number]: T
  readonly length: number
}

interface Storage<T, S extends Slots<T>> {
  /** Bytes a slot. */
  width: number
  empty: S
  zero: T
  /** A copy with that many slots, filled up with zeros. */
  resize(slots: S, length: number): S
  wrap(values: S): ColumnValues
}

const int32: Storage<number, Int32Array> = {
  width: 4,
  empty: new Int32Array(0),
  zero: 0,
  resize: (slots, length) => copyInto(slots, new Int32Array(length)),
  wrap: values => ({ kind: 'int32', values }),
}
const int64: Storage<bigint, BigInt64Array> = {
  width: 8,
  empty: new BigInt64Array(0),
  zero: 0n,
  resize: (slots, length) => {
    const next = new BigInt64Array(length)
    next.set(slots.subarray(0, length))
    return next
  },
  wrap: values => ({ kind: 'int64', values }),
}
const double: Storage<number, Float64Array> = {
  width: 8,
  empty: new Float64Array(0),
  zero: 0,
  resize: (slots, length) => copyInto(slots, new Float64Array(length)),
  wrap: values => ({ kind: 'double', values }),
}
const boolean: Storage<number, Uint8Array> = {
  width: 1,
  empty: new Uint8Array(0),
  zero: 0,
  resize: (slots, length) => copyInto(slots, new Uint8Array(length)),
  wrap: values => ({ kind: 'boolean', values }),
}
const decimal: Storage<bigint, bigint[]> = {
  width: 32,
  empty: [],
  zero: 0n,
  resize: (slots, length) => Array.from({ length }, (_, row) => slots[row] ?? 0n),
  wrap: values => ({ kind: 'decimal', values }),
}

function copyInto<A extends Int32Array | Float64Array | Uint8Array>(from: A, to: A): A {
  to.set(from.subarray(0, to.length))
  return to
}

const toNumber = (value: bigint | string): number | string => (typeof value === 'bigint' ? Number(value) : value)

function parseTruth(text: string): number | string {
  const value = parseBoolean(text)
  return typeof value === 'boolean' ? Number(value) : value
}

function createFixedBuilder<T extends number | bigint, S extends Slots<T>>({
  width,
  empty,
  zero,
  resize,
  wrap,
  parse,
  dotIsNull = true,
}: Storage<T, S> & { parse(text: string): T | string; dotIsNull?: boolean }): ColumnBuilder {
  let slots = empty
  const nulls = createNulls()
  return {
    cost: () => width,
    read(cell, row) {
      const text = cell.trim()
      if (text === '' || (dotIsNull && text === '.')) return 'null'
      const value = parse(text)
      if (typeof value === 'string') return { reason: value }
      if (row >= slots.length) slots = resize(slots, Math.max(firstCapacity, 2 * slots.length))
      slots[row] = value
      return 'stored'
    },
    setNull: nulls.set,
    clear(row) {
      if (row < slots.length) slots[row] = zero
      nulls.clear(row)
    },
    take(rows) {
      const values = slots.length === rows ? slots : resize(slots, rows)
      slots = empty
      return { ...nulls.take(rows), ...wrap(values) }
    },
  }
}

function createTextBuilder(): ColumnBuilder {
  let places = new Map<string, number>()
  let indices: Uint32Array = new Uint32Array(0)
  const nulls = createNulls()
  return {
    cost: cell => cell.length + 4,
    read(cell, row) {
      if (cell === '') return 'null'
      let place = places.get(cell)
      if (place === undefined) {
        place = places.size
        places.set(cell, place)
      }
      if (row >= indices.length) indices = resizeIndices(indices, Math.max(firstCapacity, 2 * indices.length))
      indices[row] = place
      return 'stored'
    },
    setNull: nulls.set,
    clear(row) {
      if (row < indices.length) indices[row] = 0
      nulls.clear(row)
    },
    take(rows) {
      const column: Column = {
        ...nulls.take(rows),
        kind: 'text',
        values: [...places.keys()],
        indices: resizeIndices(indices, rows),
      }
      places = new Map()
      indices = new Uint32Array(0)
      return column
    },
  }
}

function resizeIndices(indices: Uint32Array, length: number): Uint32Array {
  const next = new Uint32Array(length)
  next.set(indices.subarray(0, length))
  return next
}

/** A bitmap of nulls that exists only once there is one. */
function createNulls() {
  let bits: Uint8Array = new Uint8Array(0)
  let any = false
  const resize = (length: number): Uint8Array => {
    const next = new Uint8Array(length)
    next.set(bits.subarray(0, length))
    return next
  }
  return {
    set(row: number): void {
      if (row >> 3 >= bits.length) bits = resize(Math.max((row >> 3) + 1, firstCapacity / 8, 2 * bits.length))
      setNull(bits, row)
      any = true
    },
    clear(row: number): void {
      if (row >> 3 < bits.length) bits[row >> 3]! &= ~(1 << (row & 7))
    },
    take(rows: number): { nulls?: Uint8Array } {
      if (!any) return {}
      const taken = resize(Math.ceil(rows / 8))
      bits = new Uint8Array(0)
      any = false
      return taken.some(byte => byte !== 0) ? { nulls: taken } : {}
    },
  }
}
