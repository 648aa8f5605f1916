import { promisify } from 'node:util'
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync } from 'node:zlib'
import type { ColumnChunk, OffsetIndex, SchemaElement } from 'hyparquet'
import type { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import type { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import { unconvertMinMax } from 'hyparquet-writer/src/unconvert.js'
import { packIndices } from './bit-packing.ts'
import { packDeltas } from './deltas.ts'
import type { Slice } from './gather.ts'
import { levelsOf, nullBitmap } from './levels.ts'
import { type Bounds, compareBounds, gatherValues, type StoredValues } from './values.ts'

/** A column chunk as it was written, and its page indexes, which go to the end of the file. */
export type WrittenChunk = Parameters<typeof writeIndexes>[1][number]
type ColumnIndex = NonNullable<WrittenChunk['columnIndex']>

/** Bytes of a text bound in statistics: room for the 16 code points that an Iceberg bound keeps. */
export const boundBytes = 64

/** Uncompressed bytes of values after which a page ends. */
export const defaultPageBytes = 1 << 20

/** Rows [start, end) of a row group, of which the values [from, to) are not null. */
interface PageRange {
  start: number
  end: number
  from: number
  to: number
}

/** A column chunk ready to be compressed: pages are cut and encoded, and nothing is known of where it will lie. */
export interface EncodedChunk {
  element: SchemaElement
  rows: number
  values: StoredValues
  encoding: 'PLAIN' | 'RLE_DICTIONARY' | 'DELTA_BINARY_PACKED'
  ranges: PageRange[]
  /** Of each range: definition levels, which stay as they are, and values. */
  pages: { levels: Uint8Array; body: Uint8Array }[]
}

/** An EncodedChunk with its pages' values compressed; undefined where compressing did not make them smaller. */
export interface CompressedChunk extends EncodedChunk {
  dictionaryBody: Uint8Array | undefined
  bodies: (Uint8Array | undefined)[]
}

/**
 * Encodes one column of one row group: a dictionary, or differences of integers, or PLAIN values, whichever is smallest, in data pages
 * (version 2) of about `pageBytes`. `schema` is the file's; the column is the `at`-th field. The encoding is ours: the columns come typed and text with
 * a dictionary, which hyparquet-writer's takes apart into one value a row (test/unit/parquet/write.bench.ts prints the ratio). Headers
 * and differences are its. Source: parquet-format, Encodings, and README, Data Pages.
 */
export function encodeColumnChunk({
  schema,
  at,
  slices,
  pageBytes = defaultPageBytes,
}: {
  schema: SchemaElement[]
  at: number
  slices: Slice[]
  pageBytes?: number
}): EncodedChunk {
  const element = schema[at + 1]
  const rows = slices.reduce((sum, { start, end }) => sum + end - start, 0)
  const nulls = nullBitmap(slices, at, rows)
  const values = gatherValues(slices, at, element)
  const ranges = pageRanges({ rows, nulls, values, pageBytes })
  const none = new Uint8Array(0)
  const pages = ranges.map(({ start, end, from, to }) => ({
    levels: element.repetition_type === 'OPTIONAL' ? levelsOf(nulls, start, end) : none,
    body: pageValues(values, element, from, to),
  }))
  const encoding = values.deltas ? 'DELTA_BINARY_PACKED' : values.dictionary ? 'RLE_DICTIONARY' : 'PLAIN'
  return { element, rows, values, encoding, ranges, pages }
}

/** Compresses the pages of a chunk, on the engine's thread pool. */
export async function compressChunk(chunk: EncodedChunk): Promise<CompressedChunk> {
  const { dictionary } = chunk.values
  const [dictionaryBody, ...bodies] = await Promise.all([
    dictionary && compress(dictionary.bytes),
    ...chunk.pages.map(async ({ body }) => {
      const compressed = body.length < leastCompressed ? body : await compress(body)
      return compressed.length < body.length ? compressed : undefined
    }),
  ])
  return { ...chunk, dictionaryBody, bodies }
}

/** Compresses the pages of a chunk in the calling thread. */
export function compressChunkSync(chunk: EncodedChunk): CompressedChunk {
  const { dictionary } = chunk.values
  const bodies = chunk.pages.map(({ body }) => {
    if (body.length < leastCompressed) return undefined
    const compressed = zstdCompressSync(body, roomFor(body))
    return compressed.length < body.length ? compressed : undefined
  })
  return {
    ...chunk,
    dictionaryBody: dictionary && zstdCompressSync(dictionary.bytes, roomFor(dictionary.bytes)),
    bodies,
  }
}

/** Appends a chunk to `writer`: dictionary page, data pages; returns what the footer and the indexes say of it. */
export function writeColumnChunk(
  writer: ByteWriter,
  { element, rows, values, encoding, ranges, pages, dictionaryBody, bodies }: CompressedChunk,
): WrittenChunk {
  const { dictionary } = values
  const chunkStart = writer.offset
  let uncompressed = 0
  const appendPage = (levels: Uint8Array, plainSize: number, body: Uint8Array, header: PageHeader): void => {
    const start = writer.offset
    writePageHeader(writer, {
      ...header,
      uncompressed_page_size: levels.length + plainSize,
      compressed_page_size: levels.length + body.length,
    })
    uncompressed += writer.offset - start + levels.length + plainSize
    writer.appendBytes(levels)
    writer.appendBytes(body)
  }

  if (dictionary) {
    appendPage(new Uint8Array(0), dictionary.bytes.length, dictionaryBody!, {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: { num_values: dictionary.entries, encoding: 'PLAIN' },
    })
  }
  const dataStart = writer.offset
  const locations: OffsetIndex['page_locations'] = []
  for (const [page, { start, end, from, to }] of ranges.entries()) {
    const offset = writer.offset
    const { levels, body } = pages[page]
    const compressed = bodies[page]
    appendPage(levels, body.length, compressed ?? body, {
      type: 'DATA_PAGE_V2',
      data_page_header_v2: {
        num_values: end - start,
        num_nulls: end - start - (to - from),
        num_rows: end - start,
        encoding,
        definition_levels_byte_length: levels.length,
        repetition_levels_byte_length: 0,
        is_compressed: compressed !== undefined,
      },
    })
    locations.push({
      offset: BigInt(offset),
      compressed_page_size: writer.offset - offset,
      first_row_index: BigInt(start),
    })
  }

  const chunk: ColumnChunk = {
    file_offset: BigInt(chunkStart),
    meta_data: {
      type: element.type!,
      encodings: encoding === 'PLAIN' ? ['PLAIN', 'RLE'] : dictionary ? ['PLAIN', 'RLE', encoding] : ['RLE', encoding],
      path_in_schema: [element.name],
      codec: 'ZSTD',
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(writer.offset - chunkStart),
      data_page_offset: BigInt(dataStart),
      dictionary_page_offset: dictionary && BigInt(chunkStart),
      statistics: {
        ...declaredBounds(values.bounds(0, values.count), element),
        null_count: BigInt(rows - values.count),
      },
      encoding_stats: [
        ...(dictionary ? [{ page_type: 'DICTIONARY_PAGE', encoding: 'PLAIN', count: 1 } as const] : []),
        { page_type: 'DATA_PAGE_V2', encoding, count: ranges.length },
      ],
    },
  }
  if (ranges.length < 2) return { chunk }
  return { chunk, offsetIndex: { page_locations: locations }, columnIndex: indexPages(ranges, values, element) }
}

type PageHeader = Omit<Parameters<typeof writePageHeader>[1], 'uncompressed_page_size' | 'compressed_page_size'>

/** Bytes below which a page is left as it is: the frame of a compressed one would cost about as much as it spares. */
const leastCompressed = 64
/** Bytes up to which compressing at once costs less than handing over to another thread. */
const fewBytes = 8192
/**
 * Level 2 gave smaller chunks of numbers than levels 1 and 3, and half the time of hyparquet-writer's Snappy for two thirds of its bytes.
 * Source: RFC 8878; parquet-format, Compression, ZSTD.
 */
const zstdParams = { [constants.ZSTD_c_compressionLevel]: 2 }
const zstd = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress)

async function compress(body: Uint8Array): Promise<Uint8Array> {
  return body.length <= fewBytes ? zstdCompressSync(body, roomFor(body)) : zstd(body, roomFor(body))
}

/** Room for the largest outcome, so that it comes in one piece (ZSTD_COMPRESSBOUND). */
const roomFor = (body: Uint8Array): ZstdOptions => ({
  params: zstdParams,
  chunkSize: body.length + (body.length >> 8) + 512,
})

function pageValues(
  { dictionary, deltas, plain }: StoredValues,
  { type }: SchemaElement,
  from: number,
  to: number,
): Uint8Array {
  if (deltas) return packDeltas(deltas.subarray(from, to), type === 'INT32' ? 1 : 2)
  if (!dictionary) return plain(from, to)
  const packed = packIndices(dictionary.indices.subarray(from, to), dictionary.bits)
  const page = new Uint8Array(packed.length + 1)
  page[0] = dictionary.bits
  page.set(packed, 1)
  return page
}

/** Pages of equal rows, about `pageBytes` each, begin at multiples of 8 rows: their levels are whole bytes of the bitmap. */
function pageRanges({
  rows,
  nulls,
  values,
  pageBytes,
}: {
  rows: number
  nulls: Uint8Array | undefined
  values: StoredValues
  pageBytes: number
}): PageRange[] {
  const pages = Math.max(1, Math.ceil(values.size / pageBytes))
  const step = Math.ceil(rows / pages / 8) * 8
  const ranges: PageRange[] = []
  let from = 0
  for (let start = 0; start < rows; start += step) {
    const end = Math.min(rows, start + step)
    let to = from + end - start
    if (nulls) for (let row = start; row < end; row++) to -= (nulls[row >> 3] >> (row & 7)) & 1
    ranges.push({ start, end, from, to })
    from = to
  }
  return ranges
}

/** Bounds in the form in which hyparquet-writer puts them into a footer unchanged: a decimal's number it would scale. */
function declaredBounds({ min, max, nans }: Bounds, { type, converted_type }: SchemaElement) {
  const declared = (bound: Bounds['min']) =>
    converted_type === 'DECIMAL' && typeof bound === 'number' ? BigInt(bound) : bound
  return { min_value: declared(min), max_value: declared(max), ...(type === 'DOUBLE' && { nan_count: BigInt(nans) }) }
}

/** Undefined where a page has values and no bounds, all being NaN: the index could not be told from one that excludes the page. */
function indexPages(ranges: PageRange[], values: StoredValues, element: SchemaElement): ColumnIndex | undefined {
  const pages = ranges.map(({ start, end, from, to }) => ({
    nulls: end - start - (to - from),
    isNull: from === to,
    ...values.bounds(from, to),
    ...declaredBounds(values.bounds(from, to), element),
  }))
  if (pages.some(({ isNull, min }) => !isNull && min === undefined)) return undefined
  const filled = pages.filter(({ isNull }) => !isNull)
  const inOrder = (sign: 1 | -1): boolean =>
    filled.every((page, at) => {
      const last = filled[at - 1]
      return (
        at === 0 || (compareBounds(last.min!, page.min!) * sign <= 0 && compareBounds(last.max!, page.max!) * sign <= 0)
      )
    })
  const bytes = (bound: Parameters<typeof unconvertMinMax>[0], isMax: boolean) =>
    unconvertMinMax(bound, element, isMax, boundBytes) ?? new Uint8Array(0)
  return {
    null_pages: pages.map(({ isNull }) => isNull),
    min_values: pages.map(({ min_value }) => bytes(min_value, false)),
    max_values: pages.map(({ max_value }) => bytes(max_value, true)),
    boundary_order: inOrder(1) ? 'ASCENDING' : inOrder(-1) ? 'DESCENDING' : 'UNORDERED',
    null_counts: pages.map(({ nulls }) => BigInt(nulls)),
    ...(element.type === 'DOUBLE' && { nan_counts: pages.map(({ nans }) => BigInt(nans)) }),
  }
}
