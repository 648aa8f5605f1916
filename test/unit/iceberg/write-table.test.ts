import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { sha256 } from '../../../lib/hash.ts'
import {
  currentSchemaFields,
  currentSnapshot,
  formatTableMetadata,
  IcebergError,
  parseTableMetadata,
  readDataFiles,
  type TableMetadata,
  tableUuid,
  verifySnapshot,
  type WriteTableOptions,
  writeTable,
} from '../../../lib/iceberg/table.ts'
import { addresses, age, file, subject, writeOptions } from './samples.ts'

const renamed = (field: Field, label: string): Field => ({ ...field, label })
const summaryOf = (metadata: TableMetadata) => currentSnapshot(metadata)!.summary

describe('a new table', () => {
  it('has a uuid of its name, a location in the lake, and the first snapshot', async () => {
    const options = writeOptions({ files: [file('a'), file('b')] })
    const { metadata, text, key, changed } = await writeTable(options)
    expect(changed).toBe(true)
    expect(metadata).toMatchObject({
      'format-version': 2,
      'table-uuid': tableUuid('trial', 'raw', 'dm'),
      location: 's3://lake/data/trial/raw/dm',
      'last-sequence-number': 1,
      'last-updated-ms': options.time.getTime(),
      'last-column-id': 987_654_321,
      'partition-specs': [{ 'spec-id': 0, fields: [] }],
      'sort-orders': [{ 'order-id': 0, fields: [] }],
      properties: { 'gc.enabled': 'false', 'write.format.default': 'parquet' },
      'metadata-log': [],
    })
    const snapshot = currentSnapshot(metadata)!
    expect(snapshot).toMatchObject({
      'sequence-number': 1,
      'timestamp-ms': options.time.getTime(),
      'schema-id': 0,
      summary: {
        operation: 'append',
        'added-data-files': '2',
        'added-records': '6',
        'added-files-size': '200',
        'total-data-files': '2',
        'total-records': '6',
        'total-files-size': '200',
        'total-delete-files': '0',
      },
    })
    expect(snapshot).not.toHaveProperty('parent-snapshot-id')
    expect(metadata.refs).toEqual({ main: { type: 'branch', 'snapshot-id': snapshot['snapshot-id'] } })
    expect(metadata['snapshot-log']).toEqual([
      { 'snapshot-id': snapshot['snapshot-id'], 'timestamp-ms': options.time.getTime() },
    ])
    expect(key).toBe(`metadata/trial/raw/dm/${sha256(text)}.metadata.json`)
    expect(Buffer.from(await options.store.get(key)).toString()).toBe(text)
    expect(parseTableMetadata(text)).toEqual(metadata)
  })

  it('keeps all that is known of its files', async () => {
    const options = writeOptions({ files: [file('a'), file('b', { metrics: new Map(), splitOffsets: undefined })] })
    const { metadata } = await writeTable(options)
    const [a, b] = await readDataFiles(options.store, metadata)
    expect(a).toEqual({
      ...file('a'),
      metrics: new Map(
        [...file('a').metrics].map(([id, { lower, upper, ...counts }]) => [
          id,
          { ...counts, ...(lower && { lower: Buffer.from(lower) }), ...(upper && { upper: Buffer.from(upper) }) },
        ]),
      ),
      content: 0,
      format: 'PARQUET',
      partition: {},
      sequenceNumber: 1,
    })
    expect(b!.metrics.size).toBe(0)
    expect(b).not.toHaveProperty('splitOffsets')
  })

  it('keeps NaN counts', async () => {
    const metrics = new Map([[7, { columnSize: 1, valueCount: 3, nullCount: 0, nanCount: 2 }]])
    const options = writeOptions({ files: [file('a', { metrics })] })
    const { metadata } = await writeTable(options)
    expect((await readDataFiles(options.store, metadata))[0]!.metrics).toEqual(metrics)
  })

  it('has a snapshot without files too', async () => {
    const options = writeOptions({ files: [] })
    const { metadata } = await writeTable(options)
    expect(await verifySnapshot(options.store, metadata)).toEqual({ files: [], addresses: [], problems: [] })
    expect(summaryOf(metadata)).toMatchObject({ operation: 'append', 'total-data-files': '0', 'total-records': '0' })
  })

  it('is the same for the same input, in any lake at any time of writing', async () => {
    const [one, two] = [writeOptions(), writeOptions()]
    expect(await writeTable(one)).toEqual(await writeTable(two))
    expect([...one.store.objects.keys()]).toEqual([...two.store.objects.keys()])
    const before = new Map(one.store.objects)
    await writeTable(one)
    expect(one.store.objects).toEqual(before)
  })

  it('differs with layer, dataset, files and columns', async () => {
    const variants: Partial<WriteTableOptions>[] = [
      {},
      { layer: 'base' },
      { dataset: 'ae' },
      { files: [file('b')] },
      { files: [file('a', { rows: 4 })] },
      { mode: 'append' },
    ]
    const ids = await Promise.all(
      variants.map(async more => currentSnapshot((await writeTable(writeOptions(more))).metadata)!['snapshot-id']),
    )
    expect(new Set(ids).size).toBe(variants.length)
  })

  it('passes a failure of the store on', async () => {
    const options = writeOptions()
    options.store.put = async () => {
      throw new Error('disk full')
    }
    await expect(writeTable(options)).rejects.toThrow('disk full')
  })
})

describe('a table written again', () => {
  async function twice(second: Partial<WriteTableOptions>, first: Partial<WriteTableOptions> = {}) {
    const options = writeOptions(first)
    const one = await writeTable(options)
    const parent = parseTableMetadata(one.text)
    const two = await writeTable({ ...options, time: new Date('2024-02-01T00:00:00Z'), parent, ...second })
    return { store: options.store, one, two, parent }
  }

  it('is left alone where nothing changed', async () => {
    const { one, two, parent } = await twice({})
    expect(two).toEqual({ metadata: parent, text: one.text, key: one.key, changed: false })
    expect(two.metadata).toBe(parent)
  })

  it('is left alone where only the order of files changed, or an append is repeated', async () => {
    const files = [file('a'), file('b')]
    expect((await twice({ files: [...files].reverse() }, { files })).two.changed).toBe(false)
    expect((await twice({ files: [file('b')], mode: 'append' }, { files })).two.changed).toBe(false)
  })

  it('hands back the text that its caller holds', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const parentText = JSON.stringify(metadata)
    const again = await writeTable({ ...options, parent: metadata, parentText })
    expect(again).toMatchObject({ text: parentText, key: `metadata/trial/raw/dm/${sha256(parentText)}.metadata.json` })
  })

  it('says what came, what stayed and what went', async () => {
    const { store, one, two } = await twice(
      { files: [file('b'), file('c', { rows: 5, bytes: 70 })] },
      { files: [file('a'), file('b')] },
    )
    const snapshot = currentSnapshot(two.metadata)!
    expect(snapshot).toMatchObject({
      'parent-snapshot-id': one.metadata['current-snapshot-id'],
      'sequence-number': 2,
      'timestamp-ms': Date.parse('2024-02-01T00:00:00Z'),
      summary: {
        operation: 'overwrite',
        'added-data-files': '1',
        'added-records': '5',
        'added-files-size': '70',
        'deleted-data-files': '1',
        'deleted-records': '3',
        'removed-files-size': '100',
        'total-data-files': '2',
        'total-records': '8',
        'total-files-size': '170',
      },
    })
    expect(two.metadata['metadata-log']).toEqual([
      { 'metadata-file': `s3://lake/${one.key}`, 'timestamp-ms': one.metadata['last-updated-ms'] },
    ])
    const { files, problems } = await verifySnapshot(store, two.metadata)
    expect(problems).toEqual([])
    expect(files.map(({ address, sequenceNumber }) => [address, sequenceNumber])).toEqual([
      [file('b').address, 1],
      [file('c').address, 2],
    ])
    const older = await readDataFiles(store, two.metadata, { snapshotId: one.metadata['current-snapshot-id']! })
    expect(addresses(older)).toEqual([file('a').address, file('b').address])
  })

  it('never goes back in time', async () => {
    const { one, two } = await twice({ files: [], time: new Date(0) })
    expect(two.metadata['last-updated-ms']).toBe(one.metadata['last-updated-ms'] + 1)
    expect(currentSnapshot(two.metadata)!['timestamp-ms']).toBe(one.metadata['last-updated-ms'] + 1)
  })

  it('takes another schema, and an old one again under its old id', async () => {
    const labelled = [subject, renamed(age, 'Age in years')]
    const { two, store } = await twice({ fields: labelled })
    expect(two.changed).toBe(true)
    expect(two.metadata).toMatchObject({ 'current-schema-id': 1, 'last-sequence-number': 1 })
    expect(two.metadata.schemas).toHaveLength(2)
    expect(two.metadata.snapshots).toHaveLength(1)
    expect(currentSchemaFields(two.metadata)).toEqual(labelled)
    const three = await writeTable({ ...writeOptions({ store }), parent: two.metadata })
    expect(three.metadata['current-schema-id']).toBe(0)
    expect(three.metadata.schemas).toHaveLength(2)
    expect(three.metadata['metadata-log']).toHaveLength(2)
  })

  it('prefers its current schema where two are equal', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const copy = { ...metadata.schemas[0]!, 'schema-id': 4 }
    const parent = { ...metadata, schemas: [...metadata.schemas, copy], 'current-schema-id': 4 }
    expect((await writeTable({ ...options, parent })).changed).toBe(false)
  })

  it('never forgets a field id', async () => {
    const { two } = await twice({ fields: [age] })
    expect(two.metadata['last-column-id']).toBe(987_654_321)
  })

  it('sets properties, keeps the others, and never lets an engine delete files', async () => {
    const { two } = await twice(
      { properties: { b: '3' } },
      { properties: { a: '1', b: '2', 'write.format.default': 'orc', 'gc.enabled': 'true' } },
    )
    expect(two.changed).toBe(true)
    expect(two.metadata.snapshots).toHaveLength(1)
    expect(two.metadata.properties).toEqual({ a: '1', b: '3', 'write.format.default': 'orc', 'gc.enabled': 'false' })
  })

  it('has a name mapping of its current columns', async () => {
    const { two } = await twice({ fields: [age], nameMapping: true }, { nameMapping: true })
    expect(JSON.parse(two.metadata.properties!['schema.name-mapping.default']!)).toEqual([
      { 'field-id': 7, names: ['AGE'] },
    ])
  })

  it('keeps members that it does not know', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const parent = {
      ...metadata,
      'x-ours': { a: 2n ** 62n },
      refs: { ...metadata.refs, v1: { type: 'tag', 'snapshot-id': 1 } },
    }
    const { metadata: next } = await writeTable({ ...options, files: [], parent })
    expect(next['x-ours']).toEqual({ a: 2n ** 62n })
    expect(Object.keys(next.refs!)).toEqual(['main', 'v1'])
  })

  it('keeps at most 100 predecessors in its log', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const log = Array.from({ length: 100 }, (_, index) => ({
      'metadata-file': `s3://lake/${index}`,
      'timestamp-ms': index,
    }))
    const { metadata: next } = await writeTable({ ...options, files: [], parent: { ...metadata, 'metadata-log': log } })
    expect(next['metadata-log']).toHaveLength(100)
    expect(next['metadata-log']![0]).toEqual(log[1])
  })

  it('takes a parent that says no more than it must', async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const {
      properties: _1,
      refs: _2,
      snapshots: _3,
      'snapshot-log': _4,
      'metadata-log': _5,
      'current-snapshot-id': _6,
      ...bare
    } = metadata
    const { metadata: next } = await writeTable({ ...options, parent: { ...bare, 'sort-orders': [] } })
    expect(next).toMatchObject({
      'sort-orders': [{ 'order-id': 0, fields: [] }],
      'last-sequence-number': 2,
      'metadata-log': [{ 'timestamp-ms': metadata['last-updated-ms'] }],
    })
    expect(await verifySnapshot(options.store, next)).toMatchObject({ problems: [] })
  })

  it("resets an engine's partitioning and sort order when it is replaced, and keeps them when it is appended to", async () => {
    const options = writeOptions()
    const { metadata } = await writeTable(options)
    const field = { 'source-id': 7, 'field-id': 1000, name: 'AGE', transform: 'identity' }
    const parent = {
      ...metadata,
      'partition-specs': [{ 'spec-id': 3, fields: [field] }],
      'default-spec-id': 3,
      'sort-orders': [{ 'order-id': 1, fields: [] }],
      'default-sort-order-id': 1,
    }
    const files = [file('b')]
    const replaced = await writeTable({ ...options, files, parent })
    expect(replaced.metadata).toMatchObject({
      'default-spec-id': 4,
      'partition-specs': [{ 'spec-id': 3 }, { 'spec-id': 4, fields: [] }],
      'default-sort-order-id': 0,
      'sort-orders': [{ 'order-id': 0 }, { 'order-id': 1 }],
    })
    const appended = await writeTable({ ...options, files, mode: 'append', parent })
    expect(appended.metadata).toMatchObject({ 'default-spec-id': 3, 'default-sort-order-id': 1 })
  })

  it('names table and file where one is given twice or has changed', async () => {
    const twiceGiven = writeTable(writeOptions({ files: [file('a'), file('a')] }))
    await expect(twiceGiven).rejects.toThrow(IcebergError)
    await expect(twiceGiven).rejects.toThrow(
      `table s3://lake/data/trial/raw/dm: file ${file('a').address} is given more than once`,
    )
    await expect(twice({ files: [file('a', { rows: 4 })] })).rejects.toThrow(
      `file ${file('a').address} is in the table with 3 rows and 100 bytes and is given with 4 rows and 100 bytes`,
    )
    await expect(twice({ files: [file('a', { bytes: 4 })], mode: 'append' })).rejects.toThrow(
      'a data file never changes',
    )
  })
})

it('any sequence of writes leaves sound snapshots that hold what was asked for', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const write = fc.record({
    mode: fc.constantFrom('replace' as const, 'append' as const),
    files: fc.uniqueArray(name),
    fields: fc.constantFrom<Field[][]>([subject, age], [subject], [age, subject], [subject, renamed(age, 'Age')]),
    time: fc.nat(10).map(ms => new Date(ms)),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 8 }), async writes => {
      const { store, ...options } = writeOptions()
      let parent: TableMetadata | undefined
      let held = new Set<string>()
      const expected: string[][] = []
      for (const { mode, files, fields, time } of writes) {
        const list = files.map(each => file(each))
        const written = await writeTable({ ...options, store, mode, files: list, fields, time, parent })
        held = new Set([...(mode === 'append' ? held : []), ...addresses(list)])
        expect(written.text).toBe(formatTableMetadata(written.metadata))
        parent = parseTableMetadata(written.text)
        expect(currentSchemaFields(parent)).toEqual(fields)
        if (parent.snapshots!.length > expected.length) expected.push([...held].sort())
      }
      const table = parent!
      expect(addresses(await readDataFiles(store, table))).toEqual([...held].sort())
      expect(table.snapshots).toHaveLength(expected.length)
      const times = table.snapshots!.map(snapshot => snapshot['timestamp-ms'])
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
      for (const [index, snapshot] of table.snapshots!.entries()) {
        const { files, problems } = await verifySnapshot(store, table, { snapshotId: snapshot['snapshot-id'] })
        expect(problems).toEqual([])
        expect(addresses(files)).toEqual(expected[index])
      }
    }),
    { numRuns: 40 },
  )
})
