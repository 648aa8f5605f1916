/**
 * Undoes Snappy. Throws where the bytes do not make exactly `size` bytes: every step reads a byte or more and none writes beyond, so damaged
 * bytes end in an error. Source: google/snappy, format_description.txt.
 */
export function unpackSnappy(bytes: Uint8Array, size: number): Uint8Array {
  const plain = new Uint8Array(size)
  const { length } = bytes
  let at = 0
  while (at < length && bytes[at] > 127) at++
  at++
  let to = 0
  while (at < length) {
    const tag = bytes[at++]
    if ((tag & 3) === 0) {
      let count = tag >> 2
      if (count >= 60) {
        const width = count - 59
        count = readLittle(bytes, at, width)
        at += width
      }
      count++
      if (at + count > length || to + count > size) throw new Error('a Snappy literal reaches beyond the end')
      plain.set(bytes.subarray(at, at + count), to)
      at += count
      to += count
      continue
    }
    const width = [0, 1, 2, 4][tag & 3]
    const short = width === 1
    const count = short ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const back = readLittle(bytes, at, width) + (short ? (tag >> 5) * 256 : 0)
    at += width
    if (back === 0 || back > to || to + count > size) throw new Error('a Snappy copy reaches beyond what is there')
    // Byte by byte: a copy may overlap what it makes.
    for (const end = to + count; to < end; to++) plain[to] = plain[to - back]
  }
  if (to !== size) throw new Error(`${to} bytes of Snappy, expected ${size}`)
  return plain
}

function readLittle(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw new Error('Snappy bytes end early')
  let value = 0
  for (let byte = 0; byte < width; byte++) value += bytes[at + byte] * 2 ** (8 * byte)
  return value
}
