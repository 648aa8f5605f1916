import type { ColumnChunk, RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { defaultPageBytes, encodeColumnChunk, type WrittenChunk, writeColumnChunk } from './chunk.ts'
import type { Slice } from './gather.ts'

/**
 * A row group as the bytes of its column chunks, compressed, one behind the other, and what the footer and the indexes say of them, every
 * offset counted from the first of the bytes. Plain objects, bigints and typed arrays: it can be posted from one thread to another, and `bytes`
 * is alone in its buffer, which can be transferred.
 */
export interface EncodedRowGroup {
  rows: number
  bytes: Uint8Array<ArrayBuffer>
  chunks: WrittenChunk[]
}

/**
 * Encodes and compresses the columns of one row group in the calling thread. `schema` is the file's (parquetSchema); the slices hold its
 * columns in that order and have been checked. Equal rows give equal bytes, however they came in batches.
 */
export function encodeRowGroup({
  schema,
  slices,
  pageBytes = defaultPageBytes,
}: {
  schema: SchemaElement[]
  slices: Slice[]
  /** Uncompressed bytes of values after which a page ends. */
  pageBytes?: number
}): EncodedRowGroup {
  const writer = new ByteWriter()
  const chunks = schema
    .slice(1)
    .map((_, at) => writeColumnChunk(writer, encodeColumnChunk({ schema, at, slices, pageBytes })))
  const rows = slices.reduce((sum, { start, end }) => sum + end - start, 0)
  return { rows, bytes: writer.getBytes().slice(), chunks }
}

/**
 * The footer's entry for a row group whose bytes begin at `offset` of a file, and its chunks with their page indexes: the entry's columns are
 * the chunks' own objects, so that writeIndexes, which takes the chunks, puts the places of the indexes into the entry.
 */
export function placeRowGroup(
  { rows, chunks }: EncodedRowGroup,
  offset: number,
): { rowGroup: RowGroup; chunks: WrittenChunk[] } {
  const placed = chunks.map(written => placeChunk(written, BigInt(offset)))
  return { rowGroup: describeRowGroup(placed, rows), chunks: placed }
}

/** The footer's entry for a row group whose chunks are written. */
export function describeRowGroup(chunks: WrittenChunk[], rows: number): RowGroup {
  const total = (field: 'total_uncompressed_size' | 'total_compressed_size') =>
    chunks.reduce((sum, { chunk }) => sum + chunk.meta_data![field], 0n)
  return {
    columns: chunks.map(({ chunk }) => chunk),
    num_rows: BigInt(rows),
    total_byte_size: total('total_uncompressed_size'),
    total_compressed_size: total('total_compressed_size'),
  }
}

function placeChunk({ chunk, columnIndex, offsetIndex }: WrittenChunk, offset: bigint): WrittenChunk {
  const meta = chunk.meta_data!
  const placed: ColumnChunk = {
    ...chunk,
    file_offset: chunk.file_offset + offset,
    meta_data: {
      ...meta,
      data_page_offset: meta.data_page_offset + offset,
      dictionary_page_offset:
        meta.dictionary_page_offset === undefined ? undefined : meta.dictionary_page_offset + offset,
    },
  }
  return {
    chunk: placed,
    ...(columnIndex && { columnIndex }),
    ...(offsetIndex && {
      offsetIndex: {
        ...offsetIndex,
        page_locations: offsetIndex.page_locations.map(page => ({ ...page, offset: page.offset + offset })),
      },
    }),
  }
}
