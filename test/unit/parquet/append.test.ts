import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { readColumnIndex, readOffsetIndex } from 'hyparquet/src/indexes.js'
import { ByteWriter } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { appendColumns } from '../../../lib/parquet/append.ts'
import { columnMetrics, parseFooter, splitOffsets } from '../../../lib/parquet/footer.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { readThrift, structList, type ThriftStruct, thriftField, writeThrift } from '../../../lib/parquet/thrift.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { batchRows, type Cell, cutBatches, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { batchSizes, type Table, table } from './arbitraries.ts'

const keyFields: Field[] = ['patient_key', 'visit_key'].map((name, at) => ({
  id: 900 + at,
  name,
  type: { kind: 'bigint' },
  nullable: true,
}))

const keysFor = (rows: number): Cell[][] =>
  Array.from({ length: rows }, (_, row) => [row % 7 === 3 ? null : BigInt(row) << 40n, BigInt(row % 4)])

async function readAll(bytes: Uint8Array, columns: string[]): Promise<unknown[]> {
  const buffer = bytes.slice().buffer
  const file = { byteLength: buffer.byteLength, slice: (start: number, end?: number) => buffer.slice(start, end) }
  return parquetReadObjects({
    file,
    columns,
    compressors: { ZSTD: page => zstdDecompressSync(page), GZIP: page => gunzipSync(page) },
  })
}

/** A file, and the same with key columns. */
async function appended(
  { fields, rows }: Table,
  {
    rowGroupRows = 20,
    sizes = [7],
    pageBytes = 64,
  }: { rowGroupRows?: number; sizes?: number[]; pageBytes?: number } = {},
) {
  const source = await writeParquetFile(fields, makeBatch(fields, rows), {
    rowGroupRows,
    pageBytes,
    kvMetadata: { a: 'b' },
  })
  const keys = keysFor(rows.length)
  const result = await appendColumns({
    metadata: source.metadata,
    sourceSize: source.bytes.length,
    fields: keyFields,
    batches: cutBatches(keyFields, keys, sizes),
    pageBytes,
  })
  const bytes = new Uint8Array(Buffer.concat([source.bytes, result.append]))
  return { source, result, bytes, keys }
}

const manyRows: Table = {
  fields: [
    { id: 1, name: 'USUBJID', type: { kind: 'string' }, nullable: false },
    { id: 2, name: 'AGE', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true },
  ],
  rows: Array.from({ length: 400 }, (_, row) => [
    `subject ${row}`,
    row % 5 === 0 ? null : BigInt(row * row) * 6_000_000n,
  ]),
}

describe('appendColumns', () => {
  it('gives the source’s columns unchanged and the new ones beside them', async () => {
    const options = fc.record({ rowGroupRows: fc.integer({ min: 1, max: 70 }), sizes: batchSizes })
    await fc.assert(
      fc.asyncProperty(table(), options, async (given, shape) => {
        const { source, result, bytes, keys } = await appended(given, shape)
        const { fields, rows } = given
        expect(result.rows).toBe(rows.length)
        expect(parseFooter(bytes)).toEqual(result.metadata)

        const names = fields.map(({ name }) => name)
        expect(await readAll(bytes, names)).toEqual(await readAll(source.bytes, names))
        const read = await readAll(bytes, ['patient_key', 'visit_key'])
        expect(read).toEqual(keys.map(([patient_key, visit_key]) => ({ patient_key, visit_key })))

        const store = memoryStore({ objects: { base: bytes } })
        const all = await batchRows(readColumns(store, 'base', { fields: [...keyFields, ...fields] }))
        expect(all).toEqual(rows.map((row, at) => [...keys[at], ...row]))
      }),
      { numRuns: 100 },
    )
  })

  it('keeps what the footer says of the source’s columns byte for byte', async () => {
    const { source, result } = await appended(manyRows)
    const [before, after] = [source.metadata.raw, result.metadata.raw].map(readThrift)
    const [groupsBefore, groupsAfter] = [before, after].map(footer => structList(footer, 4))
    expect(groupsAfter).toHaveLength(20)
    for (const [at, group] of groupsAfter.entries()) {
      expect(structList(group, 1)).toHaveLength(4)
      expect(structList(group, 1).slice(0, 2)).toEqual(structList(groupsBefore[at], 1))
      expect(thriftField(group, 3)).toBe(20n)
    }
    expect(structList(after, 2).slice(1, 3)).toEqual(structList(before, 2).slice(1))
    expect(structList(after, 7)).toHaveLength(4)
    for (const field of [1, 3, 5, 6]) expect(thriftField(after, field)).toEqual(thriftField(before, field))
    expect(splitOffsets(result.metadata)).toEqual(splitOffsets(source.metadata))
    expect(columnMetrics(result.metadata, manyRows.fields)).toEqual(columnMetrics(source.metadata, manyRows.fields))
    expect(columnMetrics(result.metadata, keyFields).get(900)).toMatchObject({ valueCount: 400, nullCount: 57 })
  })

  it('adds the new chunks to the sizes of the row groups', async () => {
    const { result } = await appended(manyRows)
    for (const { columns, total_byte_size, total_compressed_size } of result.metadata.row_groups) {
      const sum = (name: 'total_uncompressed_size' | 'total_compressed_size') =>
        columns.reduce((total, { meta_data }) => total + meta_data![name], 0n)
      expect(total_byte_size).toBe(sum('total_uncompressed_size'))
      expect(total_compressed_size).toBe(sum('total_compressed_size'))
    }
  })

  it('has page indexes for old and new columns where they say they are', async () => {
    const { bytes, result } = await appended(manyRows)
    const leaves = result.metadata.schema.filter(({ type }) => type)
    for (const { columns } of result.metadata.row_groups) {
      // The last has so few values that its dictionary leaves it one page.
      expect(columns.map(column => column.offset_index_offset !== undefined)).toEqual([true, true, true, false])
      for (const [at, column] of columns.slice(0, -1).entries()) {
        const view = (offset: bigint, length: number) => ({
          view: new DataView(bytes.buffer, bytes.byteOffset + Number(offset), length),
          offset: 0,
        })
        const offsets = readOffsetIndex(view(column.offset_index_offset!, column.offset_index_length!))
        expect(offsets.page_locations.length).toBeGreaterThan(1)
        const index = readColumnIndex(view(column.column_index_offset!, column.column_index_length!), leaves[at])
        expect(index.min_values).toHaveLength(offsets.page_locations.length)
        const [first] = offsets.page_locations
        expect(first.offset).toBe(column.meta_data!.data_page_offset)
      }
    }
  })

  it('makes equal bytes of equal input', async () => {
    const first = await appended(manyRows, { sizes: [400] })
    const second = await appended(manyRows, { sizes: [1, 30, 9] })
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0)
  })

  it('takes a source without rows', async () => {
    const { bytes, result } = await appended({ fields: manyRows.fields, rows: [] })
    expect(result.rows).toBe(0)
    expect(parseFooter(bytes).schema.map(({ name }) => name)).toEqual([
      'table',
      'USUBJID',
      'AGE',
      'patient_key',
      'visit_key',
    ])
    expect(await readAll(bytes, ['USUBJID', 'patient_key'])).toEqual([])
  })

  it('can append to what it appended', async () => {
    const { bytes, result } = await appended(manyRows)
    const site: Field = { id: 999, name: 'site_key', type: { kind: 'bigint' }, nullable: true }
    const rows: Cell[][] = manyRows.rows.map((_, row) => [BigInt(row)])
    const again = await appendColumns({
      metadata: result.metadata,
      sourceSize: bytes.length,
      fields: [site],
      batches: cutBatches([site], rows, [50]),
    })
    const store = memoryStore({ objects: { base: new Uint8Array(Buffer.concat([bytes, again.append])) } })
    const read = await batchRows(readColumns(store, 'base', { fields: [site, manyRows.fields[0]] }))
    expect(read).toEqual(manyRows.rows.map(([subject], row) => [BigInt(row), subject]))
  })

  it.each(['v1-gzip', 'v2-none-delta', 'v1-snappy-pages', 'empty-groups'])(
    'appends to the pyarrow file %s',
    async name => {
      const source = new Uint8Array(await readFile(join(import.meta.dirname, 'fixtures', `${name}.parquet`)))
      const metadata = parseFooter(source)
      const keys = keysFor(Number(metadata.num_rows))
      const { append, metadata: after } = await appendColumns({
        metadata,
        sourceSize: source.length,
        fields: keyFields,
        batches: cutBatches(keyFields, keys, [3]),
      })
      const [groupsBefore, groupsAfter] = [metadata, after].map(({ raw }) => structList(readThrift(raw), 4))
      expect(groupsAfter).toHaveLength(groupsBefore.length)
      for (const [at, group] of groupsAfter.entries())
        expect(structList(group, 1).slice(0, -2)).toEqual(structList(groupsBefore[at], 1))
      const store = memoryStore({ objects: { base: new Uint8Array(Buffer.concat([source, append])) } })
      expect(await batchRows(readColumns(store, 'base', { fields: keyFields }))).toEqual(keys)
    },
  )

  it('adds nothing that the source’s footer leaves out', async () => {
    const { bytes, metadata } = await writeParquetFile(manyRows.fields, makeBatch(manyRows.fields, manyRows.rows))
    const footer = readThrift(metadata.raw)
    const without = (struct: ThriftStruct, ...ids: number[]) => {
      struct.fields = struct.fields.filter(({ id }) => !ids.includes(id))
    }
    without(footer, 7)
    for (const group of structList(footer, 4)) without(group, 6)
    const writer = new ByteWriter()
    writeThrift(writer, footer)
    const { metadata: after } = await appendColumns({
      metadata: { ...metadata, raw: writer.getBytes() },
      sourceSize: bytes.length,
      fields: keyFields,
      batches: cutBatches(keyFields, keysFor(400), [400]),
    })
    expect(thriftField(readThrift(after.raw), 7)).toBeUndefined()
    expect(after.row_groups[0].total_compressed_size).toBeUndefined()
    expect(after.row_groups[0].columns).toHaveLength(4)
  })

  it('refuses rows that are not the source’s', async () => {
    const { metadata, bytes } = await writeParquetFile(manyRows.fields, makeBatch(manyRows.fields, manyRows.rows), {
      rowGroupRows: 150,
    })
    const append = (rows: number, fields = keyFields) =>
      appendColumns({ metadata, sourceSize: bytes.length, fields, batches: cutBatches(fields, keysFor(rows), [64]) })
    await expect(append(401)).rejects.toThrow('more rows than the 400 that the row groups hold')
    await expect(append(399)).rejects.toThrow('the new columns end early: 99 rows for a row group of 100')
    await expect(append(300)).rejects.toThrow('the new columns end early: 2 row groups of 3')
    await expect(append(400, [{ ...keyFields[0], name: 'age' }])).rejects.toThrow('column age is in the file already')
    await expect(append(400, [{ ...keyFields[0], id: 1 }])).rejects.toThrow(
      'column patient_key: field id 1 is taken in the file',
    )
  })
})
