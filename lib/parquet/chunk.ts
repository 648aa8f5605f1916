import type { ColumnChunk, OffsetIndex, SchemaElement } from 'hyparquet'
import type { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import type { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import { unconvertMinMax } from 'hyparquet-writer/src/unconvert.js'
import { compressDictionary, compressPage, isGain } from './compress.ts'
import type { Slice } from './gather.ts'
import { joinNulls, levelsOf, type NullRows } from './levels.ts'
import { type Scratch, withScratch } from './scratch.ts'
import {
  type Bounds,
  compareBounds,
  gatherValues,
  joinBounds,
  type StoredValues,
  type ValueEncoding,
} from './values.ts'

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

interface Page extends PageRange {
  /** Definition levels, which stay as they are. */
  levels: Uint8Array
  /** Values, compressed where `isCompressed`. */
  body: Uint8Array
  isCompressed: boolean
  /** Bytes of the values before they were compressed. */
  size: number
  bounds: Bounds
}

/** A column chunk whose pages are cut, encoded and compressed where that is worth it, and nothing is known of where it will lie. */
export interface EncodedChunk {
  element: SchemaElement
  rows: number
  /** Of values that are not null. */
  count: number
  encoding: ValueEncoding
  codec: 'ZSTD' | 'UNCOMPRESSED'
  dictionary: { entries: number; body: Uint8Array; size: number } | undefined
  pages: Page[]
  bounds: Bounds
}

interface ColumnOfGroup {
  /** The file's; the column is the `at`-th field. */
  schema: SchemaElement[]
  at: number
  slices: Slice[]
  pageBytes?: number
}

/**
 * Encodes and compresses one column of one row group in the calling thread: a dictionary, or differences of integers, or PLAIN values, whichever
 * is smallest, in data pages (version 2) of about `pageBytes`. The encoding is ours: the columns come typed and text with
 * a dictionary, which hyparquet-writer's takes apart into one value a row (test/unit/parquet/write.bench.ts prints the ratio). Headers
 * are its. Source: parquet-format, Encodings, and README, Data Pages.
 */
export function encodeColumnChunk({ schema, at, slices, pageBytes = defaultPageBytes }: ColumnOfGroup): EncodedChunk {
  return withScratch(scratch => {
    const element = schema[at + 1]
    const rows = slices.reduce((sum, { start, end }) => sum + end - start, 0)
    const nulls = joinNulls(scratch, slices, at, rows)
    const values = gatherValues(scratch, { slices, at, rows, nulls }, element)
    const { count, encoding } = values
    const ranges = pageRanges(scratch, { rows, nulls, values, pageBytes })
    const bounds = ranges.map(({ from, to }) => values.bounds(from, to))
    const mark = scratch.mark()
    const pages = ranges.map((range, page) => {
      const levels =
        element.repetition_type === 'OPTIONAL'
          ? levelsOf(scratch, nulls, range.start, range.end).slice()
          : new Uint8Array(0)
      // A view of memory that is used again.
      const plain = values.page(range.from, range.to)
      const compressed = compressPage(plain, { isPacked: encoding !== 'PLAIN' })
      const body = compressed ?? plain.slice()
      scratch.release(mark)
      return {
        ...range,
        levels,
        bounds: bounds[page],
        body,
        isCompressed: compressed !== undefined,
        size: plain.length,
      }
    })
    const entries = values.dictionary?.bytes().slice()
    const dictionary = entries && { entries: values.dictionary!.entries, body: entries, size: entries.length }
    return chooseCodec({
      element,
      rows,
      count,
      encoding,
      codec: 'UNCOMPRESSED',
      dictionary,
      pages,
      bounds: joinBounds(bounds),
    })
  })
}

/** A dictionary page is compressed where the chunk's codec is not UNCOMPRESSED, so that both go together. */
function chooseCodec(chunk: EncodedChunk): EncodedChunk {
  const { dictionary, pages } = chunk
  const body = dictionary && compressDictionary(dictionary.body)
  if (!pages.some(({ isCompressed }) => isCompressed) && !(body && isGain(body.length, dictionary.size))) return chunk
  return { ...chunk, codec: 'ZSTD', dictionary: body && { ...dictionary, body } }
}

/** Appends a chunk to `writer`: dictionary page, data pages; returns what the footer and the indexes say of it. */
export function writeColumnChunk(writer: ByteWriter, chunk: EncodedChunk): WrittenChunk {
  const { element, rows, count, encoding, codec, dictionary, pages, bounds } = chunk
  const chunkStart = writer.offset
  let uncompressed = 0
  const appendPage = (levels: Uint8Array, size: number, body: Uint8Array, header: PageHeader): void => {
    const start = writer.offset
    writePageHeader(writer, {
      ...header,
      uncompressed_page_size: levels.length + size,
      compressed_page_size: levels.length + body.length,
    })
    uncompressed += writer.offset - start + levels.length + size
    writer.appendBytes(levels)
    writer.appendBytes(body)
  }

  if (dictionary) {
    appendPage(new Uint8Array(0), dictionary.size, dictionary.body, {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: { num_values: dictionary.entries, encoding: 'PLAIN' },
    })
  }
  const dataStart = writer.offset
  const locations: OffsetIndex['page_locations'] = []
  for (const { start, end, from, to, levels, body, size, isCompressed } of pages) {
    const offset = writer.offset
    appendPage(levels, size, body, {
      type: 'DATA_PAGE_V2',
      data_page_header_v2: {
        num_values: end - start,
        num_nulls: end - start - (to - from),
        num_rows: end - start,
        encoding,
        definition_levels_byte_length: levels.length,
        repetition_levels_byte_length: 0,
        is_compressed: isCompressed,
      },
    })
    locations.push({
      offset: BigInt(offset),
      compressed_page_size: writer.offset - offset,
      first_row_index: BigInt(start),
    })
  }

  const written: ColumnChunk = {
    file_offset: BigInt(chunkStart),
    meta_data: {
      type: element.type!,
      encodings: encoding === 'PLAIN' ? ['PLAIN', 'RLE'] : dictionary ? ['PLAIN', 'RLE', encoding] : ['RLE', encoding],
      path_in_schema: [element.name],
      codec,
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(writer.offset - chunkStart),
      data_page_offset: BigInt(dataStart),
      dictionary_page_offset: dictionary && BigInt(chunkStart),
      statistics: { ...declaredBounds(bounds, element), null_count: BigInt(rows - count) },
      encoding_stats: [
        ...(dictionary ? [{ page_type: 'DICTIONARY_PAGE', encoding: 'PLAIN', count: 1 } as const] : []),
        { page_type: 'DATA_PAGE_V2', encoding, count: pages.length },
      ],
    },
  }
  if (pages.length < 2) return { chunk: written }
  return { chunk: written, offsetIndex: { page_locations: locations }, columnIndex: indexPages(pages, element) }
}

type PageHeader = Omit<Parameters<typeof writePageHeader>[1], 'uncompressed_page_size' | 'compressed_page_size'>

/** Pages of equal rows, about `pageBytes` each, begin at multiples of 8 rows: their levels are whole bytes of the bitmap. */
function pageRanges(
  { kernels }: Scratch,
  {
    rows,
    nulls,
    values,
    pageBytes,
  }: { rows: number; nulls: NullRows | undefined; values: StoredValues; pageBytes: number },
): PageRange[] {
  const pages = Math.max(1, Math.ceil(values.size / pageBytes))
  const step = Math.ceil(rows / pages / 8) * 8
  const ranges: PageRange[] = []
  let from = 0
  for (let start = 0; start < rows; start += step) {
    const end = Math.min(rows, start + step)
    const to = from + end - start - (nulls ? kernels.countBits(nulls.place, start, end - start) : 0)
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
function indexPages(given: Page[], element: SchemaElement): ColumnIndex | undefined {
  const pages = given.map(({ start, end, from, to, bounds }) => ({
    nulls: end - start - (to - from),
    isNull: from === to,
    ...bounds,
    ...declaredBounds(bounds, element),
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
