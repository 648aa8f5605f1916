import { ByteWriter } from 'hyparquet-writer'
import { setNull } from '../columns.ts'
import type { Slice } from './gather.ts'

/** The null bitmap of a row group's column, set = null; undefined where no row is null. */
export function nullBitmap(slices: Slice[], at: number, rows: number): Uint8Array | undefined {
  let bitmap: Uint8Array | undefined
  let to = 0
  for (const { batch, start, end } of slices) {
    const { nulls } = batch.columns[at]
    if (nulls) {
      bitmap ??= new Uint8Array(Math.ceil(rows / 8))
      // Whole bytes where both begin at one, which they do wherever a batch is a row group.
      const whole = ((start | to) & 7) === 0 ? (end - start) >> 3 : 0
      bitmap.set(nulls.subarray(start >> 3, (start >> 3) + whole), to >> 3)
      for (let row = start + whole * 8; row < end; row++) {
        if ((nulls[row >> 3] & (1 << (row & 7))) !== 0) setNull(bitmap, to + row - start)
      }
    }
    to += end - start
  }
  return bitmap?.some(byte => byte !== 0) ? bitmap : undefined
}

/** A run of so many equal bytes of levels is shorter as a run than as bits. */
const shortestRun = 4

/**
 * Definition levels of rows [start, end), `start` a multiple of 8, in the RLE and bit-packing hybrid of width 1, without its length.
 * Levels are the bitmap's bits turned round: bytes of the bitmap are whole groups of the encoding. Source: parquet-format, Encodings.
 */
export function levelsOf(nulls: Uint8Array | undefined, start: number, end: number): Uint8Array {
  const writer = new ByteWriter(64)
  const appendRun = (rows: number, level: number): void => {
    writer.appendVarInt(rows * 2)
    writer.appendUint8(level)
  }
  if (!nulls) {
    appendRun(end - start, 1)
    return writer.getBytes()
  }
  const whole = end >> 3
  let literal = start >> 3
  const appendLiteral = (to: number): void => {
    if (to === literal) return
    writer.appendVarInt((to - literal) * 2 + 1)
    for (; literal < to; literal++) writer.appendUint8(~nulls[literal] & 0xff)
  }
  for (let at = literal; at < whole; ) {
    let next = at + 1
    while (next < whole && nulls[next] === nulls[at]) next++
    if (next - at >= shortestRun && (nulls[at] === 0 || nulls[at] === 0xff)) {
      appendLiteral(at)
      appendRun((next - at) * 8, nulls[at] === 0 ? 1 : 0)
      literal = next
    }
    at = next
  }
  appendLiteral(Math.ceil(end / 8))
  return writer.getBytes()
}
