import type { RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import { defaultPageBytes, type EncodedChunk, encodeColumnChunk, type WrittenChunk, writeColumnChunk } from './chunk.ts'
import { magic, type ParquetMetadata, parseFooter } from './footer.ts'
import { cutBySizes, gatherRowGroups } from './gather.ts'
import { describeRowGroup } from './row-group.ts'
import { footerFields, parquetSchema } from './schema.ts'
import { readThrift, setField, structList, type ThriftStruct, thriftField, thriftType, writeThrift } from './thrift.ts'
import { appendFooter } from './write.ts'

/** What must stand behind all bytes of a file so that the whole has more columns. */
export interface Appended {
  append: Uint8Array
  rows: number
  /** The footer of the whole, as readFooter would give it. */
  metadata: ParquetMetadata
  /** Bytes of the new column chunks in it. */
  chunkBytes: number
}

/** A file to which columns are appended. */
export interface AppendTarget {
  /** From readFooter. */
  metadata: ParquetMetadata
  /** Bytes. */
  sourceSize: number
  /** The new columns. */
  fields: Field[]
}

/**
 * What must stand behind all bytes of a Parquet file so that the whole is a Parquet file with more columns: the new columns' chunks,
 * row group by row group as in the source, and a footer that describes old chunks where they lie and the new ones. Everything that
 * the old footer says of old columns is kept byte for byte; its page indexes stay where they are. The old footer becomes dead bytes.
 *
 * `batches` hold the new columns for the source's rows, in its order, cut in any way. `append` is in memory: the size of the new
 * columns. Throws where the rows are more or fewer than the source's, or a new column's name (without case) or id is taken.
 */
export async function appendColumns({
  batches,
  pageBytes = defaultPageBytes,
  ...target
}: AppendTarget & { batches: AsyncIterable<ColumnBatch>; pageBytes?: number }): Promise<Appended> {
  const { metadata, fields } = target
  const schema = parquetSchema(fields)
  const cut = cutBySizes(metadata.row_groups.map(({ num_rows }) => Number(num_rows)))
  async function* groups(): AsyncGenerator<EncodedChunk[]> {
    for await (const slices of gatherRowGroups({ fields, batches, cut }))
      yield fields.map((_, at) => encodeColumnChunk({ schema, at, slices, pageBytes }))
  }
  return appendChunks({ ...target, groups: groups() })
}

/** The same with columns that are encoded: `groups` are the new chunks of each row group that has rows, in the order of the fields. */
export async function appendChunks({
  metadata,
  sourceSize,
  fields,
  groups,
}: AppendTarget & { groups: AsyncIterable<EncodedChunk[]> }): Promise<Appended> {
  checkNew(metadata, fields)
  const sizes = metadata.row_groups.map(({ num_rows }) => Number(num_rows))
  const schema = parquetSchema(fields)
  const writer = new ByteWriter()
  writer.offset = sourceSize
  const rowGroups: RowGroup[] = []
  const written: WrittenChunk[] = []
  const addGroup = (encoded: EncodedChunk[], rows: number): void => {
    const expected = sizes[rowGroups.length]
    if (rows !== expected) throw new Error(`the new columns end early: ${rows} rows for a row group of ${expected}`)
    const chunks = encoded.map(chunk => writeColumnChunk(writer, chunk))
    rowGroups.push(describeRowGroup(chunks, rows))
    written.push(...chunks)
  }
  const addEmptyGroups = (): void => {
    while (sizes[rowGroups.length] === 0)
      addGroup(
        fields.map((_, at) => encodeColumnChunk({ schema, at, slices: [] })),
        0,
      )
  }
  addEmptyGroups()
  for await (const encoded of groups) {
    addGroup(encoded, encoded[0].rows)
    addEmptyGroups()
  }
  if (rowGroups.length !== sizes.length)
    throw new Error(`the new columns end early: ${rowGroups.length} row groups of ${sizes.length}`)
  const chunkBytes = writer.index
  writeIndexes(writer, written)
  const footerStart = writer.index
  const rows = Number(metadata.num_rows)
  appendMergedFooter(writer, metadata, { schema: likeSource(schema, metadata), rowGroups, rows })
  const append = writer.getBytes().slice()
  const merged = parseFooter(append.subarray(footerStart), { size: writer.offset })
  return { append, rows, metadata: merged, chunkBytes }
}

/** Where the source's columns have no field ids, the new ones have none: engines match all columns of such a file by name. */
function likeSource(schema: SchemaElement[], metadata: ParquetMetadata): SchemaElement[] {
  if (footerFields(metadata).some(({ id }) => id !== undefined)) return schema
  return schema.map(({ field_id: _, ...element }) => element)
}

function checkNew(metadata: ParquetMetadata, fields: Field[]): void {
  const taken = footerFields(metadata)
  for (const { id, name } of fields) {
    if (taken.some(field => field.name.toLowerCase() === name.toLowerCase()))
      throw new Error(`column ${name} is in the file already`)
    if (taken.some(field => field.id === id)) throw new Error(`column ${name}: field id ${id} is taken in the file`)
  }
}

// Field ids of parquet.thrift that the merge touches.
const fileMetaData = { schema: 2, rowGroups: 4, columnOrders: 7 }
const schemaElement = { numChildren: 5 }
const rowGroup = { columns: 1, totalByteSize: 2, totalCompressedSize: 6 }

/** The footer of the new columns alone is made as for any file; then its lists are joined to those of the old footer's own thrift. */
function appendMergedFooter(
  writer: ByteWriter,
  metadata: ParquetMetadata,
  added: Parameters<typeof appendFooter>[1],
): void {
  const alone = new ByteWriter()
  appendFooter(alone, added)
  const merged = readThrift(metadata.raw)
  const extra = readThrift(alone.getBytes())

  const [root, ...elements] = structList(merged, fileMetaData.schema)
  const [, ...newElements] = structList(extra, fileMetaData.schema)
  const children = Number(thriftField(root, schemaElement.numChildren) ?? 0) + newElements.length
  setField(root, { id: schemaElement.numChildren, type: thriftType.i32, value: children })
  setList(merged, fileMetaData.schema, [root, ...elements, ...newElements])

  const newGroups = structList(extra, fileMetaData.rowGroups)
  for (const [at, group] of structList(merged, fileMetaData.rowGroups).entries()) {
    setList(group, rowGroup.columns, [
      ...structList(group, rowGroup.columns),
      ...structList(newGroups[at], rowGroup.columns),
    ])
    addTo(group, newGroups[at], rowGroup.totalByteSize)
    addTo(group, newGroups[at], rowGroup.totalCompressedSize)
  }

  // Without column orders readers ignore the bounds of some types: where the source names none, the new columns name none.
  const orders = structList(merged, fileMetaData.columnOrders)
  if (orders.length > 0)
    setList(merged, fileMetaData.columnOrders, [...orders, ...structList(extra, fileMetaData.columnOrders)])

  const start = writer.offset
  writeThrift(writer, merged)
  writer.appendUint32(writer.offset - start)
  writer.appendUint32(magic)
}

function setList(struct: ThriftStruct, id: number, items: ThriftStruct[]): void {
  setField(struct, { id, type: thriftType.list, value: { type: thriftType.struct, items } })
}

/** An optional total that the source leaves out stays out. */
function addTo(struct: ThriftStruct, extra: ThriftStruct, id: number): void {
  const [old, more] = [thriftField(struct, id), thriftField(extra, id)]
  if (typeof old === 'bigint' && typeof more === 'bigint')
    setField(struct, { id, type: thriftType.i64, value: old + more })
}
