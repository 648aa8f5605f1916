import type { SchemaElement } from 'hyparquet'
import { gatherBoolean, gatherDecimal } from './few-values.ts'
import type { Slice } from './gather.ts'
import type { NullRows } from './levels.ts'
import { gatherNumbers } from './numbers.ts'
import type { Scratch } from './scratch.ts'
import { gatherText } from './text.ts'

/** A bound of a chunk's or a page's values; text as its UTF-8 bytes. */
export type Bound = number | bigint | boolean | Uint8Array

/** Undefined where there is no value, or only NaN. A zero is -0 as least, +0 as greatest: parquet-format, Statistics. */
export interface Bounds {
  min: Bound | undefined
  max: Bound | undefined
  nans: number
}

export type ValueEncoding = 'PLAIN' | 'RLE_DICTIONARY' | 'DELTA_BINARY_PACKED' | 'DELTA_LENGTH_BYTE_ARRAY'

/** The values of one column of a row group, nulls left out, in the scratch, ready to be cut into pages. */
export interface StoredValues {
  count: number
  /** About the bytes of all values in their encoding; what pages are cut by. */
  size: number
  encoding: ValueEncoding
  /** With RLE_DICTIONARY: the distinct values in the order of their first rows, PLAIN. */
  dictionary?: { entries: number; bytes(): Uint8Array }
  /** The values [from, to) encoded: may be a view of the scratch. */
  page(from: number, to: number): Uint8Array
  bounds(from: number, to: number): Bounds
}

/** What is gathered: the column `at` of the slices' rows, of which those of `nulls` are null. */
export interface GatheredColumn {
  slices: Slice[]
  at: number
  rows: number
  nulls: NullRows | undefined
}

/** Below 0 where `a` comes first. Bounds of one column are of one kind. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

/** The bounds of what lies within any of these. */
export function joinBounds(all: Bounds[]): Bounds {
  const joined: Bounds = { min: undefined, max: undefined, nans: 0 }
  for (const { min, max, nans } of all) {
    joined.nans += nans
    if (min !== undefined && (joined.min === undefined || compareBounds(min, joined.min) < 0)) joined.min = min
    if (max !== undefined && (joined.max === undefined || compareBounds(max, joined.max) > 0)) joined.max = max
  }
  return joined
}

/** Gathers a column of a row group from its slices and chooses its encoding. */
export function gatherValues(scratch: Scratch, column: GatheredColumn, element: SchemaElement): StoredValues {
  switch (element.type) {
    case 'INT32':
      return gatherNumbers(scratch, column, 'int32')
    case 'INT64':
      return gatherNumbers(scratch, column, 'int64')
    case 'DOUBLE':
      return gatherNumbers(scratch, column, 'double')
    case 'BOOLEAN':
      return gatherBoolean(scratch, column)
    case 'FIXED_LEN_BYTE_ARRAY':
      return gatherDecimal(column, element.type_length!)
    default:
      return gatherText(scratch, column)
  }
}
