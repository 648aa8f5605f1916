import type { SchemaElement } from 'hyparquet'
import { isNull } from '../columns.ts'
import { measureDeltas } from './deltas.ts'
import { type Dictionary, wordDictionary } from './dictionary.ts'
import type { Slice } from './gather.ts'
import { gatherText } from './text.ts'

/** A bound of a chunk's or a page's values; text as its UTF-8 bytes. */
export type Bound = number | bigint | boolean | Uint8Array

/** Undefined where there is no value, or only NaN. A zero is -0 as least, +0 as greatest: parquet-format, Statistics. */
export interface Bounds {
  min: Bound | undefined
  max: Bound | undefined
  nans: number
}

/** The values of one column of a row group, nulls left out, ready to be cut into pages. */
export interface StoredValues {
  count: number
  /** Bytes of all values in their encoding; what pages are cut by. */
  size: number
  /** Undefined where it does not pay. */
  dictionary: Dictionary | undefined
  /** The values as 32-bit integers where differences from one to the next take fewer bytes than `dictionary` and PLAIN; they are written so. */
  deltas?: Int32Array | undefined
  /** PLAIN bytes of the values [from, to). */
  plain(from: number, to: number): Uint8Array
  bounds(from: number, to: number): Bounds
}

/** Below 0 where `a` comes first. Bounds of one column are of one kind. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Gathers a column of a row group from its slices. Values that are not text are copied as they are: hosts are little-endian. */
export function gatherValues(slices: Slice[], at: number, element: SchemaElement): StoredValues {
  switch (element.type) {
    case 'INT32':
      return gatherInt32(slices, at)
    case 'INT64':
      return gatherInt64(slices, at)
    case 'DOUBLE':
      return gatherDouble(slices, at)
    case 'BOOLEAN':
      return gatherBoolean(slices, at)
    case 'FIXED_LEN_BYTE_ARRAY':
      return gatherDecimal(slices, at, element.type_length!)
    default:
      return gatherText(slices, at)
  }
}

type Typed = Int32Array | BigInt64Array | Float64Array | Uint8Array

/** The values that are not null; `all` has room for all rows. */
function gatherTyped<A extends Typed>(slices: Slice[], at: number, all: A): A {
  let to = 0
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at]
    // The kinds of all slices are those of the fields: gatherRowGroups has checked the batches.
    const values = (column as unknown as { values: A }).values
    if (!column.nulls) {
      all.set(values.subarray(start, end) as never, to)
      to += end - start
    } else {
      const { nulls } = column
      for (let row = start; row < end; row++) if ((nulls[row >> 3] & (1 << (row & 7))) === 0) all[to++] = values[row]
    }
  }
  return all.subarray(0, to) as A
}

const rowsOf = (slices: Slice[]): number => slices.reduce((sum, { start, end }) => sum + end - start, 0)

function fixedValues(
  values: Int32Array | BigInt64Array | Float64Array,
  width: 1 | 2,
  bounds: StoredValues['bounds'],
  /** The values where all are whole numbers of 32 bits. */
  whole?: Int32Array,
): StoredValues {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * width)
  const repeated = wordDictionary(words, width)
  const deltaSize = whole && measureDeltas(whole, width, repeated)
  const dictionary = deltaSize === undefined ? repeated : undefined
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return {
    count: values.length,
    size: deltaSize ?? (dictionary ? (values.length * dictionary.bits) / 8 : bytes.length),
    dictionary,
    deltas: deltaSize === undefined ? undefined : whole,
    plain: (from, to) => bytes.subarray(from * width * 4, to * width * 4),
    bounds,
  }
}

function gatherInt32(slices: Slice[], at: number): StoredValues {
  const values = gatherTyped(slices, at, new Int32Array(rowsOf(slices)))
  const bounds: StoredValues['bounds'] = (from, to) => {
    if (from === to) return { min: undefined, max: undefined, nans: 0 }
    let min = values[from]
    let max = min
    for (let at = from + 1; at < to; at++) {
      const value = values[at]
      if (value < min) min = value
      else if (value > max) max = value
    }
    return { min, max, nans: 0 }
  }
  return fixedValues(values, 1, bounds, values)
}

function gatherInt64(slices: Slice[], at: number): StoredValues {
  const values = gatherTyped(slices, at, new BigInt64Array(rowsOf(slices)))
  // Compared by halves, as each 64-bit element that is touched would be an object.
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const isLess = (a: number, b: number): boolean => {
    const [highA, highB] = [words[2 * a + 1], words[2 * b + 1]]
    return highA === highB ? words[2 * a] >>> 0 < words[2 * b] >>> 0 : highA < highB
  }
  const bounds: StoredValues['bounds'] = (from, to) => {
    if (from === to) return { min: undefined, max: undefined, nans: 0 }
    let min = from
    let max = from
    for (let at = from + 1; at < to; at++) {
      if (isLess(at, min)) min = at
      else if (isLess(max, at)) max = at
    }
    return { min: values[min], max: values[max], nans: 0 }
  }
  return fixedValues(values, 2, bounds, narrow(words))
}

/** 64-bit values as 32-bit ones, where all of them are. */
function narrow(words: Int32Array): Int32Array | undefined {
  const count = words.length / 2
  for (let at = 0; at < count; at++) if (words[2 * at + 1] !== words[2 * at] >> 31) return undefined
  const values = new Int32Array(count)
  for (let at = 0; at < count; at++) values[at] = words[2 * at]
  return values
}

function gatherDouble(slices: Slice[], at: number): StoredValues {
  const values = gatherTyped(slices, at, new Float64Array(rowsOf(slices)))
  return fixedValues(values, 2, (from, to) => {
    let min = Number.POSITIVE_INFINITY
    let max = Number.NEGATIVE_INFINITY
    let nans = 0
    for (let at = from; at < to; at++) {
      const value = values[at]
      if (value < min) min = value
      if (value > max) max = value
      if (Number.isNaN(value)) nans++
    }
    if (nans === to - from) return { min: undefined, max: undefined, nans }
    return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max, nans }
  })
}

function gatherBoolean(slices: Slice[], at: number): StoredValues {
  const values = gatherTyped(slices, at, new Uint8Array(rowsOf(slices)))
  return {
    count: values.length,
    size: values.length / 8,
    dictionary: undefined,
    plain(from, to) {
      const bits = new Uint8Array(Math.ceil((to - from) / 8))
      for (let at = from; at < to; at++) if (values[at]) bits[(at - from) >> 3] |= 1 << ((at - from) & 7)
      return bits
    },
    bounds(from, to) {
      const part = values.subarray(from, to)
      if (part.length === 0) return { min: undefined, max: undefined, nans: 0 }
      return { min: !part.includes(0), max: part.some(value => value !== 0), nans: 0 }
    },
  }
}

/** Big-endian two's complement of a fixed length. Source: parquet-format, LogicalTypes, DECIMAL. */
function gatherDecimal(slices: Slice[], at: number, length: number): StoredValues {
  const values: bigint[] = []
  for (const { batch, start, end } of slices) {
    const column = batch.columns[at] as { values: bigint[]; nulls?: Uint8Array; kind: 'decimal' }
    for (let row = start; row < end; row++) if (!isNull(column, row)) values.push(column.values[row])
  }
  return {
    count: values.length,
    size: values.length * length,
    dictionary: undefined,
    plain(from, to) {
      const bytes = new Uint8Array((to - from) * length)
      for (let at = from; at < to; at++) {
        let rest = values[at]
        for (let byte = (at - from + 1) * length - 1; byte >= (at - from) * length; byte--) {
          bytes[byte] = Number(rest & 0xffn)
          rest >>= 8n
        }
      }
      return bytes
    },
    bounds(from, to) {
      let min: bigint | undefined
      let max: bigint | undefined
      for (let at = from; at < to; at++) {
        const value = values[at]
        if (min === undefined || value < min) min = value
        if (max === undefined || value > max) max = value
      }
      return { min, max, nans: 0 }
    },
  }
}
