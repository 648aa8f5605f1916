import { isNull } from '../columns.ts'
import type { Scratch } from './scratch.ts'
import type { GatheredColumn, StoredValues } from './values.ts'

/** Booleans, a bit each. */
export function gatherBoolean(scratch: Scratch, { slices, at, rows, nulls }: GatheredColumn): StoredValues {
  const place = scratch.take(rows)
  let count = 0
  let row = 0
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at] as { values: Uint8Array; nulls?: Uint8Array }
    const to = place + count
    scratch.bytes(to, end - start).set(column.values.subarray(start, end))
    count += nulls && column.nulls ? scratch.kernels.gather1(to, nulls.place, row, end - start, to) : end - start
    row += end - start
  }
  return {
    count,
    size: count / 8,
    encoding: 'PLAIN',
    page(from, to) {
      const out = scratch.take((to - from + 7) >> 3)
      return scratch.bytes(out, scratch.kernels.packBooleans(place + from, to - from, out))
    },
    bounds(from, to) {
      const part = scratch.bytes(place + from, to - from)
      if (part.length === 0) return { min: undefined, max: undefined, nans: 0 }
      return { min: !part.includes(0), max: part.some(value => value !== 0), nans: 0 }
    },
  }
}

/** Big-endian two's complement of a fixed length, up to 16 bytes. Source: parquet-format, LogicalTypes, DECIMAL. */
export function gatherDecimal({ slices, at, rows, nulls }: GatheredColumn, length: number): StoredValues {
  const count = rows - (nulls?.count ?? 0)
  const values = new Array<bigint>(count)
  const bytes = new Uint8Array(count * length)
  const whole = new DataView(new ArrayBuffer(16))
  const wholeBytes = new Uint8Array(whole.buffer, 16 - length)
  let to = 0
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at] as { values: bigint[]; nulls?: Uint8Array; kind: 'decimal' }
    for (let row = start; row < end; row++) {
      if (isNull(column, row)) continue
      const value = column.values[row]
      values[to] = value
      whole.setBigInt64(0, value >> 64n)
      whole.setBigUint64(8, BigInt.asUintN(64, value))
      bytes.set(wholeBytes, to * length)
      to++
    }
  }
  return {
    count,
    size: bytes.length,
    encoding: 'PLAIN',
    page: (from, to) => bytes.subarray(from * length, to * length),
    bounds(from, to) {
      let min: bigint | undefined
      let max: bigint | undefined
      for (let at = from; at < to; at++) {
        const value = values[at]
        if (min === undefined || value < min) min = value
        if (max === undefined || value > max) max = value
      }
      return { min, max, nans: 0 }
    },
  }
}
