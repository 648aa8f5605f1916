import type { FileMetaData, RowGroup, SchemaElement } from 'hyparquet'
import type { ColumnBatch } from '../columns.ts'
import { type Field, type FieldType, formatType } from '../fields.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { displayColumn } from './display.ts'
import { chunkExtent, readFooter } from './footer.ts'
import { decodeChunk } from './pages.ts'
import { footerFields } from './schema.ts'

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
  const subject = `s3://${source.bucket}/${key}`
  const metadata = known ?? (await readFooter(source, key, { size }))
  const columns = fields.map(field => locateColumn(metadata, field, subject))
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows)
    if (rows === 0) continue
    const chunks = await fetchChunks(source, key, group, columns, subject)
    yield {
      rows,
      columns: columns.map(({ at, element, field: { name, type } }, index) => {
        try {
          return decodeChunk({ bytes: chunks[index], element, meta: group.columns[at].meta_data!, type, rows })
        } catch (cause) {
          throw new Error(`${subject}, column ${name}: the column chunk cannot be read`, { cause })
        }
      }),
    }
  }
}

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
interface LocatedColumn {
  field: Field
  at: number
  element: SchemaElement
}

function locateColumn(metadata: FileMetaData, field: Field, subject: string): LocatedColumn {
  const found = footerFields(metadata).find(({ id }) => id === field.id)
  if (!found) throw new Error(`${subject} has no column ${field.name} (field id ${field.id})`)
  if (!found.type || !widensTo(found.type, field.type)) {
    const type = found.type ? formatType(found.type) : 'of another type'
    throw new Error(`${subject}, column ${field.name}: is ${type} in the file, expected ${formatType(field.type)}`)
  }
  const leaves = metadata.schema.filter(({ type }) => type !== undefined)
  const at = leaves.findIndex(({ field_id }) => field_id === field.id)
  return { field, at, element: leaves[at] }
}

/** Iceberg table spec, schema evolution: type promotions. */
function widensTo(from: FieldType, to: FieldType): boolean {
  if (from.kind === 'decimal' && to.kind === 'decimal') return from.scale === to.scale && from.precision <= to.precision
  return from.kind === to.kind || (from.kind === 'integer' && to.kind === 'bigint')
}

/** Chunks with at most so many bytes between them are fetched as one range: another request costs more than these bytes. */
const coalesceGap = 131_072

async function fetchChunks(
  source: ObjectStore,
  key: string,
  group: RowGroup,
  columns: LocatedColumn[],
  subject: string,
): Promise<Uint8Array[]> {
  const extents = columns.map(({ at }) => chunkExtent(group.columns[at], subject))
  const ranges: { start: number; end: number }[] = []
  for (const { start, end } of extents.toSorted((a, b) => a.start - b.start)) {
    const last = ranges.at(-1)
    if (last && start - last.end <= coalesceGap) last.end = Math.max(last.end, end)
    else ranges.push({ start, end })
  }
  const fetched = await Promise.all(
    ranges.map(async range => {
      const bytes = await source.get(key, range)
      if (bytes.length !== range.end - range.start) throw new Error(`${subject} is shorter than its footer says`)
      return { ...range, bytes }
    }),
  )
  return extents.map(({ start, end }) => {
    const range = fetched.find(each => each.start <= start && end <= each.end)!
    return range.bytes.subarray(start - range.start, end - range.start)
  })
}
