import { decodeTexts, type Utf8Texts } from './text-table.ts'

/**
 * A batch of typed columns: what stands between the CSV decoder and the Parquet writer, and between a Parquet reader and the keys.
 * Nulls are a bitmap, one bit a row, least significant bit first, **set = null**; absent = no nulls. Slots of null rows hold 0.
 */
export type Column = { nulls?: Uint8Array } & ColumnValues

export type ColumnValues =
  /**
   * string: `values[indices[row]]`; a dictionary may hold entries that no row uses, each at most once. With `utf8` the same entries
   * stand there as bytes, and `values` makes strings of them when it is first asked for: what can do without strings takes the bytes.
   */
  | { kind: 'text'; values: string[]; indices: Uint32Array; utf8?: Utf8Texts }
  /** integer; date as days since 1970-01-01; decimal of precision ≤ 9 as unscaled value. */
  | { kind: 'int32'; values: Int32Array }
  /** bigint; timestamp as µs since 1970-01-01T00:00; time as µs since midnight; decimal of precision 10 to 18 as unscaled value. */
  | { kind: 'int64'; values: BigInt64Array }
  | { kind: 'double'; values: Float64Array }
  /** 0 or 1 a row. */
  | { kind: 'boolean'; values: Uint8Array }
  /** decimal of precision 19 to 38 as unscaled value. */
  | { kind: 'decimal'; values: bigint[] }

/** Columns stand in the order of the fields that they were decoded for; each has `rows` rows. */
export interface ColumnBatch {
  rows: number
  columns: Column[]
}

/** True where the row is null. */
export function isNull(column: Column, row: number): boolean {
  return column.nulls !== undefined && (column.nulls[row >> 3]! & (1 << (row & 7))) !== 0
}

/** The number of null rows. */
export function countNulls({ nulls }: Column): number {
  if (!nulls) return 0
  let count = 0
  for (let byte of nulls) for (; byte; byte &= byte - 1) count++
  return count
}

/** Marks a row as null in a bitmap made by `new Uint8Array(Math.ceil(rows / 8))`. */
export function setNull(nulls: Uint8Array, row: number): void {
  nulls[row >> 3]! |= 1 << (row & 7)
}

/** A text column over a dictionary of bytes. */
export function textColumn(utf8: Utf8Texts, indices: Uint32Array, nulls?: Uint8Array): Column & { kind: 'text' } {
  let values: string[] | undefined
  return {
    kind: 'text',
    utf8,
    indices,
    get values() {
      values ??= decodeTexts(utf8)
      return values
    },
    ...(nulls && { nulls }),
  }
}
