import type { ColumnChunk, DecodedArray, Encoding, OffsetIndex, SchemaElement } from 'hyparquet'
import type { ByteWriter } from 'hyparquet-writer'
import { writeColumn } from 'hyparquet-writer/src/column.js'
import { snappyCompress } from 'hyparquet-writer/src/snappy.js'
import { type Column, isNull } from '../columns.ts'
import type { Slice } from './gather.ts'

/** A column chunk as it was written, and its page indexes, which go to the end of the file. */
export type WrittenChunk = ReturnType<typeof writeColumn> & { chunk: ColumnChunk; offsetIndex?: OffsetIndex }

/** Bytes of a text bound in statistics: room for the 16 code points that an Iceberg bound keeps. */
export const boundBytes = 64

/** Uncompressed bytes after which a page ends. */
export const defaultPageBytes = 1 << 20

/**
 * Appends one column of one row group to `writer`: the dictionary, the pages, Snappy-compressed, with statistics.
 * `schema` is the file's; the column is the `at`-th field.
 */
export function writeColumnChunk({
  writer,
  schema,
  at,
  slices,
  pageBytes = defaultPageBytes,
}: {
  writer: ByteWriter
  schema: SchemaElement[]
  at: number
  slices: Slice[]
  pageBytes?: number
}): WrittenChunk {
  const declared = schema[at + 1]
  const element = storedElement(declared)
  const { values, nulls } = concatenate(slices, at)
  const optional = element.repetition_type === 'OPTIONAL'
  const written = writeColumn({
    writer,
    column: {
      columnName: element.name,
      element,
      schemaPath: [schema[0], element],
      codec: 'SNAPPY',
      compressors: { SNAPPY: snappyCompress },
      stats: true,
      statisticsTruncateLength: boundBytes,
      pageSize: pageBytes,
      columnIndex: true,
      offsetIndex: true,
      encoding: chooseEncoding(element, values),
    },
    pageData: {
      values,
      definitionLevels: optional ? Array.from(values, value => (nulls && value === null ? 0 : 1)) : [],
      repetitionLevels: [],
      maxDefinitionLevel: optional ? 1 : 0,
    },
  })
  return { ...written, chunk: withDeclaredBounds(written.chunk, declared) }
}

/**
 * The element without the annotations by which the writer would convert values: ours are physical already. Text, and decimals in
 * bytes, keep theirs: the writer encodes and orders them by it.
 */
function storedElement(element: SchemaElement): SchemaElement {
  const { name, type, repetition_type } = element
  return type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY' ? element : { name, type, repetition_type }
}

/** The writer puts a decimal's bounds into the footer as they are only where they are bigints; a number it would scale. */
function withDeclaredBounds(chunk: ColumnChunk, { type, converted_type }: SchemaElement): ColumnChunk {
  const statistics = chunk.meta_data?.statistics
  if (statistics && converted_type === 'DECIMAL' && type === 'INT32') {
    if (typeof statistics.min_value === 'number') statistics.min_value = BigInt(statistics.min_value)
    if (typeof statistics.max_value === 'number') statistics.max_value = BigInt(statistics.max_value)
  }
  return chunk
}

/** The writer finds dictionary entries with a Map, to which -0 and 0 are one: a chunk that holds -0 goes without. */
function chooseEncoding({ type }: SchemaElement, values: DecodedArray): Encoding | undefined {
  if (type !== 'DOUBLE') return undefined
  for (const value of values) if (value === 0 && Object.is(value, -0)) return 'PLAIN'
  return undefined
}

function concatenate(slices: Slice[], at: number): { values: DecodedArray; nulls: boolean } {
  const parts = slices.map(({ batch, start, end }) => ({ column: batch.columns[at], start, end }))
  const rows = parts.reduce((sum, { start, end }) => sum + end - start, 0)
  const nulls = parts.some(({ column }) => column.nulls?.some(byte => byte !== 0))
  const first = parts[0]?.column
  if (first && !nulls && (first.kind === 'int32' || first.kind === 'int64' || first.kind === 'double')) {
    const values = { int32: Int32Array, int64: BigInt64Array, double: Float64Array }[first.kind]
    return { values: concatenateTyped(new values(rows), parts), nulls }
  }
  const values = new Array<unknown>(rows)
  let to = 0
  for (const { column, start, end } of parts) {
    const get = valueGetter(column)
    for (let row = start; row < end; row++) values[to++] = isNull(column, row) ? null : get(row)
  }
  return { values, nulls }
}

type Typed = Int32Array | BigInt64Array | Float64Array

function concatenateTyped(values: Typed, parts: { column: Column; start: number; end: number }[]): Typed {
  let to = 0
  for (const { column, start, end } of parts) {
    // The kinds of all parts are one: the batches were checked against the fields.
    values.set(((column as { values: Typed }).values as Int32Array).subarray(start, end) as never, to)
    to += end - start
  }
  return values
}

function valueGetter(column: Column): (row: number) => unknown {
  switch (column.kind) {
    case 'text': {
      const { values, indices } = column
      return row => values[indices[row]]
    }
    case 'boolean': {
      const { values } = column
      return row => values[row] !== 0
    }
    default: {
      const { values } = column
      return row => values[row]
    }
  }
}
