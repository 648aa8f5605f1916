import type { SchemaElement } from 'hyparquet'
import type { EncodedChunk } from '../parquet/chunk.ts'
import { compressDictionary, isGain } from '../parquet/compress.ts'
import { varInt } from '../parquet/levels.ts'
import type { IndexedColumn } from '../parquet/read-chunk.ts'
import { type Bounds, joinBounds } from '../parquet/values.ts'
import type { PlacesOfBatch } from './key-places.ts'
import type { KnownKeys } from './known-keys.ts'

/**
 * The chunk of a key whose natural key is one column with a dictionary: rows that have the same entry there have the same key here, so the pages
 * of indices are taken over as they are, and only a dictionary of keys is made. Undefined where entries and keys are not one to one, where
 * differences of the keys would take less, or where the pages are not such that they can be taken over.
 */
export function reuseIndices({
  schema,
  at,
  source,
  column,
  found,
  known,
}: {
  schema: SchemaElement[]
  at: number
  /** Of the natural key. */
  source: IndexedColumn
  /** The keys. */
  column: { values: BigInt64Array }
  found: PlacesOfBatch
  known: KnownKeys
}): EncodedChunk | undefined {
  const { pages, rows } = source
  const { entryPlaces, places, nulls } = found
  if (!pages || !entryPlaces || !areDistinct(entryPlaces, known.places.count)) return undefined
  if (nulls && pages.some(({ levels }) => levels.length === 0)) return undefined
  const words = new Int32Array(2 * entryPlaces.length)
  for (let entry = 0; entry < entryPlaces.length; entry++) {
    const key = known.keyOf(entryPlaces[entry]!)
    words[2 * entry] = key
    words[2 * entry + 1] = Math.floor(key / 2 ** 32)
  }
  const plain = new Uint8Array(words.buffer)
  const body = compressDictionary(plain)
  const isCompressed = pages.some(({ compressed }) => compressed) || isGain(body.length, plain.length)
  const dictionary = { entries: entryPlaces.length, body: isCompressed ? body : plain, size: plain.length }
  const size = pages.reduce((sum, { stored }) => sum + stored.length, dictionary.body.length)
  if (measureDeltas(column, places) < size) return undefined

  let start = 0
  let from = 0
  const taken = pages.map(page => {
    const end = start + page.rows
    const to = from + page.values
    const bounds = boundsOf(column, places, start, end)
    const levels = page.levels.length > 0 ? page.levels : Uint8Array.of(...varInt(2 * page.rows), 1)
    const { stored, compressed, plain } = page
    const item = { start, end, from, to, levels, body: stored, isCompressed: compressed, size: plain.length, bounds }
    start = end
    from = to
    return item
  })
  return {
    element: schema[at + 1]!,
    rows,
    count: from,
    encoding: 'RLE_DICTIONARY',
    codec: isCompressed ? 'ZSTD' : 'UNCOMPRESSED',
    dictionary,
    pages: taken,
    bounds: joinBounds(taken.map(({ bounds }) => bounds)),
  }
}

/** True where all entries have a place, each its own. */
function areDistinct(entryPlaces: Int32Array, count: number): boolean {
  const taken = new Uint8Array(count)
  for (let entry = 0; entry < entryPlaces.length; entry++) {
    const place = entryPlaces[entry]!
    if (place < 0 || taken[place]) return false
    taken[place] = 1
  }
  return true
}

/** Differences in a part of a block that has a width of its own: parquet-format, Encodings, Delta. */
const miniblock = 32
/** Bytes of a part's width, and its share of what stands before a block. */
const partBytes = 2

/** About the bytes that the keys take as differences. Those of keys above 32 bits are not measured: they count as endless. */
function measureDeltas({ values }: { values: BigInt64Array }, places: Int32Array): number {
  const words = new Int32Array(values.buffer)
  let bytes = 0
  let last = 0
  let held = 0
  let least = 0
  let most = 0
  for (let row = 0; row < places.length; row++) {
    if (places[row]! < 0) continue
    const key = words[2 * row]!
    if (words[2 * row + 1] !== 0 || key < 0) return Number.POSITIVE_INFINITY
    const delta = key - last
    last = key
    if (held === 0) {
      least = delta
      most = delta
    } else if (delta < least) least = delta
    else if (delta > most) most = delta
    if (++held < miniblock) continue
    bytes += widthOf(most - least) * (miniblock / 8) + partBytes
    held = 0
  }
  return held === 0 ? bytes : bytes + widthOf(most - least) * (miniblock / 8) + partBytes
}

const widthOf = (range: number): number => (range === 0 ? 0 : Math.floor(Math.log2(range)) + 1)

/** The least and the largest key of rows [start, end). */
function boundsOf({ values }: { values: BigInt64Array }, places: Int32Array, start: number, end: number): Bounds {
  const words = new Int32Array(values.buffer)
  let min = Number.POSITIVE_INFINITY
  let max = 0
  for (let row = start; row < end; row++) {
    if (places[row]! < 0) continue
    const key = words[2 * row + 1]! * 2 ** 32 + (words[2 * row]! >>> 0)
    if (key < min) min = key
    if (key > max) max = key
  }
  return max === 0 ? { min: undefined, max: undefined, nans: 0 } : { min: BigInt(min), max: BigInt(max), nans: 0 }
}
