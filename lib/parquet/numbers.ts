import type { ColumnValues } from '../columns.ts'
import { indexBits, indicesSize, mostEntries, packPage } from './dictionary.ts'
import type { Scratch } from './scratch.ts'
import type { Bounds, GatheredColumn, StoredValues } from './values.ts'

type NumberKind = 'int32' | 'int64' | 'double'

/** Values of a kind stand in the scratch as they do in a page: hosts are little-endian. */
interface Stored {
  scratch: Scratch
  kind: NumberKind
  width: 4 | 8
  place: number
  count: number
}

/**
 * Integers and doubles: a dictionary where it takes at most half of PLAIN, and for integers differences where they take less than either. All
 * three are measured; a dictionary is given up as soon as it cannot pay.
 */
export function gatherNumbers(scratch: Scratch, column: GatheredColumn, kind: NumberKind): StoredValues {
  const stored = gatherStored(scratch, column, kind)
  const { place, count, width } = stored
  const { kernels } = scratch
  const bounds = (from: number, to: number): Bounds => boundsOf(stored, from, to)
  const plainSize = count * width
  const whole = kind !== 'double' && count >= 2
  const deltaSize = whole
    ? (width === 4 ? kernels.measureDeltas4 : kernels.measureDeltas8)(place, count)
    : Number.POSITIVE_INFINITY
  // Indices take a bit each at least, but where there is one value.
  const found = deltaSize > plainSize / (8 * width) + minimalSize ? findDictionary(stored) : undefined
  const dictionarySize = found ? found.entries * width + indicesSize(count, found.entries) : Number.POSITIVE_INFINITY
  if (deltaSize < Math.min(plainSize, dictionarySize)) {
    return {
      count,
      size: deltaSize,
      encoding: 'DELTA_BINARY_PACKED',
      page: (from, to) => packDeltas(stored, from, to),
      bounds,
    }
  }
  if (found) {
    const { entries, indices, values } = found
    return {
      count,
      size: indicesSize(count, entries),
      encoding: 'RLE_DICTIONARY',
      dictionary: { entries, bytes: () => scratch.bytes(values, entries * width) },
      page: (from, to) => packPage(scratch, indices + from * 4, to - from, entries),
      bounds,
    }
  }
  const page = (from: number, to: number) => scratch.bytes(place + from * width, (to - from) * width)
  return { count, size: plainSize, encoding: 'PLAIN', page, bounds }
}

/** Bytes that differences of any count take at least about. */
const minimalSize = 64

function gatherStored(scratch: Scratch, { slices, at, rows, nulls }: GatheredColumn, kind: NumberKind): Stored {
  const width = kind === 'int32' ? 4 : 8
  const place = scratch.take(rows * width)
  const gather = width === 4 ? scratch.kernels.gather4 : scratch.kernels.gather8
  let count = 0
  let row = 0
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at]
    // The kinds of all slices are those of the fields: the batches have been checked.
    const { values } = column as ColumnValues & { kind: NumberKind }
    const part = values.subarray(start, end)
    const to = place + count * width
    scratch.bytes(to, part.byteLength).set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    count += nulls && column.nulls ? gather(to, nulls.place, row, end - start, to) : end - start
    row += end - start
  }
  return { scratch, kind, width, place, count }
}

/** Words of a table by value, up to which it is kept where values are few; beyond, it has at most some for each value. */
const freeRange = 65_536
const wordsPerValue = 4

/** Undefined where a dictionary does not pay. */
function findDictionary(stored: Stored): { entries: number; indices: number; values: number } | undefined {
  const { scratch, kind, width, place, count } = stored
  const { kernels } = scratch
  const most = mostEntries(count, width)
  if (most === 0) return undefined
  const values = scratch.take(most * width)
  const indices = scratch.take(count * 4)
  const mark = scratch.mark()
  const range = kind === 'double' ? undefined : rangeOf(stored)
  let entries: number
  if (range && range.words <= Math.max(freeRange, wordsPerValue * count)) {
    const slots = scratch.takeZeros(range.words * 4)
    entries = (width === 4 ? kernels.lookUp4 : kernels.lookUp8)(place, count, indices, values, most, slots, range.least)
  } else {
    const bits = Math.max(4, indexBits(2 * most))
    const slots = scratch.takeZeros(4 << bits)
    entries = (width === 4 ? kernels.find4 : kernels.find8)(place, count, indices, values, most, slots, bits)
  }
  scratch.release(mark)
  return entries < 0 ? undefined : { entries, indices, values }
}

/** How many integers the values lie among, and the place of the least. */
function rangeOf(stored: Stored): { words: number; least: number } {
  const { scratch, count } = stored
  const least = scratch.take(16)
  const { min, max } = boundsAt(stored, 0, count, least)
  return { words: Number(BigInt(max) - BigInt(min)) + 1, least }
}

/** Writes bounds of the values [from, to), at least one, to `out` and reads them from there. */
function boundsAt({ scratch, kind, width, place }: Stored, from: number, to: number, out: number) {
  const { kernels } = scratch
  const measure = kind === 'int32' ? kernels.bounds4 : kind === 'int64' ? kernels.bounds8 : kernels.boundsDouble
  const nans = measure(place + from * width, to - from, out)
  const { buffer, byteOffset } = scratch.bytes(out, 16)
  const view = new DataView(buffer, byteOffset, 16)
  const read = (at: number): number | bigint =>
    kind === 'int32'
      ? view.getInt32(at, true)
      : kind === 'int64'
        ? view.getBigInt64(at, true)
        : view.getFloat64(at, true)
  return { min: read(0), max: read(width), nans }
}

function boundsOf(stored: Stored, from: number, to: number): Bounds {
  if (from === to) return { min: undefined, max: undefined, nans: 0 }
  const { scratch, kind } = stored
  const mark = scratch.mark()
  const { min, max, nans } = boundsAt(stored, from, to, scratch.take(16))
  scratch.release(mark)
  if (kind !== 'double') return { min, max, nans: 0 }
  if (nans === to - from) return { min: undefined, max: undefined, nans }
  return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max, nans }
}

/** Source: parquet-format, Encodings, DELTA_BINARY_PACKED. */
function packDeltas({ scratch, width, place }: Stored, from: number, to: number): Uint8Array {
  const count = to - from
  // At worst the values' own bits, a last block filled up, and for each block its least difference and the widths.
  const out = scratch.take((count + 32) * width + Math.ceil(count / 128) * 14 + 32)
  const pack = width === 4 ? scratch.kernels.packDeltas4 : scratch.kernels.packDeltas8
  return scratch.bytes(out, pack(place + from * width, count, out))
}
