import { describe, expect, it } from 'vitest'
import { type AvroFile, type AvroRecord, decodeAvro, encodeAvro } from '../../../lib/iceberg/avro.ts'
import {
  currentSnapshot,
  IcebergError,
  readDataFiles,
  type TableMetadata,
  verifySnapshot,
  writeTable,
} from '../../../lib/iceberg/table.ts'
import { address, keyOfAddress } from '../../../lib/layout.ts'
import type { MemoryStore } from '../../support/memory-store.ts'
import { addresses, file, writeOptions } from './samples.ts'

const location = 's3://lake/data/trial/raw/dm'
const keyOf = (text: string) => keyOfAddress('lake', text)!
const listOf = (metadata: TableMetadata) => currentSnapshot(metadata)!['manifest-list']

/** Writes an Avro file of the table anew, with its records and schema changed, as another writer might have written it. */
async function rewrite(
  store: MemoryStore,
  place: string,
  change: (records: AvroRecord[]) => void,
  text: (schema: string) => string = schema => schema,
) {
  const { schema, metadata, records } = decodeAvro(await store.get(keyOf(place)), { subject: place })
  change(records)
  const bytes = encodeAvro({ schema: JSON.parse(text(JSON.stringify(schema))), metadata, records })
  await store.put(keyOf(place), bytes)
  return bytes.length
}

/** The file with a schema that may be changed. */
const withOwnSchema = (avro: AvroFile): AvroFile => ({ ...avro, schema: structuredClone(avro.schema) })

const manifestsOf = async (store: MemoryStore, metadata: TableMetadata) =>
  decodeAvro(await store.get(keyOf(listOf(metadata))), { subject: 'list' }).records.map(
    record => record.manifest_path as string,
  )

describe('readDataFiles', () => {
  it('is empty for a table without a snapshot', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const never = { ...metadata, 'current-snapshot-id': -1, snapshots: [] }
    expect(await readDataFiles(options.store, never)).toEqual([])
    expect(await verifySnapshot(options.store, never)).toEqual({ files: [], addresses: [], problems: [] })
  })

  it('names a snapshot that is not there', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    await expect(readDataFiles(options.store, metadata, { snapshotId: 5 })).rejects.toThrow(
      `table ${location} has no snapshot 5`,
    )
  })

  it('names table and file where one is missing, broken or elsewhere', async () => {
    const options = writeOptions()
    const { store } = options
    const { metadata } = await writeTable(options)
    const [manifest] = await manifestsOf(store, metadata)
    const bytes = await store.get(keyOf(manifest!))
    await store.delete(keyOf(manifest!))
    await expect(readDataFiles(store, metadata)).rejects.toThrow(`table ${location}: manifest ${manifest} is not there`)
    await store.put(keyOf(manifest!), bytes.subarray(0, 100))
    await expect(readDataFiles(store, metadata)).rejects.toThrow(
      `table ${location}: manifest ${manifest} is not a readable Avro file`,
    )
    await store.put(keyOf(listOf(metadata)), bytes)
    await expect(readDataFiles(store, metadata)).rejects.toThrow(
      `table ${location}: manifest list ${listOf(metadata)}: entry 1 names no manifest`,
    )
    await expect(readDataFiles({ ...store, bucket: 'other' }, metadata)).rejects.toThrow(
      `manifest list ${listOf(metadata)} does not lie in the bucket other`,
    )
    await expect(readDataFiles({ ...store, bucket: 'other' }, metadata)).rejects.toThrow(IcebergError)
  })

  it('names a manifest that holds something else', async () => {
    const options = writeOptions()
    const { store } = options
    const { metadata } = await writeTable(options)
    const [manifest] = await manifestsOf(store, metadata)
    const list = await store.get(keyOf(listOf(metadata)))
    await store.put(keyOf(manifest!), list)
    await expect(readDataFiles(store, metadata)).rejects.toThrow(`manifest ${manifest}: entry 1 is no manifest entry`)
  })

  it('passes a failure of the store on', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    options.store.get = async () => {
      throw new Error('connection lost')
    }
    await expect(readDataFiles(options.store, metadata)).rejects.toThrow('connection lost')
  })

  it('knows fields by their ids and inherits what a manifest leaves out', async () => {
    const options = writeOptions()
    const { store } = options
    const { metadata } = await writeTable(options)
    const [manifest] = await manifestsOf(store, metadata)
    await rewrite(
      store,
      manifest!,
      records => {
        for (const record of records) {
          record.snapshot_id = null
          const data = record.data_file as AvroRecord
          data.path = data.file_path!
        }
      },
      schema => schema.replace('"file_path"', '"path"'),
    )
    await rewrite(
      store,
      listOf(metadata),
      records => {
        for (const record of records) {
          record.added_data_files_count = record.added_files_count!
          record.sequence_number = 2n ** 40n
        }
      },
      schema => schema.replace('"added_files_count"', '"added_data_files_count"'),
    )
    const [found] = await readDataFiles(store, metadata)
    expect(found).toMatchObject({ address: file('a').address, sequenceNumber: 2 ** 40 })
  })

  it('reads as many manifests as there are', async () => {
    const options = writeOptions({ mode: 'append' })
    let { metadata } = await writeTable(options)
    const names = Array.from({ length: 20 }, (_, index) => `f${index}`)
    for (const name of names) {
      ;({ metadata } = await writeTable({ ...options, files: [file(name)], parent: metadata }))
    }
    const files = await readDataFiles(options.store, metadata)
    expect(files.map(found => found.address)).toEqual(['a', ...names].map(name => file(name).address))
    expect((await verifySnapshot(options.store, metadata)).problems).toEqual([])
  })
})

describe('verifySnapshot', () => {
  it('says where list, manifests, summary and files disagree', async () => {
    const options = writeOptions({ files: [file('a'), file('b')] })
    const { store } = options
    const { metadata } = await writeTable(options)
    const [manifest] = await manifestsOf(store, metadata)
    const listed = (await store.head(keyOf(manifest!)))!.size
    const size = await rewrite(store, manifest!, records => {
      const [first, second] = records.map(record => record.data_file as AvroRecord)
      first!.record_count = 4
      first!.content = 1
      second!.file_size_in_bytes = 101
      records.push({ ...records[1]!, status: 0, sequence_number: 1, file_sequence_number: 1 })
    })
    const { files, problems } = await verifySnapshot(store, metadata)
    expect(files.map(({ content }) => content)).toEqual([1, 0, 0])
    const subject = `manifest ${manifest}`
    const sentences = problems.map(({ message, expected, found }) =>
      expected === undefined ? message : `${message}: expected ${expected}, found ${found}`,
    )
    expect(sentences).toEqual([
      `${subject}: size in bytes: expected ${listed}, found ${size}`,
      `${subject}: added rows: expected 6, found 7`,
      `${subject}: existing files: expected 0, found 1`,
      `${subject}: existing rows: expected 0, found 3`,
      `${subject}: holds 1 files of the other content, data or deletes`,
      'snapshot summary: total-delete-files: expected 0, found 1',
      'snapshot summary: total-files-size: expected 200, found 302',
      'snapshot summary: total-position-deletes: expected 0, found 4',
      `file ${file('b').address} stands in the snapshot more than once`,
    ])
  })

  it('takes a snapshot without a summary', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const snapshots = metadata.snapshots!.map(({ summary: _, ...snapshot }) => snapshot)
    expect((await verifySnapshot(options.store, { ...metadata, snapshots })).problems).toEqual([])
  })
})

describe('files of other writers', () => {
  /** A table to whose second manifest an engine wrote a position delete and an equality delete. */
  async function withDeletes() {
    const options = writeOptions({ mode: 'append' })
    const { store } = options
    const first = await writeTable(options)
    const deletes = [file('pos', { rows: 1 }), file('eq', { rows: 2 })]
    const { metadata } = await writeTable({ ...options, files: deletes, parent: first.metadata })
    const [, manifest] = await manifestsOf(store, metadata)
    await rewrite(store, manifest!, records => {
      for (const [index, record] of records.entries()) (record.data_file as AvroRecord).content = index + 1
    })
    await rewrite(store, listOf(metadata), records => {
      records[1]!.content = 1
    })
    return { options, store, metadata }
  }

  it('go with a replace, each under its own manifest, and stay with an append', async () => {
    const { options, store, metadata } = await withDeletes()
    expect((await readDataFiles(store, metadata)).map(({ content }) => content)).toEqual([0, 1, 2])

    const appended = await writeTable({ ...options, files: [file('b')], parent: metadata })
    expect((await verifySnapshot(store, appended.metadata)).problems).toEqual([])
    expect(currentSnapshot(appended.metadata)!.summary).toMatchObject({
      'total-data-files': '2',
      'total-delete-files': '2',
      'total-position-deletes': '1',
      'total-equality-deletes': '2',
    })

    const replaced = await writeTable({ ...options, mode: 'replace', parent: appended.metadata })
    const { files, problems } = await verifySnapshot(store, replaced.metadata)
    expect(problems).toEqual([])
    expect(addresses(files)).toEqual([file('a').address])
    expect(currentSnapshot(replaced.metadata)!.summary).toMatchObject({
      operation: 'overwrite',
      'deleted-data-files': '1',
      'removed-delete-files': '2',
      'removed-position-deletes': '1',
      'removed-equality-deletes': '2',
      'total-data-files': '1',
      'total-delete-files': '0',
    })
    const { records } = decodeAvro(await store.get(keyOf(listOf(replaced.metadata))), { subject: 'list' })
    expect(records.map(record => [record.content, record.existing_files_count, record.deleted_files_count])).toEqual([
      [0, 1, 0],
      [1, 0, 2],
      [0, 0, 1],
    ])
    const again = await writeTable({ ...options, mode: 'append', files: [file('z')], parent: replaced.metadata })
    expect(await manifestsOf(store, again.metadata)).toHaveLength(2)
  })

  it('keep partition summaries and keys of their manifests', async () => {
    const options = writeOptions()
    const { store } = options
    const { metadata } = await writeTable(options)
    const partitions = [{ contains_null: true, contains_nan: null, lower_bound: Buffer.from('a'), upper_bound: null }]
    await rewrite(store, listOf(metadata), records => {
      Object.assign(records[0]!, { partitions, key_metadata: Buffer.from('k'), added_snapshot_id: 2n ** 62n })
    })
    const next = await writeTable({ ...options, mode: 'append', files: [file('b')], parent: metadata })
    const { records } = decodeAvro(await store.get(keyOf(listOf(next.metadata))), { subject: 'list' })
    expect(records[0]).toMatchObject({ partitions, key_metadata: Buffer.from('k'), added_snapshot_id: 2n ** 62n })
  })

  it('are read without the counts and members that older writers leave out', async () => {
    const options = writeOptions()
    const { store } = options
    const { metadata } = await writeTable(options)
    const [manifest] = await manifestsOf(store, metadata)
    const list = withOwnSchema(decodeAvro(await store.get(keyOf(listOf(metadata))), { subject: 'list' }))
    const needed = ['manifest_path', 'manifest_length', 'partition_spec_id']
    list.schema.fields = list.schema.fields.filter(({ name }) => needed.includes(name))
    await store.put(keyOf(listOf(metadata)), encodeAvro(list))
    const entries = withOwnSchema(decodeAvro(await store.get(keyOf(manifest!)), { subject: 'manifest' }))
    const data = entries.schema.fields.find(({ name }) => name === 'data_file')!.type as typeof entries.schema
    const optional = ['content', 'partition', 'column_sizes', 'null_value_counts', 'split_offsets']
    data.fields = data.fields.filter(({ name }) => !optional.includes(name))
    await store.put(keyOf(manifest!), encodeAvro(entries))
    const [found] = await readDataFiles(store, metadata)
    expect(found).toEqual({
      address: address('lake', 'data/trial/raw/dm/a.parquet'),
      rows: 3,
      bytes: 100,
      metrics: new Map(),
      content: 0,
      format: 'PARQUET',
      partition: {},
      sequenceNumber: 0,
    })
  })

  it('keep sizes unknown where only counts are known', async () => {
    const options = writeOptions()
    const { store } = options
    const { metadata } = await writeTable(options)
    const [manifest] = await manifestsOf(store, metadata)
    await rewrite(store, manifest!, records => {
      for (const record of records) (record.data_file as AvroRecord).column_sizes = null
    })
    expect((await readDataFiles(store, metadata))[0]!.metrics.get(7)).toMatchObject({ columnSize: 0, valueCount: 3 })
  })
})
