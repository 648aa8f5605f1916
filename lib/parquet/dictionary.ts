import { varInt } from './levels.ts'
import type { Scratch } from './scratch.ts'

/** Bits that hold indices of so many entries: none for one. */
export const indexBits = (entries: number): number => (entries <= 1 ? 0 : 32 - Math.clz32(entries - 1))

/** Bytes of so many packed indices. */
export const indicesSize = (count: number, entries: number): number => (count * indexBits(entries)) / 8

/** Whether dictionary and indices take at most half the bytes of the plain values: less is not worth the reader's detour. */
export function dictionaryPays(plainBytes: number, dictionaryBytes: number, count: number, entries: number): boolean {
  return 2 * (dictionaryBytes + indicesSize(count, entries)) <= plainBytes
}

/** The most entries with which a dictionary of `count` values of `width` bytes pays; 0 where none does. */
export function mostEntries(count: number, width: number): number {
  let most = 0
  for (let bits = 0; bits < 32; bits++) {
    const fitting = Math.min(2 ** bits, Math.floor((count * width) / 2 / width - (count * bits) / 8 / width))
    if (fitting < 1 || indexBits(fitting) !== bits) continue
    most = fitting
  }
  return most
}

/**
 * A page of indices, which stand as words at a place of the scratch: the bits of one, then runs of equal and groups of packed indices. A view
 * of the scratch. Source: parquet-format, Encodings, RLE_DICTIONARY.
 */
export function packPage(scratch: Scratch, indices: number, count: number, entries: number): Uint8Array {
  const bits = indexBits(entries)
  if (bits === 0) return count === 0 ? Uint8Array.of(0) : Uint8Array.of(0, ...varInt(count * 2))
  // For each group of eight its bits and, as it may be a stretch of its own, a header of at most five bytes.
  const out = scratch.take(Math.ceil(count / 8) * (bits + 6) + 16)
  const length = scratch.kernels.packIndices(indices, count, bits, out + 1)
  const page = scratch.bytes(out, length + 1)
  page[0] = bits
  return page
}
