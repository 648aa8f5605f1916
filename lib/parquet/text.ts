import type { Column } from '../columns.ts'
import { encodeTexts, hashText, TextTable, type Utf8Texts } from '../text-table.ts'
import { dictionaryPays, indicesSize, packPage } from './dictionary.ts'
import type { Scratch } from './scratch.ts'
import type { GatheredColumn, StoredValues } from './values.ts'

/** Bytes of the length before a PLAIN byte array. */
const lengthBytes = 4

/**
 * Text of one column of a row group. The dictionaries of the batches are joined into one, in the order of first rows and without what no row
 * uses, so that how rows came in batches does not show; text is looked up once for each entry, not for each row.
 */
export function gatherText(scratch: Scratch, column: GatheredColumn): StoredValues {
  const { kernels } = scratch
  const { count, indices, entries, order, texts } = joinDictionaries(scratch, column)
  const { plain, places } = encodePlain(scratch, texts, order, entries)
  const placeOf = (entry: number): number => scratch.words(places, entries + 1)[entry]
  const dictionarySize = placeOf(entries)
  // Where no text comes twice, the n-th row has the n-th entry.
  const distinct = entries === count
  const plainSize = distinct
    ? dictionarySize
    : entries === 1
      ? count * dictionarySize
      : kernels.plainSize(indices, count, places)
  const marks = { place: 0, last: 0 }
  const bounds: StoredValues['bounds'] = (from, to) => {
    if (from === to) return { min: undefined, max: undefined, nans: 0 }
    if (to - from < count && marks.last === 0) marks.place = scratch.takeZeros(entries * 4)
    const out = scratch.take(8)
    if (to - from === count) kernels.boundEntries(entries, places, plain, out)
    else kernels.boundIndices(indices + from * 4, to - from, places, plain, marks.place, ++marks.last, out)
    const [min, max] = scratch.words(out, 2)
    const text = (entry: number): Uint8Array => {
      const start = placeOf(entry) + lengthBytes
      return scratch.bytes(plain + start, placeOf(entry + 1) - start).slice()
    }
    return { min: text(min), max: text(max), nans: 0 }
  }
  if (entries > 0 && dictionaryPays(plainSize, dictionarySize, count, entries)) {
    return {
      count,
      size: indicesSize(count, entries),
      encoding: 'RLE_DICTIONARY',
      dictionary: { entries, bytes: () => scratch.bytes(plain, dictionarySize) },
      page: (from, to) => packPage(scratch, indices + from * 4, to - from, entries),
      bounds,
    }
  }
  return {
    count,
    size: plainSize,
    encoding: 'PLAIN',
    page(from, to) {
      if (distinct) return scratch.bytes(plain + placeOf(from), placeOf(to) - placeOf(from))
      const out = scratch.take(kernels.plainSize(indices + from * 4, to - from, places))
      return scratch.bytes(out, kernels.plainTexts(indices + from * 4, to - from, places, plain, out))
    },
    bounds,
  }
}

/** Texts as they are used: word n at `order` is which of `texts` is the n-th entry, word n at `indices` which entry the n-th value is. */
interface Joined {
  count: number
  indices: number
  entries: number
  order: number
  texts: Utf8Texts
}

function joinDictionaries(scratch: Scratch, { slices, at, rows, nulls }: GatheredColumn): Joined {
  const { kernels } = scratch
  const indices = scratch.take(rows * 4)
  const only = slices.length === 1
  const table = new TextTable()
  let joined: Pick<Joined, 'entries' | 'order' | 'texts'> | undefined
  let count = 0
  let row = 0
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at] as Column & { kind: 'text' }
    const texts = column.utf8 ?? encodeTexts(column.values)
    if (only && texts.count === 1) {
      // Which entry a value is needs no look: the indices, all 0, are not read by anything.
      const found = rows - (nulls?.count ?? 0)
      return { count: found, indices, entries: Math.min(found, 1), order: scratch.put(Uint32Array.of(0)), texts }
    }
    const to = indices + count * 4
    scratch.words(to, end - start).set(column.indices.subarray(start, end))
    const found = nulls && column.nulls ? kernels.gather4(to, nulls.place, row, end - start, to) : end - start
    const mark = scratch.mark()
    const order = scratch.take(texts.count * 4)
    const numbers = scratch.takeZeros(texts.count * 4)
    const used = kernels.numberEntries(to, found, numbers, order)
    if (only) joined = { entries: used, order, texts }
    else {
      const { bytes, offsets } = texts
      const entries = scratch.words(order, used).map(entry => {
        const [from, behind] = [offsets[entry], offsets[entry + 1]]
        return table.find(bytes, from, behind, hashText(bytes, from, behind))
      })
      kernels.renumber(to, found, scratch.put(entries))
      scratch.release(mark)
    }
    count += found
    row += end - start
  }
  joined ??= {
    entries: table.count,
    order: scratch.put(Uint32Array.from({ length: table.count }, (_, entry) => entry)),
    texts: table,
  }
  return { count, indices, ...joined }
}

/** The entries PLAIN, and the words of where each begins among them and the last ends. */
function encodePlain(
  scratch: Scratch,
  { count, bytes, offsets }: Utf8Texts,
  order: number,
  entries: number,
): { plain: number; places: number } {
  const size = offsets[count]
  const places = scratch.take((entries + 1) * 4)
  const plain = scratch.take(size + entries * lengthBytes)
  const mark = scratch.mark()
  const from = scratch.put(offsets.subarray(0, count + 1))
  scratch.kernels.plainEntries(order, entries, from, scratch.put(bytes.subarray(0, size)), plain, places)
  scratch.release(mark)
  return { plain, places }
}
