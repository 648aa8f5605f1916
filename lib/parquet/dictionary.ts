/** The distinct values of a chunk, PLAIN-encoded in the order of their first rows, and which of them each value is. */
export interface Dictionary {
  entries: number
  bytes: Uint8Array
  indices: Uint32Array
  /** Bits of an index. */
  bits: number
}

/** Bits that hold indices of so many entries: none for one. */
export const indexBits = (entries: number): number => (entries <= 1 ? 0 : 32 - Math.clz32(entries - 1))

/** Whether dictionary and indices take at most half the bytes of the plain values: less is not worth the reader's detour. */
export function dictionaryPays(plainBytes: number, dictionaryBytes: number, count: number, entries: number): boolean {
  return 2 * (dictionaryBytes + (count * indexBits(entries)) / 8) <= plainBytes
}

/** Values after which a column that hardly repeats is given up. */
const trial = 4096

/**
 * The dictionary of values of `width` 32-bit words each, told apart by their bits, so that -0 is not 0; undefined where it does not
 * pay. A hash table of indices, open addressing: a Map would make an object of each 64-bit value.
 */
export function wordDictionary(words: Int32Array, width: 1 | 2): Dictionary | undefined {
  const count = words.length / width
  if (count === 0) return undefined
  const most = count >> 1
  let slots = new Int32Array(1024).fill(-1)
  let mask = slots.length - 1
  let entries = new Int32Array(1024 * width)
  let size = 0
  const indices = new Uint32Array(count)
  const slotOf = (low: number, high: number): number => {
    let slot = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
    slot = (slot ^ (slot >>> 15)) & mask
    for (;;) {
      const entry = slots[slot]
      if (entry < 0) return slot
      if (width === 1 ? entries[entry] === low : entries[2 * entry] === low && entries[2 * entry + 1] === high)
        return slot
      slot = (slot + 1) & mask
    }
  }
  for (let at = 0; at < count; at++) {
    const low = words[at * width]
    const high = width === 1 ? 0 : words[2 * at + 1]
    const slot = slotOf(low, high)
    let entry = slots[slot]
    if (entry < 0) {
      if (size >= most || (at >= trial && size > at * 0.75)) return undefined
      entry = size++
      slots[slot] = entry
      if (size * width > entries.length) entries = grow(entries)
      entries[entry * width] = low
      if (width === 2) entries[2 * entry + 1] = high
      if (size * 2 > slots.length) {
        slots = new Int32Array(slots.length * 2).fill(-1)
        mask = slots.length - 1
        for (let each = 0; each < size; each++)
          slots[slotOf(entries[each * width], width === 1 ? 0 : entries[2 * each + 1])] = each
      }
    }
    indices[at] = entry
  }
  const bytes = new Uint8Array(entries.buffer, 0, size * width * 4)
  if (!dictionaryPays(words.byteLength, bytes.length, count, size)) return undefined
  return { entries: size, bytes, indices, bits: indexBits(size) }
}

function grow(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}
