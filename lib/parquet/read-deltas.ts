import { type ByteRange, readUnsigned, unpackBits } from './read-hybrid.ts'

/** Whole numbers up to this, and half of it added to it, are exact as doubles. */
const exact = 2 ** 52
/** Differences of a block, at most: more is no file of any writer, and would be room asked for by a damaged one. */
const mostInBlock = 65_536

/**
 * Reads `count` DELTA_BINARY_PACKED values to out[from] and behind. False where values or differences are too large for numbers: nothing can
 * be said of `out` then. Throws for damaged bytes. Source: parquet-format, Encodings, Delta.
 */
export function unpackDeltas(range: ByteRange, out: Int32Array | Float64Array, from: number, count: number): boolean {
  const blockSize = readUnsigned(range)
  const miniblocks = readUnsigned(range)
  const stored = readUnsigned(range)
  if (stored !== count) throw new Error(`${stored} differences for ${count} values`)
  if (miniblocks === 0 || blockSize > mostInBlock || blockSize % (miniblocks * 8) !== 0 || blockSize === 0)
    throw new Error(`differences in blocks of ${blockSize} in ${miniblocks} parts`)
  let value = readSigned(range)
  if (value === undefined) return false
  if (count === 0) return true
  out[from] = value
  const size = blockSize / miniblocks
  const deltas = new Uint32Array(size)
  const to = from + count
  for (let at = from + 1; at < to; ) {
    const least = readSigned(range)
    if (least === undefined || Math.abs(value) + blockSize * (Math.abs(least) + 2 ** 32) > exact) return false
    const widths = range.at
    range.at += miniblocks
    if (range.at > range.end) throw new Error('the widths of differences reach beyond the end')
    for (let part = 0; part < miniblocks && at < to; part++) {
      const bits = range.bytes[widths + part]
      if (bits > 32) return false
      const taken = Math.min(size, to - at)
      if (range.at + Math.ceil((taken * bits) / 8) > range.end) throw new Error('differences reach beyond the end')
      if (bits === 0) {
        for (let each = 0; each < taken; each++) {
          value += least
          out[at++] = value
        }
        continue
      }
      unpackBits(range.bytes, range.at, bits, deltas, 0, taken)
      range.at += (size * bits) / 8
      for (let each = 0; each < taken; each++) {
        value += least + deltas[each]
        out[at++] = value
      }
    }
  }
  return true
}

/** A zigzag number; undefined where it is too large to be exact in a double. */
function readSigned(range: ByteRange): number | undefined {
  let zigzag = 0
  for (let shift = 0; shift < 70; shift += 7) {
    if (range.at >= range.end) throw new Error('a number in a page reaches beyond its end')
    const byte = range.bytes[range.at++]
    zigzag += (byte & 127) * 2 ** shift
    if (byte >= 128) continue
    if (zigzag > Number.MAX_SAFE_INTEGER) return undefined
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  }
  throw new Error('a number in a page has more than 64 bits')
}
