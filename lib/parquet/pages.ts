import type { ColumnMetaData, DecodedArray, SchemaElement } from 'hyparquet'
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js'
import { readPlain } from 'hyparquet/src/plain.js'
import { type Column, setNull } from '../columns.ts'
import type { FieldType } from '../fields.ts'
import { readBigEndian } from './metrics.ts'
import { expandColumn, readChunk } from './read-chunk.ts'
import { compressors, findPages } from './read-pages.ts'
import { columnKind } from './schema.ts'

/** One data page: its values without the nulls, as stored or as indices into the dictionary page. */
interface Page {
  rows: number
  /** 0 is null; undefined or empty where no row is. */
  levels: number[] | undefined
  values: DecodedArray
  fromDictionary: boolean
}

/** A column's chunk of one row group, as its bytes. */
export interface ChunkSource {
  bytes: Uint8Array
  element: SchemaElement
  meta: ColumnMetaData
  /** What the values are read as; the physical type may be narrower. */
  type: FieldType
  rows: number
}

/** Decodes a column chunk without rounding anything. Throws where the pages do not hold `rows` rows, are damaged, or cannot be read. */
export function decodeChunk(source: ChunkSource): Column {
  const column = readChunk(source)
  return column ? expandColumn(column) : decodeForeignChunk(source)
}

/**
 * Decodes what readChunk leaves: hyparquet undoes pages, levels and encodings, and its conversion to dates and floats is left out.
 * Throws where the pages do not hold `rows` rows or use what hyparquet cannot read.
 */
export function decodeForeignChunk(source: ChunkSource): Column {
  const { type, rows } = source
  const kind = columnKind(type)
  switch (kind) {
    case 'text':
      return decodeText(source)
    case 'int32':
      return { kind, ...decodeValues(source, new Int32Array(rows), toInt32) }
    case 'int64':
      return { kind, ...decodeValues(source, new BigInt64Array(rows), toBigInt) }
    case 'double':
      return { kind, ...decodeValues(source, new Float64Array(rows), Number) }
    case 'boolean':
      return { kind, ...decodeValues(source, new Uint8Array(rows), Number) }
    case 'decimal':
      return { kind, ...decodeValues(source, new Array<bigint>(rows).fill(0n), toBigInt) }
  }
}

type Stored = number | bigint | boolean | Uint8Array

const toInt32 = (value: Stored): number => (value instanceof Uint8Array ? Number(readBigEndian(value)) : Number(value))
const toBigInt = (value: Stored): bigint => (value instanceof Uint8Array ? readBigEndian(value) : BigInt(value))

function decodeText(source: ChunkSource): Column {
  const values: string[] = []
  const known = new Map<string, number>()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const indices = new Uint32Array(source.rows)
  const decoded = decodeValues(source, indices, (bytes: Stored) => {
    const text = decoder.decode(bytes as Uint8Array)
    let index = known.get(text)
    if (index === undefined) {
      index = values.length
      values.push(text)
      known.set(text, index)
    }
    return index
  })
  return { kind: 'text', values, indices, ...(decoded.nulls && { nulls: decoded.nulls }) }
}

/** Converts each stored value once: those of a dictionary page when it is met. */
function decodeValues<T, V extends { [index: number]: T }>(
  source: ChunkSource,
  values: V,
  convert: (stored: Stored) => T,
): { values: V; nulls?: Uint8Array } {
  let nulls: Uint8Array | undefined
  let dictionary: T[] = []
  let row = 0
  for (const page of readPages(source)) {
    if ('dictionary' in page) {
      dictionary = Array.from(page.dictionary, convert)
      continue
    }
    if (row + page.rows > source.rows) throw new Error(`more than ${source.rows} rows in a column chunk`)
    const { levels, values: stored, fromDictionary } = page
    const optional = levels !== undefined && levels.length > 0
    let next = 0
    for (const end = row + page.rows, start = row; row < end; row++) {
      if (optional && levels[row - start] === 0) {
        nulls ??= new Uint8Array(Math.ceil(source.rows / 8))
        setNull(nulls, row)
      } else {
        const value = stored[next++]
        values[row] = fromDictionary ? dictionary[value as number] : convert(value)
      }
    }
  }
  if (row !== source.rows) throw new Error(`${row} rows in a column chunk of ${source.rows}`)
  return { values, ...(nulls && { nulls }) }
}

function* readPages({ bytes, element, meta, rows }: ChunkSource): Generator<Page | { dictionary: DecodedArray }> {
  const { type, codec } = meta
  const leaf = { children: [], count: 1, element, path: [element.name] }
  const root = { children: [leaf], count: 2, element: { name: 'table', num_children: 1 }, path: [] }
  // The parsers are for conversions, which are left out.
  const decoder = { type, element, schemaPath: [root, leaf], codec, compressors } as unknown as Parameters<
    typeof readDataPageV2
  >[2]
  const { dictionary, data } = findPages(bytes, meta, rows)
  if (dictionary) {
    const page = decompressPage(dictionary.body, dictionary.header.uncompressed_page_size, codec, compressors)
    const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 }
    const { num_values } = dictionary.header.dictionary_page_header!
    yield { dictionary: readPlain(reader, type, num_values, element.type_length) }
  }
  for (const { header, body } of data) {
    const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size: size } = header
    const { definitionLevels, dataPage } = v1
      ? readDataPage(decompressPage(body, size, codec, compressors), v1, decoder)
      : readDataPageV2(body, header, decoder)
    const { num_values, encoding } = (v1 ?? v2)!
    yield {
      rows: num_values,
      levels: definitionLevels,
      values: dataPage,
      fromDictionary: encoding.endsWith('_DICTIONARY'),
    }
  }
}
