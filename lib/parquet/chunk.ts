import type { ColumnChunk, OffsetIndex, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js'
import type { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import { snappyCompress } from 'hyparquet-writer/src/snappy.js'
import { unconvertMinMax } from 'hyparquet-writer/src/unconvert.js'
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

/**
 * Appends one column of one row group to `writer`: the dictionary, the data pages (version 2), Snappy-compressed, with statistics.
 * `schema` is the file's; the column is the `at`-th field. The encoding is ours: the columns come typed and text with a dictionary,
 * which hyparquet-writer's takes apart into one value a row (test/unit/parquet/write.bench.ts prints the ratio). Headers, runs and compression are its.
 * Source: parquet-format, Encodings, and README, Data Pages.
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
  const element = schema[at + 1]
  const rows = slices.reduce((sum, { start, end }) => sum + end - start, 0)
  const nulls = nullBitmap(slices, at, rows)
  const values = gatherValues(slices, at, element)
  const { dictionary } = values
  const chunkStart = writer.offset
  let uncompressed = 0

  if (dictionary) {
    uncompressed += appendPage(writer, new Uint8Array(0), dictionary.bytes, size => ({
      type: 'DICTIONARY_PAGE',
      ...size,
      dictionary_page_header: { num_values: dictionary.entries, encoding: 'PLAIN' },
    }))
  }
  const encoding = dictionary ? 'RLE_DICTIONARY' : 'PLAIN'
  const dataStart = writer.offset
  const ranges = pageRanges({ rows, nulls, values, pageBytes })
  const locations: OffsetIndex['page_locations'] = []
  for (const { start, end, from, to } of ranges) {
    const offset = writer.offset
    const levels = element.repetition_type === 'OPTIONAL' ? levelsOf(nulls, start, end) : new Uint8Array(0)
    uncompressed += appendPage(writer, levels, pageValues(values, from, to), size => ({
      type: 'DATA_PAGE_V2',
      ...size,
      data_page_header_v2: {
        num_values: end - start,
        num_nulls: end - start - (to - from),
        num_rows: end - start,
        encoding,
        definition_levels_byte_length: levels.length,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    }))
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
      encodings: dictionary ? ['PLAIN', 'RLE', 'RLE_DICTIONARY'] : ['PLAIN', 'RLE'],
      path_in_schema: [element.name],
      codec: 'SNAPPY',
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

type Header = Parameters<typeof writePageHeader>[1]

/** Levels stay uncompressed. Returns the page's size before compression, its header included. */
function appendPage(
  writer: ByteWriter,
  levels: Uint8Array,
  body: Uint8Array,
  header: (size: { uncompressed_page_size: number; compressed_page_size: number }) => Header,
): number {
  const compressed = snappyCompress(body)
  const start = writer.offset
  writePageHeader(
    writer,
    header({
      uncompressed_page_size: levels.length + body.length,
      compressed_page_size: levels.length + compressed.length,
    }),
  )
  const headerSize = writer.offset - start
  writer.appendBytes(levels)
  writer.appendBytes(compressed)
  return headerSize + levels.length + body.length
}

function pageValues({ dictionary, plain }: StoredValues, from: number, to: number): Uint8Array {
  if (!dictionary) return plain(from, to)
  const page = new ByteWriter(dictionary.bits * 1024 + 64)
  page.appendUint8(dictionary.bits)
  writeRleBitPackedHybrid(page, dictionary.indices.subarray(from, to), dictionary.bits)
  return page.getBytes()
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
