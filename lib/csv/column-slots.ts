import { type Column, textColumn } from '../columns.ts'
import type { Field, FieldType } from '../fields.ts'
import { flag, recordBytes, word } from './column-record.ts'
import { type KernelMemory, longPowersAt, powersAt, type TakeValues } from './kernel-memory.ts'
import { type CellParser, createCellParser } from './parse-cell.ts'
import { slack, TextDictionary } from './text-dictionary.ts'

/** What became of a cell: stored, a null, or the reason why it does not fit; in the last two cases the slot is as it was. */
export type CellOutcome = 'stored' | 'null' | { reason: string }

/** How values lie in slots, and how many bytes each takes; `decimal` is whole numbers of 128 bits. */
const slotBytes = { text: 4, int32: 4, int64: 8, double: 8, boolean: 1, decimal: 16 } as const
type SlotKind = keyof typeof slotBytes

/** One column of the batch under way, in the kernels' memory. The slots of null rows hold 0. */
export class ColumnSlots {
  readonly nullable: boolean
  readonly field: Field
  /** Bytes that a slot is reckoned to take, text aside. */
  readonly width: number
  /** Address of the column's record. */
  readonly record: number
  /** The kernel that reads the column's cells; undefined where it is text. */
  readonly takeValues: TakeValues | undefined
  /** Of text columns. */
  readonly dictionary: TextDictionary | undefined
  private readonly kind: SlotKind
  private readonly memory: KernelMemory
  private readonly parse: CellParser | undefined
  private readonly dotIsNull: boolean
  /** Rows that there is room for. */
  private room = 0

  constructor(field: Field, memory: KernelMemory) {
    const { type, nullable } = field
    this.field = field
    this.nullable = nullable
    this.memory = memory
    this.kind = kindOf(type)
    this.width = this.kind === 'decimal' ? 32 : slotBytes[this.kind]
    this.parse = createCellParser(field)
    this.dotIsNull = type.kind !== 'boolean'
    this.record = memory.allocate(recordBytes)
    memory.buffer.fill(0, this.record, this.record + recordBytes)
    if (nullable) this.setFlag(flag.nullable)
    if (type.kind === 'string') {
      this.dictionary = new TextDictionary(memory, this.record)
      return
    }
    this.takeValues = memory.kernels[kernels[type.kind]]
    this.set('width', slotBytes[this.kind])
    this.set('powers', powersAt)
    this.set('longPowers', longPowersAt)
    if (type.kind === 'decimal') {
      this.set('scale', type.scale)
      memory.longs[(this.record >> 3) + word.limit / 2] = 10n ** BigInt(Math.min(18, type.precision))
    }
  }

  /** Of `flag`: something that the kernel must know of the column's place in the file. */
  setFlag(bit: number): void {
    this.set('flags', this.get('flags') | bit)
  }

  /** Makes room for that many rows. */
  resize(rows: number): void {
    if (rows <= this.room) return
    const { memory, room } = this
    const bytes = slotBytes[this.kind]
    const [old, now] = [bitmapBytes(room), bitmapBytes(rows)]
    this.set('slots', memory.move(this.get('slots'), bytes * room, bytes * room, bytes * rows))
    const nulls = memory.move(this.get('nulls'), old, room === 0 ? 0 : old, now)
    memory.buffer.fill(0, room === 0 ? nulls : nulls + old, nulls + now)
    this.set('nulls', nulls)
    this.room = rows
  }

  setNull(row: number): void {
    this.memory.buffer[this.get('nulls') + (row >> 3)] |= 1 << (row & 7)
    this.set('anyNull', 1)
  }

  /** Makes rows that are not null of [from, to). */
  clearNulls(from: number, to: number): void {
    if (this.get('anyNull') === 0) return
    const nulls = this.get('nulls')
    for (let row = from; row < to; row++) this.memory.buffer[nulls + (row >> 3)] &= ~(1 << (row & 7))
  }

  /** Empties a slot. */
  clear(row: number): void {
    this.clearNulls(row, row + 1)
    const bytes = slotBytes[this.kind]
    const at = this.get('slots') + bytes * row
    this.memory.buffer.fill(0, at, at + bytes)
  }

  /** Reads a cell by its text, the general way. Empty cells are null, and `.` is in all types that SAS keeps as numbers. */
  read(cell: string, row: number): CellOutcome {
    if (this.dictionary) {
      if (cell === '') return 'null'
      this.putText(this.dictionary, cell, row)
      return 'stored'
    }
    const text = cell.trim()
    if (text === '' || (this.dotIsNull && text === '.')) return 'null'
    const value = this.parse!(text)
    if (typeof value === 'string') return { reason: value }
    this.store(value, row)
    return 'stored'
  }

  /** The column's first `rows` slots. With `lend` the arrays are the slots themselves: good until `restart`. */
  take(rows: number, lend: boolean): Column {
    const nulls = this.takeNulls(rows, lend)
    const slots = this.view(this.get('slots'), slotBytes[this.kind] * rows)
    const { buffer, byteOffset } = lend ? slots : slots.slice()
    if (this.dictionary) return textColumn(this.dictionary.take(lend), new Uint32Array(buffer, byteOffset, rows), nulls)
    const bitmap = nulls && { nulls }
    switch (this.kind) {
      case 'double':
        return { ...bitmap, kind: 'double', values: new Float64Array(buffer, byteOffset, rows) }
      case 'boolean':
        return { ...bitmap, kind: 'boolean', values: new Uint8Array(buffer, byteOffset, rows) }
      case 'int64':
        return { ...bitmap, kind: 'int64', values: new BigInt64Array(buffer, byteOffset, rows) }
      case 'decimal':
        return { ...bitmap, kind: 'decimal', values: joinHalves(new BigInt64Array(buffer, byteOffset, 2 * rows)) }
      default:
        return { ...bitmap, kind: 'int32', values: new Int32Array(buffer, byteOffset, rows) }
    }
  }

  /** Makes ready for the next batch: no row is null, no text known. */
  restart(): void {
    this.dictionary?.restart()
    if (this.get('anyNull') === 0) return
    this.view(this.get('nulls'), bitmapBytes(this.room)).fill(0)
    this.set('anyNull', 0)
  }

  /** Puts a text that is not empty into a slot: as a quoted cell, so that the kernel has one way to take texts. */
  private putText(dictionary: TextDictionary, cell: string, row: number): void {
    const { memory } = this
    const quoted = Buffer.from(`"${cell.replaceAll('"', '""')}"`)
    const size = ends + quoted.length + slack
    const at = memory.allocate(size)
    quoted.copy(memory.buffer, at + ends)
    memory.ints[at >> 2] = at + ends - 1
    memory.ints[(at >> 2) + 1] = at + ends + quoted.length
    do memory.kernels.takeTexts(this.record, at + 4, 0, 1, row, 0x7fffffff)
    while (dictionary.grow())
    memory.free(at, size)
  }

  private store(value: number | bigint, row: number): void {
    const { memory } = this
    const at = this.get('slots') + slotBytes[this.kind] * row
    switch (this.kind) {
      case 'double':
        memory.doubles[at >> 3] = Number(value)
        break
      case 'boolean':
        memory.buffer[at] = Number(value)
        break
      case 'int64':
        memory.longs[at >> 3] = BigInt(value)
        break
      case 'decimal':
        memory.longs[at >> 3] = BigInt.asIntN(64, BigInt(value))
        memory.longs[(at >> 3) + 1] = BigInt(value) >> 64n
        break
      default:
        memory.ints[at >> 2] = Number(value)
    }
  }

  private takeNulls(rows: number, lend: boolean): Uint8Array<ArrayBuffer> | undefined {
    if (this.get('anyNull') === 0) return undefined
    const nulls = this.view(this.get('nulls'), Math.ceil(rows / 8))
    if (!nulls.some(byte => byte !== 0)) return undefined
    return lend ? nulls : nulls.slice()
  }

  private view(at: number, bytes: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer.buffer as ArrayBuffer, at, bytes)
  }

  private get(name: keyof typeof word): number {
    return this.memory.ints[(this.record >> 2) + word[name]]
  }

  private set(name: keyof typeof word, value: number): void {
    this.memory.ints[(this.record >> 2) + word[name]] = value
  }
}

/** Of the two ends that stand before a text that is put in. */
const ends = 8

const bitmapBytes = (rows: number): number => (rows >> 3) + 1

const kernels = {
  integer: 'takeIntegers',
  bigint: 'takeIntegers',
  decimal: 'takeDecimals',
  double: 'takeDoubles',
  boolean: 'takeBooleans',
  date: 'takeDates',
  timestamp: 'takeTimestamps',
  time: 'takeTimes',
} as const

function kindOf(type: FieldType): SlotKind {
  switch (type.kind) {
    case 'string':
      return 'text'
    case 'integer':
    case 'date':
      return 'int32'
    case 'bigint':
    case 'timestamp':
    case 'time':
      return 'int64'
    case 'decimal':
      return type.precision <= 9 ? 'int32' : type.precision <= 18 ? 'int64' : 'decimal'
    default:
      return type.kind
  }
}

/** Whole numbers of 128 bits from pairs of their lower and upper half. */
const joinHalves = (halves: BigInt64Array): bigint[] =>
  Array.from({ length: halves.length / 2 }, (_, at) => {
    const [low, high] = [halves[2 * at], halves[2 * at + 1]]
    return high === low >> 63n ? low : (high << 64n) | BigInt.asUintN(64, low)
  })
