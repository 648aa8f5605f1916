import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { ColumnMetaData, Compressors } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { unpackSnappy } from './read-snappy.ts'

type PageHeader = ReturnType<typeof parquetHeader>

/** A page of a column chunk as it lies in the file; nothing is decompressed yet. */
export interface StoredPage {
  header: PageHeader
  /** All bytes behind the header: levels and values. */
  body: Uint8Array
}

export interface StoredPages {
  dictionary: StoredPage | undefined
  /** In order; their rows are those of the chunk, counted. */
  data: StoredPage[]
}

/**
 * Finds the pages of a column chunk by their headers. Throws where they are not `rows` rows, or say of themselves what cannot be: so nothing is
 * set aside for values before their number is known from two places. Source: parquet-format, README, Data Pages.
 */
export function findPages(bytes: Uint8Array, meta: ColumnMetaData, rows: number): StoredPages {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  const most = Math.max(Number(meta.total_uncompressed_size), bytes.length)
  const pages: StoredPages = { dictionary: undefined, data: [] }
  for (let row = 0; row < rows; ) {
    if (reader.offset >= bytes.length) throw new Error(`${row} rows in a column chunk of ${rows}`)
    const header = parquetHeader(reader)
    const { compressed_page_size: size, uncompressed_page_size: plainSize } = header
    const end = reader.offset + size
    if (!(size >= 0) || end > bytes.length) throw new Error('a page reaches beyond its column chunk')
    if (!(plainSize >= 0) || plainSize > most)
      throw new Error(`a page of ${plainSize} bytes in a column chunk of ${most}`)
    const page: StoredPage = { header, body: bytes.subarray(reader.offset, end) }
    reader.offset = end
    const { dictionary_page_header: dictionary, data_page_header: v1, data_page_header_v2: v2 } = header
    if (dictionary) {
      if (pages.dictionary || row > 0) throw new Error('a dictionary page that is not the first page')
      if (!(dictionary.num_values >= 0) || dictionary.num_values > most)
        throw new Error(`a dictionary of ${dictionary.num_values} entries in ${plainSize} bytes`)
      pages.dictionary = page
    } else if (v1 ?? v2) {
      const { num_values } = (v1 ?? v2)!
      if (!(num_values >= 0) || row + num_values > rows) throw new Error(`more than ${rows} rows in a column chunk`)
      row += num_values
      if (v2) checkLevels(v2, size)
      pages.data.push(page)
    }
  }
  return pages
}

function checkLevels(v2: NonNullable<PageHeader['data_page_header_v2']>, size: number): void {
  const { definition_levels_byte_length: definitions, repetition_levels_byte_length: repetitions } = v2
  if (!(definitions >= 0) || !(repetitions >= 0) || definitions + repetitions > size)
    throw new Error('the levels of a page reach beyond its end')
}

/** Undoes the compression of part of a page. Never gives more than `size` bytes; throws where it gives others. */
export function inflate(bytes: Uint8Array, codec: ColumnMetaData['codec'], size: number): Uint8Array {
  const inflater = inflaters[codec]
  if (!inflater) throw new Error(`compression ${codec} is not known`)
  const plain = inflater(bytes, size)
  if (plain.length !== size) throw new Error(`a page of ${plain.length} bytes, expected ${size}`)
  return plain
}

// zlib takes no empty limit.
const limit = (size: number) => ({ maxOutputLength: Math.max(1, size) })

const inflaters: Partial<Record<ColumnMetaData['codec'], (bytes: Uint8Array, size: number) => Uint8Array>> = {
  UNCOMPRESSED: bytes => bytes,
  ZSTD: (bytes, size) => zstdDecompressSync(bytes, { ...limit(size), chunkSize: Math.max(64, size) }),
  GZIP: (bytes, size) => gunzipSync(bytes, limit(size)),
  BROTLI: (bytes, size) => brotliDecompressSync(bytes, limit(size)),
  SNAPPY: unpackSnappy,
}

/** The same for hyparquet. */
export const compressors: Compressors = {
  GZIP: (bytes, size) => inflate(bytes, 'GZIP', size),
  ZSTD: (bytes, size) => inflate(bytes, 'ZSTD', size),
  BROTLI: (bytes, size) => inflate(bytes, 'BROTLI', size),
  SNAPPY: (bytes, size) => inflate(bytes, 'SNAPPY', size),
}
