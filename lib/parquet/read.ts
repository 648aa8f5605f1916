import type { FileMetaData, RowGroup, SchemaElement } from 'hyparquet'
import type { ColumnBatch } from '../columns.ts'
import { type Field, type FieldType, formatType } from '../fields.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { displayColumn } from './display.ts'
import { chunkExtent, readFooter } from './footer.ts'
import { type ChunkSource, decodeChunk, decodeForeignChunk } from './pages.ts'
import { type IndexedColumn, indexedColumn, readChunk } from './read-chunk.ts'
import { type ByteSource, objectSource } from './read-source.ts'
import { footerFields, topLevelElements } from './schema.ts'

export interface ReadColumnsOptions {
  /** The columns to read, by field id; their types may be wider than the file's, as Iceberg's promotions allow. */
  fields: Field[]
  /** Of the file, in bytes; asked for where it and `metadata` are missing. */
  size?: number
  /** The file's footer; read where it is missing. */
  metadata?: FileMetaData
}

/**
 * The columns of a Parquet file, one batch a row group, with nothing rounded. Only the byte ranges of those columns are read, when
 * their batch is pulled. Throws an Error that names the key for a missing column, another type, or damaged pages.
 */
export async function* readColumns(
  source: ObjectStore,
  key: string,
  { fields, size, metadata: known }: ReadColumnsOptions,
): AsyncGenerator<ColumnBatch> {
  const bytes = objectSource(source, key)
  const metadata = known ?? (await readFooter(source, key, { size }))
  const columns = fields.map(field => locateColumn(metadata, field, bytes.subject))
  for await (const { rows, chunks } of readChunks(bytes, { metadata, columns, ahead: false }))
    yield { rows, columns: chunks.map((chunk, at) => decode(chunk, columns[at], bytes.subject, decodeChunk)) }
}

/** One row group's columns as they are stored. */
export interface IndexedBatch {
  rows: number
  columns: IndexedColumn[]
}

/**
 * The same with columns as they are stored: what is done for each entry of a dictionary need not be done for each row. While a row group is
 * worked on, the next one is fetched.
 */
export async function* readIndexedColumns(
  source: ByteSource,
  { metadata, columns }: { metadata: FileMetaData; columns: LocatedColumn[] },
): AsyncGenerator<IndexedBatch> {
  for await (const { rows, chunks } of readChunks(source, { metadata, columns, ahead: true }))
    yield { rows, columns: chunks.map((chunk, at) => decode(chunk, columns[at], source.subject, decodeIndexed)) }
}

async function* readChunks(
  source: ByteSource,
  { metadata, columns, ahead }: { metadata: FileMetaData; columns: LocatedColumn[]; ahead: boolean },
): AsyncGenerator<{ rows: number; chunks: ChunkSource[] }> {
  const groups = metadata.row_groups.filter(({ num_rows }) => num_rows > 0n)
  const fetch = (at: number) => {
    if (at >= groups.length) return undefined
    const fetched = fetchChunks(source, groups[at], columns)
    // Thrown where it is awaited.
    fetched.catch(() => undefined)
    return fetched
  }
  let next = ahead ? fetch(0) : undefined
  for (const [at, group] of groups.entries()) {
    const chunks = (await (next ?? fetch(at)))!
    next = ahead ? fetch(at + 1) : undefined
    const rows = Number(group.num_rows)
    yield {
      rows,
      chunks: columns.map(({ at, element, field: { type } }, index) => ({
        bytes: chunks[index],
        element,
        meta: group.columns[at].meta_data!,
        type,
        rows,
      })),
    }
  }
}

function decode<T>(
  chunk: ChunkSource,
  { field }: LocatedColumn,
  subject: string,
  decoder: (chunk: ChunkSource) => T,
): T {
  try {
    return decoder(chunk)
  } catch (cause) {
    throw new Error(`${subject}, column ${field.name}: the column chunk cannot be read`, { cause })
  }
}

const decodeIndexed = (chunk: ChunkSource): IndexedColumn =>
  readChunk(chunk) ?? indexedColumn(decodeForeignChunk(chunk), chunk.rows)

/**
 * The first `limit` rows for people to look at: text, numbers and booleans as they are, decimals as text, dates as `2014-01-02`,
 * timestamps as `2014-01-02T03:04:05.000006`, times as `03:04:05`, null; a bigint that a number cannot hold stays one.
 */
export async function readRows(
  source: ObjectStore,
  key: string,
  { limit, ...options }: ReadColumnsOptions & { limit: number },
): Promise<unknown[][]> {
  const rows: unknown[][] = []
  if (limit <= 0) return rows
  for await (const batch of readColumns(source, key, options)) {
    const wanted = Math.min(batch.rows, limit - rows.length)
    const columns = batch.columns.map((column, at) => displayColumn(column, options.fields[at].type, wanted))
    for (let row = 0; row < wanted; row++) rows.push(columns.map(values => values[row]))
    if (rows.length >= limit) break
  }
  return rows
}

/** A field's place in the file: `at` counts columns as row groups do. */
export interface LocatedColumn {
  field: Field
  at: number
  element: SchemaElement
}

/** Finds a column by its field id. Throws an Error where there is none, or one of another type. */
export function locateColumn(metadata: FileMetaData, field: Field, subject: string): LocatedColumn {
  const index = footerFields(metadata).findIndex(({ id }) => id === field.id)
  if (index < 0) throw new Error(`${subject} has no column ${field.name} (field id ${field.id})`)
  const found = footerFields(metadata)[index]
  if (!found.type || !widensTo(found.type, field.type)) {
    const type = found.type ? formatType(found.type) : 'of another type'
    throw new Error(`${subject}, column ${field.name}: is ${type} in the file, expected ${formatType(field.type)}`)
  }
  return { field, ...topLevelElements(metadata)[index] }
}

/** Iceberg table spec, schema evolution: type promotions. */
function widensTo(from: FieldType, to: FieldType): boolean {
  if (from.kind === 'decimal' && to.kind === 'decimal') return from.scale === to.scale && from.precision <= to.precision
  return from.kind === to.kind || (from.kind === 'integer' && to.kind === 'bigint')
}

/** Chunks with at most so many bytes between them are fetched as one range: another request costs more than these bytes. */
const coalesceGap = 131_072

async function fetchChunks(source: ByteSource, group: RowGroup, columns: LocatedColumn[]): Promise<Uint8Array[]> {
  const { subject } = source
  const extents = columns.map(({ at }) => chunkExtent(group.columns[at], subject))
  const ranges: { start: number; end: number }[] = []
  for (const { start, end } of extents.toSorted((a, b) => a.start - b.start)) {
    const last = ranges.at(-1)
    if (last && start - last.end <= coalesceGap) last.end = Math.max(last.end, end)
    else ranges.push({ start, end })
  }
  const fetched = await Promise.all(
    ranges.map(async range => {
      const bytes = await source.read(range.start, range.end)
      if (bytes.length !== range.end - range.start) throw new Error(`${subject} is shorter than its footer says`)
      return { ...range, bytes }
    }),
  )
  return extents.map(({ start, end }) => {
    const range = fetched.find(each => each.start <= start && end <= each.end)!
    return range.bytes.subarray(start - range.start, end - range.start)
  })
}
