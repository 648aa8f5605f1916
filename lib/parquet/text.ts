import type { Column } from '../columns.ts'
import { encodeTexts, hashText, TextTable } from '../text-table.ts'
import { dictionaryPays, indexBits } from './dictionary.ts'
import type { Slice } from './gather.ts'
import type { StoredValues } from './values.ts'

/**
 * Text of one column of a row group. The dictionaries of the batches are joined into one, in the order of first rows, so that how rows
 * came in batches does not show; text is looked up and encoded once for each entry, not for each row.
 */
export function gatherText(slices: Slice[], at: number): StoredValues {
  const { indices, texts } = joinDictionaries(slices, at)
  const { bytes, offsets } = encodePlain(texts)
  let plainSize = 0
  for (const index of indices) plainSize += offsets[index + 1] - offsets[index]
  const entries = texts.count
  const pays = entries > 0 && dictionaryPays(plainSize, bytes.length, indices.length, entries)
  const dictionary = pays ? { entries, bytes, indices, bits: indexBits(entries) } : undefined
  const marks = new Uint32Array(entries)
  let mark = 0
  return {
    count: indices.length,
    size: dictionary ? (indices.length * dictionary.bits) / 8 : plainSize,
    dictionary,
    plain(from, to) {
      let size = 0
      for (let at = from; at < to; at++) size += offsets[indices[at] + 1] - offsets[indices[at]]
      const plain = new Uint8Array(size)
      let next = 0
      for (let at = from; at < to; at++) {
        const [start, end] = [offsets[indices[at]], offsets[indices[at] + 1]]
        plain.set(bytes.subarray(start, end), next)
        next += end - start
      }
      return plain
    },
    bounds(from, to) {
      // Each entry is compared once, however many of the rows hold it.
      mark++
      let min = -1
      let max = -1
      // By bytes, as Parquet orders text; a call of Buffer.compare would cost more than most comparisons.
      const compare = (a: number, b: number): number => {
        let [atA, atB] = [offsets[a] + lengthBytes, offsets[b] + lengthBytes]
        const [endA, endB] = [offsets[a + 1], offsets[b + 1]]
        for (; atA < endA && atB < endB; atA++, atB++) if (bytes[atA] !== bytes[atB]) return bytes[atA] - bytes[atB]
        return endA - atA - (endB - atB)
      }
      const take = (index: number): void => {
        if (min < 0 || compare(index, min) < 0) min = index
        if (max < 0 || compare(index, max) > 0) max = index
      }
      if (from === 0 && to === indices.length) for (let index = 0; index < entries; index++) take(index)
      else {
        for (let at = from; at < to; at++) {
          const index = indices[at]
          if (marks[index] === mark) continue
          marks[index] = mark
          take(index)
        }
      }
      const text = (index: number) =>
        index < 0 ? undefined : new Uint8Array(bytes.subarray(offsets[index] + lengthBytes, offsets[index + 1]))
      return { min: text(min), max: text(max), nans: 0 }
    },
  }
}

/** Bytes of the length before a PLAIN byte array. */
const lengthBytes = 4

/** `indices[n]` is the text of the n-th row that is not null. */
function joinDictionaries(slices: Slice[], at: number): { indices: Uint32Array; texts: TextTable } {
  const all = new Uint32Array(slices.reduce((sum, { start, end }) => sum + end - start, 0))
  const texts = new TextTable()
  let to = 0
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at] as Column & { kind: 'text' }
    const { nulls, indices } = column
    const { count, bytes, offsets } = column.utf8 ?? encodeTexts(column.values)
    const joined = new Int32Array(count).fill(-1)
    for (let row = start; row < end; row++) {
      if (nulls !== undefined && (nulls[row >> 3] & (1 << (row & 7))) !== 0) continue
      const index = indices[row]
      let entry = joined[index]
      if (entry < 0) {
        const [from, behind] = [offsets[index], offsets[index + 1]]
        entry = texts.find(bytes, from, behind, hashText(bytes, from, behind))
        joined[index] = entry
      }
      all[to++] = entry
    }
  }
  return { indices: all.subarray(0, to), texts }
}

/** The texts PLAIN-encoded: each with its length before it. The n-th lies at offsets[n] to offsets[n + 1]. */
function encodePlain({ count, bytes, offsets }: TextTable): { bytes: Uint8Array; offsets: Uint32Array } {
  const places = new Uint32Array(count + 1)
  const plain = new Uint8Array(offsets[count] + count * lengthBytes)
  for (let at = 0, to = 0; at < count; at++) {
    const [start, end] = [offsets[at], offsets[at + 1]]
    const length = end - start
    plain[to] = length
    plain[to + 1] = length >>> 8
    plain[to + 2] = length >>> 16
    plain[to + 3] = length >>> 24
    to += lengthBytes
    if (length > 32) plain.set(bytes.subarray(start, end), to)
    else for (let from = start, next = to; from < end; from++, next++) plain[next] = bytes[from]
    to += length
    places[at + 1] = to
  }
  return { bytes: plain, offsets: places }
}
