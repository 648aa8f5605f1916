import { type Column, textColumn } from '../columns.ts'
import type { FieldType } from '../fields.ts'
import { hashText, TextTable, type Utf8Texts } from '../text-table.ts'
import type { ChunkSource } from './pages.ts'
import { unpackDeltas } from './read-deltas.ts'
import { readLevels, unpackHybrid } from './read-hybrid.ts'
import { findPages, inflate, type StoredPage, type StoredPages } from './read-pages.ts'
import { columnKind } from './schema.ts'

/**
 * A column chunk as it is stored: its values, and which of them each row has. What is to be done with each value is done once for a dictionary's
 * entry, not for each row.
 */
export interface IndexedColumn {
  rows: number
  /** As in a Column: one bit a row, set = null. */
  nulls?: Uint8Array
  /** Has no nulls of its own. A dictionary of another writer may hold an entry twice, or one that no row has. */
  entries: Column
  count: number
  /** The entry of each row, 0 where it is null. Absent where the n-th row has the n-th entry. */
  indices?: Uint32Array
  /** Where all pages are indices into a dictionary, what lies behind the levels of each. */
  pages?: IndexPage[]
}

/** A data page of indices, as it can stand in another column whose dictionary has as many entries in the same order. */
export interface IndexPage {
  rows: number
  /** Of the rows, those that are not null. */
  values: number
  /** Definition levels, as data pages of version 2 have them; empty where the column cannot be null. */
  levels: Uint8Array
  /** Width and hybrid; `stored` is the same as it lies in the file, compressed or not. */
  plain: Uint8Array
  stored: Uint8Array
  compressed: boolean
}

/** A page, its levels read: `values` of `rows` rows, from `row` on, are not null. */
interface ValuePage {
  row: number
  rows: number
  values: number
  levels: Uint8Array
  encoding: string
  plain: Uint8Array
  stored: Uint8Array
  compressed: boolean | undefined
}

/**
 * Reads what this project's writer writes, and what others commonly do: dictionaries, differences and PLAIN values, in data pages of either
 * version. Undefined where the chunk holds something else. Throws for damaged pages; nothing is set aside by a number that only the page tells.
 */
export function readChunk(source: ChunkSource): IndexedColumn | undefined {
  const { bytes, meta, type, rows, element } = source
  const kind = columnKind(type)
  if (!isReadable(kind, meta.type) || element.repetition_type === 'REPEATED') return undefined
  const stored = findPages(bytes, meta, rows)
  if (!stored.data.every(({ header }) => readableEncodings[kind]?.includes(encodingOf(header)))) return undefined
  const dictionary = stored.dictionary && readDictionary(stored.dictionary, source)
  const nulls = new Uint8Array(Math.ceil(rows / 8))
  const pages = readLevelsOf(stored, source, nulls)
  const values = kind === 'text' ? readTexts(pages, rows, dictionary) : readNumbers(pages, source, dictionary)
  if (!values) return undefined
  const column: IndexedColumn = { rows, ...values }
  if (pages.some(page => page.values < page.rows)) {
    column.nulls = nulls
    for (const page of pages) spread(column.indices ?? column.entries.values, page, nulls)
  }
  const sameCodec = meta.codec === 'ZSTD' || meta.codec === 'UNCOMPRESSED'
  if (column.indices && sameCodec && pages.every(page => isIndices(page) && page.compressed !== undefined))
    column.pages = pages.map(page => ({ ...page, compressed: page.compressed! }))
  return column
}

/** One value a row, as a Column has it. */
export function expandColumn(column: IndexedColumn): Column {
  const { rows, entries, indices, nulls } = column
  if (entries.kind === 'text') {
    const { utf8, own } = distinctTexts(entries.utf8!)
    const places = own ? indices!.map(index => own[index]) : indices!
    return textColumn(utf8, places, nulls)
  }
  const some = nulls && { nulls }
  if (!indices) return { ...entries, ...some }
  switch (entries.kind) {
    case 'int32': {
      const values = new Int32Array(rows)
      for (let row = 0; row < rows; row++) values[row] = entries.values[indices[row]]
      return { kind: 'int32', values: clear(values, nulls, 0), ...some }
    }
    case 'int64': {
      const values = new BigInt64Array(rows)
      const [to, from] = [new Int32Array(values.buffer), new Int32Array(entries.values.buffer)]
      for (let row = 0; row < rows; row++) {
        const at = 2 * indices[row]
        to[2 * row] = from[at]
        to[2 * row + 1] = from[at + 1]
      }
      return { kind: 'int64', values: clear(values, nulls, 0n), ...some }
    }
    default: {
      const values = new Float64Array(rows)
      const from = entries.values as Float64Array
      for (let row = 0; row < rows; row++) values[row] = from[indices[row]]
      return { kind: 'double', values: clear(values, nulls, 0), ...some }
    }
  }
}

/** A Column as an IndexedColumn: of text the dictionary, of other kinds the rows' own values. */
export function indexedColumn(column: Column, rows: number): IndexedColumn {
  const nulls = column.nulls && { nulls: column.nulls }
  if (column.kind !== 'text') return { rows, entries: column, count: rows, ...nulls }
  return { rows, entries: column, count: column.utf8?.count ?? column.values.length, indices: column.indices, ...nulls }
}

function clear<A extends { [at: number]: T }, T>(values: A, nulls: Uint8Array | undefined, zero: T): A {
  for (let byte = 0; byte < (nulls?.length ?? 0); byte++) {
    if (nulls![byte] === 0) continue
    for (let bit = 0; bit < 8; bit++) if (nulls![byte] & (1 << bit)) values[byte * 8 + bit] = zero
  }
  return values
}

const numberEncodings = ['PLAIN', 'PLAIN_DICTIONARY', 'RLE_DICTIONARY', 'DELTA_BINARY_PACKED']
const readableEncodings: Partial<Record<Column['kind'], string[]>> = {
  text: ['PLAIN', 'PLAIN_DICTIONARY', 'RLE_DICTIONARY'],
  int32: numberEncodings,
  int64: numberEncodings,
  double: ['PLAIN', 'PLAIN_DICTIONARY', 'RLE_DICTIONARY'],
  boolean: ['PLAIN'],
}

function isReadable(kind: Column['kind'], physical: string): boolean {
  switch (kind) {
    case 'text':
      return physical === 'BYTE_ARRAY'
    case 'int32':
      return physical === 'INT32'
    case 'int64':
      return physical === 'INT64' || physical === 'INT32'
    case 'decimal':
      return false
    default:
      return physical === kind.toUpperCase()
  }
}

const encodingOf = ({ data_page_header: v1, data_page_header_v2: v2 }: StoredPage['header']): string =>
  (v1 ?? v2)!.encoding
const isIndices = ({ encoding }: ValuePage): boolean => encoding.endsWith('_DICTIONARY')

function readLevelsOf({ data }: StoredPages, { meta, element }: ChunkSource, nulls: Uint8Array): ValuePage[] {
  const optional = element.repetition_type === 'OPTIONAL'
  let row = 0
  return data.map(({ header, body }) => {
    const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size: size } = header
    const rows = (v1 ?? v2)!.num_values
    const start = row
    row += rows
    const common = { row: start, rows, encoding: encodingOf(header) }
    if (v2) {
      const levelsStart = v2.repetition_levels_byte_length
      const levelsEnd = levelsStart + v2.definition_levels_byte_length
      const values = optional ? readLevels({ bytes: body, at: levelsStart, end: levelsEnd }, nulls, start, rows) : rows
      const stored = body.subarray(levelsEnd)
      const compressed = v2.is_compressed === true && meta.codec !== 'UNCOMPRESSED' && stored.length > 0
      const levels = body.subarray(levelsStart, levelsEnd)
      const plain = compressed ? inflate(stored, meta.codec, size - levelsEnd) : stored
      return { ...common, values, levels, plain, stored, compressed }
    }
    const page = inflate(body, meta.codec, size)
    const whole = { ...common, levels: noBytes, stored: page, compressed: undefined }
    if (!optional) return { ...whole, values: rows, plain: page }
    if (page.length < 4) throw new Error('the levels of a page reach beyond its end')
    const end = 4 + new DataView(page.buffer, page.byteOffset, 4).getUint32(0, true)
    if (end > page.length) throw new Error('the levels of a page reach beyond its end')
    const values = readLevels({ bytes: page, at: 4, end }, nulls, start, rows)
    return { ...whole, values, plain: page.subarray(end) }
  })
}

const noBytes = new Uint8Array(0)

type Typed = Int32Array | BigInt64Array | Float64Array | Uint8Array

interface Dictionary {
  entries: Column
  count: number
}

function readDictionary({ header, body }: StoredPage, { meta, type }: ChunkSource): Dictionary {
  const { num_values: count } = header.dictionary_page_header!
  const plain = inflate(body, meta.codec, header.uncompressed_page_size)
  if (columnKind(type) === 'text') {
    const utf8 = readPlainTexts(plain, count)
    return { entries: textColumn(utf8, new Uint32Array(0)), count }
  }
  const entries = makeColumn(type, count)
  readPlainNumbers(plain, meta.type, entries.values as Typed, 0, count)
  return { entries, count }
}

function makeColumn(type: FieldType, rows: number): Exclude<Column, { kind: 'text' | 'decimal' }> {
  const kind = columnKind(type)
  switch (kind) {
    case 'int32':
      return { kind, values: new Int32Array(rows) }
    case 'int64':
      return { kind, values: new BigInt64Array(rows) }
    case 'boolean':
      return { kind, values: new Uint8Array(rows) }
    default:
      return { kind: 'double', values: new Float64Array(rows) }
  }
}

/** PLAIN texts one behind the other, each after its length. */
function readPlainTexts(plain: Uint8Array, count: number): Utf8Texts {
  if (count * 4 > plain.length) throw new Error(`${count} texts in ${plain.length} bytes`)
  const bytes = new Uint8Array(plain.length - 4 * count)
  const offsets = new Int32Array(count + 1)
  let at = 0
  let to = 0
  for (let entry = 0; entry < count; entry++) {
    const length = textLength(plain, at)
    at += 4
    if (length > longCopy) {
      bytes.set(plain.subarray(at, at + length), to)
      at += length
      to += length
    } else for (const end = at + length; at < end; at++) bytes[to++] = plain[at]
    offsets[entry + 1] = to
  }
  return { count, bytes, offsets }
}

/** Bytes above which a call of the engine's copy costs less than a loop. */
const longCopy = 64

/** The length of the text at `at`, of which all bytes are there. */
function textLength(plain: Uint8Array, at: number): number {
  if (at + 4 > plain.length) throw new Error('a text reaches beyond the end of its page')
  const length = (plain[at] | (plain[at + 1] << 8) | (plain[at + 2] << 16) | (plain[at + 3] << 24)) >>> 0
  if (at + 4 + length > plain.length) throw new Error('a text reaches beyond the end of its page')
  return length
}

/** PLAIN numbers to values[from] and behind; 32-bit integers may become 64-bit ones. */
function readPlainNumbers(plain: Uint8Array, physical: string, values: Typed, from: number, count: number): void {
  if (physical === 'BOOLEAN') {
    if (count > plain.length * 8) throw new Error(`${count} booleans in ${plain.length} bytes`)
    for (let at = 0; at < count; at++) values[from + at] = (plain[at >> 3] >> (at & 7)) & 1
    return
  }
  const size = count * (physical === 'INT32' ? 4 : 8)
  if (size > plain.length) throw new Error(`${count} values of ${physical} in ${plain.length} bytes`)
  // Hosts are little-endian, as the file is.
  if (physical === 'INT32' && values instanceof BigInt64Array) {
    const view = new DataView(plain.buffer, plain.byteOffset, size)
    for (let at = 0; at < count; at++) values[from + at] = BigInt(view.getInt32(4 * at, true))
    return
  }
  const target = new Uint8Array(values.buffer, values.byteOffset + from * values.BYTES_PER_ELEMENT, size)
  target.set(plain.subarray(0, size))
}

/** Puts the indices of a page's values to indices[from] and behind. */
function readIndices({ plain, values }: ValuePage, count: number, indices: Uint32Array, from: number): void {
  if (values === 0) return
  if (plain.length === 0) throw new Error('a page of indices without their width')
  unpackHybrid({ bytes: plain, at: 1, end: plain.length }, plain[0], indices, from, values)
  let largest = 0
  for (let at = from; at < from + values; at++) if (indices[at] > largest) largest = indices[at]
  if (largest >= count) throw new Error(`an index of ${largest} in a dictionary of ${count} entries`)
}

type Values = Pick<IndexedColumn, 'entries' | 'count' | 'indices'>

function readTexts(pages: ValuePage[], rows: number, dictionary: Dictionary | undefined): Values {
  const indices = new Uint32Array(rows)
  const plainPages = pages.filter(page => !isIndices(page))
  if (plainPages.length === 0 && dictionary) {
    for (const page of pages) readIndices(page, dictionary.count, indices, page.row)
    return { ...dictionary, indices }
  }
  // A dictionary that grew too large was given up by the writer: its entries and all others become one.
  const texts = new TextTable()
  const find = (bytes: Uint8Array, start: number, end: number) =>
    texts.find(bytes, start, end, hashText(bytes, start, end))
  const known = dictionary?.entries.kind === 'text' ? dictionary.entries.utf8! : noTexts
  const places = Uint32Array.from({ length: known.count }, (_, at) =>
    find(known.bytes, known.offsets[at], known.offsets[at + 1]),
  )
  for (const page of pages) {
    const { row, values, plain } = page
    if (isIndices(page)) {
      readIndices(page, places.length, indices, row)
      for (let at = row; at < row + values; at++) indices[at] = places[indices[at]]
      continue
    }
    for (let at = 0, value = row; value < row + values; value++) {
      const end = at + 4 + textLength(plain, at)
      indices[value] = find(plain, at + 4, end)
      at = end
    }
  }
  return { entries: textColumn(texts, new Uint32Array(0)), count: texts.count, indices }
}

const noTexts: Utf8Texts = { count: 0, bytes: noBytes, offsets: new Int32Array(1) }

function readNumbers(pages: ValuePage[], source: ChunkSource, dictionary: Dictionary | undefined): Values | undefined {
  const { rows, meta, type } = source
  if (dictionary && pages.every(isIndices)) {
    const indices = new Uint32Array(rows)
    for (const page of pages) readIndices(page, dictionary.count, indices, page.row)
    return { ...dictionary, indices }
  }
  const entries = makeColumn(type, rows)
  const values = entries.values as Typed
  for (const page of pages) {
    if (page.values === 0) continue
    if (page.encoding === 'PLAIN') readPlainNumbers(page.plain, meta.type, values, page.row, page.values)
    else if (isIndices(page)) {
      if (!dictionary) throw new Error('a page of indices without a dictionary')
      const indices = new Uint32Array(page.values)
      readIndices(page, dictionary.count, indices, 0)
      const from = dictionary.entries.values as Typed
      for (let at = 0; at < page.values; at++) values[page.row + at] = from[indices[at]]
    } else if (!readDeltas(page, meta.type, values)) return undefined
  }
  return { entries, count: rows }
}

function readDeltas({ plain, row, values: count }: ValuePage, physical: string, values: Typed): boolean {
  const range = { bytes: plain, at: 0, end: plain.length }
  if (values instanceof Int32Array) return unpackDeltas(range, values, row, count)
  const numbers = new Float64Array(count)
  if (!unpackDeltas(range, numbers, 0, count)) return false
  // By halves, as each 64-bit element that is touched would be an object.
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  for (let at = 0; at < count; at++) {
    // 32-bit differences may go round.
    const value = physical === 'INT32' ? numbers[at] | 0 : numbers[at]
    words[2 * (row + at)] = value
    words[2 * (row + at) + 1] = Math.floor(value / 2 ** 32)
  }
  return true
}

/** Moves the values of a page, which stand together at its first row, to the rows that are not null. */
function spread(values: ArrayLike<unknown>, page: ValuePage, nulls: Uint8Array): void {
  if (page.values === page.rows) return
  const to = values as { [at: number]: unknown }
  const zero = values instanceof BigInt64Array ? 0n : 0
  let from = page.row + page.values
  for (let row = page.row + page.rows - 1; row >= page.row; row--)
    to[row] = nulls[row >> 3] & (1 << (row & 7)) ? zero : to[--from]
}

/** The texts without repetition, and where each entry is then; `own` is absent where none repeats. */
function distinctTexts(texts: Utf8Texts): { utf8: Utf8Texts; own?: Uint32Array } {
  const table = new TextTable()
  const own = new Uint32Array(texts.count)
  for (let at = 0; at < texts.count; at++) {
    const [start, end] = [texts.offsets[at], texts.offsets[at + 1]]
    own[at] = table.find(texts.bytes, start, end, hashText(texts.bytes, start, end))
  }
  return table.count === texts.count ? { utf8: texts } : { utf8: table, own }
}
