import type { Slice } from './gather.ts'
import type { Scratch } from './scratch.ts'

/** Which rows of a row group's column are null: bits at a place of the scratch, set = null. */
export interface NullRows {
  place: number
  count: number
}

/** Joins the bitmaps of the slices; undefined where no row is null. */
export function joinNulls(scratch: Scratch, slices: Slice[], at: number, rows: number): NullRows | undefined {
  if (!slices.some(({ batch }) => batch.columns[at].nulls)) return undefined
  const { kernels } = scratch
  const place = scratch.takeZeros((rows + 7) >> 3)
  let to = 0
  for (const { batch, start, end } of slices) {
    const { nulls } = batch.columns[at]
    if (nulls) {
      const mark = scratch.mark()
      const from = scratch.put(nulls.subarray(start >> 3, (end + 7) >> 3))
      kernels.appendBits(from, start & 7, end - start, place, to)
      scratch.release(mark)
    }
    to += end - start
  }
  const count = kernels.countBits(place, 0, rows)
  return count === 0 ? undefined : { place, count }
}

/**
 * Definition levels of rows [start, end), `start` a multiple of 8, in the RLE and bit-packing hybrid of width 1, without its length: a view of the
 * scratch. Source: parquet-format, Encodings.
 */
export function levelsOf(scratch: Scratch, nulls: NullRows | undefined, start: number, end: number): Uint8Array {
  const rows = end - start
  if (!nulls) return Uint8Array.of(...varInt(rows * 2), 1)
  // A run is at least four bytes of bits and takes at most six; a stretch of bits has a header of at most five.
  const out = scratch.take((rows >> 3) * 3 + 16)
  return scratch.bytes(out, scratch.kernels.packLevels(nulls.place + (start >> 3), rows, out))
}

/** The ULEB128 bytes of a number below 2^53. */
export function varInt(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return bytes
}
