import { ByteWriter } from 'hyparquet-writer'
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js'

/** The widest values for which pending bits and the next value fit 32 bits together. */
const widest = 24
/** Equal values from which on a run is written; also how many values make a group of packed ones. */
const group = 8

/**
 * Indices in the RLE and bit-packing hybrid, without length: runs of 8 or more equal values where they begin at a group, else groups of 8 packed
 * values. Source: parquet-format, Encodings, RLE. The same bytes as hyparquet-writer's, several times as fast.
 */
export function packIndices(values: Uint32Array, bits: number): Uint8Array {
  if (bits > widest) {
    const writer = new ByteWriter()
    writeRleBitPackedHybrid(writer, values, bits)
    return writer.getBytes()
  }
  const { length } = values
  // Packed values, a byte for the last group's filling each, and a header of at most five bytes for each run or stretch.
  const bytes = new Uint8Array(Math.ceil(length / group) * (bits + 6) + 16)
  let to = 0
  const appendVarInt = (value: number): void => {
    let rest = value
    for (; rest > 127; rest >>>= 7) bytes[to++] = (rest & 127) | 128
    bytes[to++] = rest
  }
  const pack = (start: number, end: number): void => {
    appendVarInt((Math.ceil((end - start) / group) << 1) | 1)
    let pending = 0
    let used = 0
    const last = Math.min(end, length)
    for (let at = start; at < last; at++) {
      pending |= values[at] << used
      for (used += bits; used >= 8; used -= 8) {
        bytes[to++] = pending
        pending >>>= 8
      }
    }
    // The last group is filled up with zeros.
    for (let left = (end - last) * bits + used; left > 0; left -= 8) {
      bytes[to++] = pending
      pending >>>= 8
    }
  }
  let literal = 0
  for (let at = 0; at < length; ) {
    const value = values[at]
    let next = at + 1
    while (next < length && values[next] === value) next++
    if (next - at < group) {
      at += group
      continue
    }
    if (literal < at) pack(literal, at)
    appendVarInt((next - at) * 2)
    for (let shift = 0; shift < bits; shift += 8) bytes[to++] = value >>> shift
    at = next
    literal = next
  }
  if (literal < length) pack(literal, literal + Math.ceil((length - literal) / group) * group)
  return bytes.subarray(0, to)
}
