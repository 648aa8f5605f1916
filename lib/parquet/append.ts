import type { RowGroup } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writeIndexes } from 'hyparquet-writer/src/indexes.js'
import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import { compressChunk, defaultPageBytes, encodeColumnChunk, type WrittenChunk, writeColumnChunk } from './chunk.ts'
import { magic, type ParquetMetadata, parseFooter } from './footer.ts'
import { cutBySizes, gatherRowGroups, type Slice } from './gather.ts'
import { footerFields, parquetSchema } from './schema.ts'
import { readThrift, setField, structList, type ThriftStruct, thriftField, thriftType, writeThrift } from './thrift.ts'
import { appendFooter, describeRowGroup } from './write.ts'

/**
 * What must stand behind all bytes of a Parquet file so that the whole is a Parquet file with more columns: the new columns' chunks,
 * row group by row group as in the source, and a footer that describes old chunks where they lie and the new ones. Everything that
 * the old footer says of old columns is kept byte for byte; its page indexes stay where they are. The old footer becomes dead bytes.
 *
 * `batches` hold the new columns for the source's rows, in its order, cut in any way. `append` is in memory: the size of the new
 * columns. Throws where the rows are more or fewer than the source's, or a new column's name (without case) or id is taken.
 */
export async function appendColumns({
  metadata,
  sourceSize,
  fields,
  batches,
  pageBytes = defaultPageBytes,
}: {
  /** Of the source, from readFooter. */
  metadata: ParquetMetadata
  /** Bytes. */
  sourceSize: number
  fields: Field[]
  batches: AsyncIterable<ColumnBatch>
  pageBytes?: number
}): Promise<{ append: Uint8Array; rows: number; metadata: ParquetMetadata }> {
  checkNew(metadata, fields)
  const rows = Number(metadata.num_rows)
  const sizes = metadata.row_groups.map(({ num_rows }) => Number(num_rows))
  const schema = parquetSchema(fields)
  const writer = new ByteWriter()
  writer.offset = sourceSize
  const rowGroups: RowGroup[] = []
  const written: WrittenChunk[] = []
  const addGroup = async (slices: Slice[]): Promise<void> => {
    const groupRows = slices.reduce((sum, { start, end }) => sum + end - start, 0)
    const expected = sizes[rowGroups.length]
    if (groupRows !== expected)
      throw new Error(`the new columns end early: ${groupRows} rows for a row group of ${expected}`)
    const compressed = await Promise.all(
      fields.map((_, at) => compressChunk(encodeColumnChunk({ schema, at, slices, pageBytes }))),
    )
    const chunks = compressed.map(chunk => writeColumnChunk(writer, chunk))
    rowGroups.push(describeRowGroup(chunks, groupRows))
    written.push(...chunks)
  }
  const addEmptyGroups = async (): Promise<void> => {
    while (sizes[rowGroups.length] === 0) await addGroup([])
  }
  await addEmptyGroups()
  for await (const slices of gatherRowGroups({ fields, batches, cut: cutBySizes(sizes) })) {
    await addGroup(slices)
    await addEmptyGroups()
  }
  if (rowGroups.length !== sizes.length)
    throw new Error(`the new columns end early: ${rowGroups.length} row groups of ${sizes.length}`)
  writeIndexes(writer, written)
  const footerStart = writer.index
  appendMergedFooter(writer, metadata, { schema, rowGroups, rows })
  const append = writer.getBytes().slice()
  return { append, rows, metadata: parseFooter(append.subarray(footerStart), { size: writer.offset }) }
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
