/**
 * Parquet's RLE and bit-packing hybrid, read. Every call ends: it goes forward in a fixed range of bytes and in a fixed number of values, and
 * throws where the bytes end first. Source: parquet-format, Encodings, Run Length Encoding / Bit-Packing Hybrid.
 */

/** A place in bytes of which those up to `end` may be read. */
export interface ByteRange {
  bytes: Uint8Array
  at: number
  end: number
}

/** An unsigned LEB128 of at most 32 bits; `range.at` moves behind it. */
export function readUnsigned(range: ByteRange): number {
  const { bytes, end } = range
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    if (range.at >= end) throw new Error('a number in a page reaches beyond its end')
    const byte = bytes[range.at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) return value
  }
  throw new Error('a number in a page has more than 32 bits')
}

/** The widest values that are put together in 32 bits with the rest of the byte before. */
const widest = 24

/** Puts `count` values of `bits` bits each to out[from] and behind. Throws for more than 32 bits, and where the bytes end first. */
export function unpackHybrid(range: ByteRange, bits: number, out: Uint32Array, from: number, count: number): void {
  if (bits > 32) throw new Error(`indices of ${bits} bits`)
  const to = from + count
  if (bits === 0) {
    out.fill(0, from, to)
    return
  }
  for (let at = from; at < to; ) {
    const header = readUnsigned(range)
    if (header % 2 === 0) {
      const value = readWhole(range, (bits + 7) >> 3)
      const next = Math.min(to, at + header / 2)
      out.fill(value, at, next)
      at = next
    } else {
      const groups = (header - 1) / 2
      // Only as many bytes as the wanted values take: some writers leave the filling of the last group out.
      const values = Math.min(to - at, groups * 8)
      if (range.at + Math.ceil((values * bits) / 8) > range.end) throw new Error('packed values reach beyond the end')
      unpackBits(range.bytes, range.at, bits, out, at, values)
      range.at = Math.min(range.end, range.at + groups * bits)
      at += values
    }
  }
}

function readWhole(range: ByteRange, width: number): number {
  if (range.at + width > range.end) throw new Error('a run reaches beyond the end')
  let value = 0
  for (let byte = 0; byte < width; byte++) value += range.bytes[range.at++] * 2 ** (8 * byte)
  return value
}

/** Unpacks values that lie least significant bit first. The bytes must be there. */
export function unpackBits(
  bytes: Uint8Array,
  start: number,
  bits: number,
  out: Uint32Array,
  from: number,
  count: number,
): void {
  let next = start
  const to = from + count
  let held = 0
  if (bits <= widest) {
    const mask = (1 << bits) - 1
    let pending = 0
    for (let at = from; at < to; at++) {
      for (; held < bits; held += 8) pending |= bytes[next++] << held
      out[at] = pending & mask
      pending >>>= bits
      held -= bits
    }
    return
  }
  let pending = 0
  const limit = 2 ** bits
  for (let at = from; at < to; at++) {
    for (; held < bits; held += 8) pending += bytes[next++] * 2 ** held
    out[at] = pending % limit
    pending = Math.floor(pending / limit)
    held -= bits
  }
}

/**
 * Reads definition levels of 0 or 1 for `rows` rows, sets the bits of those that are null in `nulls`, whose first bit is row 0 of the chunk and
 * which `rows` begins in at `start`, and resolves with the number of values. Throws where the bytes end first.
 */
export function readLevels(range: ByteRange, nulls: Uint8Array, start: number, rows: number): number {
  const to = start + rows
  let values = 0
  for (let row = start; row < to; ) {
    const header = readUnsigned(range)
    if (header % 2 === 0) {
      const next = Math.min(to, row + header / 2)
      if (readWhole(range, 1) !== 0) values += next - row
      else setNulls(nulls, row, next)
      row = next
      continue
    }
    const stretch = Math.min(to - row, ((header - 1) / 2) * 8)
    const width = Math.ceil(stretch / 8)
    if (range.at + width > range.end) throw new Error('packed levels reach beyond the end')
    for (let at = 0; at < stretch; at++, row++) {
      const set = (range.bytes[range.at + (at >> 3)] >> (at & 7)) & 1
      values += set
      nulls[row >> 3] |= (set ^ 1) << (row & 7)
    }
    range.at += width
  }
  return values
}

function setNulls(nulls: Uint8Array, from: number, to: number): void {
  for (let row = from; row < to; row++) {
    if ((row & 7) === 0 && row + 8 <= to) {
      const whole = (to - row) >> 3
      nulls.fill(0xff, row >> 3, (row >> 3) + whole)
      row += whole * 8 - 1
    } else nulls[row >> 3] |= 1 << (row & 7)
  }
}
