import { type Column, textColumn } from '../columns.ts'
import type { Field, FieldType } from '../fields.ts'
import { hashText, TextTable } from '../text-table.ts'
import { type CellParser, createCellParser } from './parse-cell.ts'

/** How the cells of a column are read from bytes, and where their values lie. */
export const cellKind = {
  text: 0,
  int32: 1,
  int64: 2,
  double: 3,
  date: 4,
  decimal32: 5,
  decimal64: 6,
  decimal: 7,
  boolean: 8,
  timestamp: 9,
  time: 10,
} as const
export type CellKind = (typeof cellKind)[keyof typeof cellKind]

/** What became of a cell: stored, a null, or the reason why it does not fit; in the last two cases the slot is as it was. */
export type CellOutcome = 'stored' | 'null' | { reason: string }

const noInts = new Int32Array(0)
const noDoubles = new Float64Array(0)
const noIndices = new Uint32Array(0)
const noBytes = new Uint8Array(0)
const firstTable = new TextTable()

/**
 * One column of the batch under way. All columns are of this one class, whatever their type, so that the engine compiles one shape of access
 * for the loop over them: of the arrays of values one is used. A slot that is not written holds 0.
 */
export class ColumnSlots {
  readonly kind: CellKind
  readonly nullable: boolean
  readonly field: Field
  /** Of decimals. */
  readonly scale: number
  /** Of decimals: all unscaled values are below it; Infinity where doubles cannot count that far. */
  readonly limit: number
  /** Bytes that a slot is reckoned to take, text aside. */
  readonly width: number
  readonly decimals: bigint[] = []
  /** Of `int32`; 64-bit values as pairs, the low half first: hosts are little-endian. */
  ints: Int32Array = noInts
  doubles: Float64Array = noDoubles
  truths: Uint8Array = noBytes
  indices: Uint32Array = noIndices
  table: TextTable = firstTable
  nulls: Uint8Array = noBytes
  anyNull = false
  private readonly parse: CellParser | undefined
  private readonly dotIsNull: boolean

  constructor(field: Field) {
    const { type, nullable } = field
    this.field = field
    this.nullable = nullable
    this.kind = kindOf(type)
    this.scale = type.kind === 'decimal' ? type.scale : 0
    this.limit = type.kind === 'decimal' ? (type.precision <= 15 ? 10 ** type.precision : Number.POSITIVE_INFINITY) : 0
    this.width = widths[this.kind]
    this.parse = createCellParser(field)
    this.dotIsNull = type.kind !== 'boolean'
    if (this.kind === cellKind.text) this.table = new TextTable()
  }

  /** Makes room for that many rows. */
  resize(rows: number): void {
    this.nulls = copyInto(this.nulls, new Uint8Array(Math.ceil(rows / 8)))
    switch (this.kind) {
      case cellKind.text:
        this.indices = copyInto(this.indices, new Uint32Array(rows))
        break
      case cellKind.double:
        this.doubles = copyInto(this.doubles, new Float64Array(rows))
        break
      case cellKind.boolean:
        this.truths = copyInto(this.truths, new Uint8Array(rows))
        break
      case cellKind.decimal:
        while (this.decimals.length < rows) this.decimals.push(0n)
        break
      case cellKind.int32:
      case cellKind.date:
      case cellKind.decimal32:
        this.ints = copyInto(this.ints, new Int32Array(rows))
        break
      default:
        this.ints = copyInto(this.ints, new Int32Array(2 * rows))
    }
  }

  setNull(row: number): void {
    this.nulls[row >> 3] |= 1 << (row & 7)
    this.anyNull = true
  }

  /** Empties a slot. */
  clear(row: number): void {
    this.nulls[row >> 3] &= ~(1 << (row & 7))
    if (this.kind === cellKind.text) this.indices[row] = 0
    else this.store(this.kind === cellKind.decimal ? 0n : 0, row)
  }

  /** Reads a cell by its text, the general way. Empty cells are null, and `.` is in all types that SAS keeps as numbers. */
  read(cell: string, row: number): CellOutcome {
    if (this.parse === undefined) {
      if (cell === '') return 'null'
      const bytes = new TextEncoder().encode(cell)
      this.indices[row] = this.table.find(bytes, 0, bytes.length, hashText(bytes, 0, bytes.length))
      return 'stored'
    }
    const text = cell.trim()
    if (text === '' || (this.dotIsNull && text === '.')) return 'null'
    const value = this.parse(text)
    if (typeof value === 'string') return { reason: value }
    this.store(value, row)
    return 'stored'
  }

  /** Stores a whole number whose magnitude is below 2^53 into a slot of 64 bits. */
  storeLong(value: number, row: number): void {
    this.ints[2 * row] = value % 4294967296
    this.ints[2 * row + 1] = Math.floor(value / 4294967296)
  }

  private store(value: number | bigint, row: number): void {
    switch (this.kind) {
      case cellKind.double:
        this.doubles[row] = Number(value)
        break
      case cellKind.boolean:
        this.truths[row] = Number(value)
        break
      case cellKind.decimal:
        this.decimals[row] = BigInt(value)
        break
      case cellKind.int32:
      case cellKind.date:
      case cellKind.decimal32:
        this.ints[row] = Number(value)
        break
      default: {
        const bits = BigInt(value)
        this.ints[2 * row] = Number(BigInt.asIntN(32, bits))
        this.ints[2 * row + 1] = Number(BigInt.asIntN(32, bits >> 32n))
      }
    }
  }

  /** The column's first `rows` slots; afterwards there is no room for any row. */
  take(rows: number): Column {
    const nulls = this.anyNull ? cut(this.nulls, Math.ceil(rows / 8)) : undefined
    const bitmap = nulls?.some(byte => byte !== 0) ? { nulls } : {}
    const { kind, ints } = this
    let column: Column
    switch (kind) {
      case cellKind.text:
        column = textColumn(this.table, cut(this.indices, rows), bitmap.nulls)
        this.table = new TextTable()
        break
      case cellKind.double:
        column = { ...bitmap, kind: 'double', values: cut(this.doubles, rows) }
        break
      case cellKind.boolean:
        column = { ...bitmap, kind: 'boolean', values: cut(this.truths, rows) }
        break
      case cellKind.decimal:
        column = { ...bitmap, kind: 'decimal', values: this.decimals.slice(0, rows) }
        this.decimals.length = 0
        break
      case cellKind.int32:
      case cellKind.date:
      case cellKind.decimal32:
        column = { ...bitmap, kind: 'int32', values: cut(ints, rows) }
        break
      default: {
        const words = cut(ints, 2 * rows)
        column = { ...bitmap, kind: 'int64', values: new BigInt64Array(words.buffer, words.byteOffset, rows) }
      }
    }
    this.indices = noIndices
    this.doubles = noDoubles
    this.truths = noBytes
    this.ints = noInts
    this.nulls = noBytes
    this.anyNull = false
    return column
  }
}

const widths: Record<CellKind, number> = [4, 4, 8, 8, 4, 4, 8, 32, 1, 8, 8]

function kindOf(type: FieldType): CellKind {
  switch (type.kind) {
    case 'string':
      return cellKind.text
    case 'integer':
      return cellKind.int32
    case 'bigint':
      return cellKind.int64
    case 'decimal':
      return type.precision <= 9 ? cellKind.decimal32 : type.precision <= 18 ? cellKind.decimal64 : cellKind.decimal
    default:
      return cellKind[type.kind]
  }
}

type Slots = Int32Array | Float64Array | Uint8Array | Uint32Array

function copyInto<A extends Slots>(from: A, to: A): A {
  to.set(from.subarray(0, to.length))
  return to
}

/** The first slots: the array itself where little of it is left over, so that nothing is copied and little is held for nothing. */
function cut<A extends Slots>(slots: A, length: number): A {
  return (slots.length - length <= length >> 3 ? slots.subarray(0, length) : slots.slice(0, length)) as A
}
