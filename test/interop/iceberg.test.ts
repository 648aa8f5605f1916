import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../lib/fields.ts'
import {
  currentSchemaFields,
  currentSnapshot,
  parseTableMetadata,
  readDataFiles,
  type TableMetadata,
  verifySnapshot,
  type WriteTableOptions,
  writeTable,
} from '../../lib/iceberg/table.ts'
import { address, keyOfAddress } from '../../lib/layout.ts'
import { createDirectoryStore } from '../../lib/store/directory.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { putRows, type StoredRow } from './lake-files.ts'
import { python, runPython } from './python.ts'

interface SeenField {
  id: number
  name: string
  type: string
  required: boolean
  doc: string | null
}
interface SeenTable {
  uuid: string
  properties: Record<string, string>
  schema: SeenField[]
  lastColumnId: number
  rows: Record<string, unknown>[]
  filtered: Record<string, unknown>[]
  planned: number
  current: number | bigint
  snapshots: {
    id: number | bigint
    parent: number | bigint | null
    sequenceNumber: number
    time: number
    operation: string
    summary: Record<string, string>
    schema: SeenField[]
    rows: Record<string, unknown>[]
    count: number
  }[]
  files: { file_path: string; record_count: number; file_size_in_bytes: number; readable_metrics: unknown }[]
  manifests: {
    path: string
    length: number
    added_data_files_count: number
    existing_data_files_count: number
    deleted_data_files_count: number
  }[]
  entries: { status: number; sequence_number: number }[]
  history: unknown[]
}

const field = (id: number, name: string, type: FieldType, more: Partial<Field> = {}): Field => ({
  id,
  name,
  type,
  nullable: true,
  ...more,
})
const text: FieldType = { kind: 'string' }
const decimal = (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale })

const subject = field(987_654_321, 'USUBJID', text, { nullable: false, label: 'Unique Subject Identifier' })
const age = field(1_000_000_000, 'AGE', { kind: 'integer' }, { label: 'Age' })
const sex = field(17, 'SEX', text)
const weight = field(23, 'WEIGHT', decimal(9, 2))
const born = field(42, 'BRTHDTC', { kind: 'date' })

describe.skipIf(!python)('tables that pyiceberg reads', () => {
  let folder: string
  let lake: Record<string, string>
  let store: ObjectStore

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'studylake-interop-'))
    lake = { lake: folder }
    store = createDirectoryStore({ folder, bucket: 'lake', now: () => new Date(0) })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const table = (dataset: string) => ({ store, study: 'trial', layer: 'raw' as const, dataset, time: new Date(1_000) })
  const put = (fields: Field[], rows: StoredRow[]) => putRows(store, 'data/trial/raw/dm', fields, rows)
  const read = async (...keys: string[]) => {
    const tables = keys.map(key => ({ metadata: address('lake', key) }))
    return runPython<SeenTable[]>('read_tables.py', { tables }, { lake })
  }
  const readBack = async (metadataAddress: string): Promise<TableMetadata> =>
    parseTableMetadata(Buffer.from(await store.get(keyOfAddress('lake', metadataAddress)!)).toString())

  it('follow every change of columns, by snapshot', async () => {
    const versions: { fields: Field[]; rows: StoredRow[]; mode: WriteTableOptions['mode'] }[] = [
      {
        mode: 'replace',
        fields: [subject, age, weight],
        rows: [
          { USUBJID: 'A', AGE: 40, WEIGHT: 7050 },
          { USUBJID: 'B', WEIGHT: -1 },
        ],
      },
      // A column comes, a label changes.
      {
        mode: 'replace',
        fields: [subject, { ...age, label: 'Age in years' }, weight, sex],
        rows: [{ USUBJID: 'A', AGE: 40, WEIGHT: 7050, SEX: 'F' }],
      },
      // A column goes, two types grow.
      {
        mode: 'replace',
        fields: [subject, { ...age, type: { kind: 'bigint' } }, { ...weight, type: decimal(20, 2) }],
        rows: [{ USUBJID: 'A', AGE: 2n ** 40n, WEIGHT: 10n ** 19n }],
      },
      // The column is back, under its old id.
      {
        mode: 'append',
        fields: [subject, { ...age, type: { kind: 'bigint' } }, { ...weight, type: decimal(20, 2) }, sex, born],
        rows: [{ USUBJID: 'C', SEX: 'M', BRTHDTC: 19_000 }],
      },
    ]
    let parent: TableMetadata | undefined
    let key = ''
    for (const { fields, rows, mode } of versions) {
      const written = await writeTable({ ...table('dm'), fields, files: [await put(fields, rows)], mode, parent })
      parent = parseTableMetadata(written.text)
      key = written.key
    }
    const [seen] = await read(key)

    const declared = (index: number) =>
      versions[index]!.fields.map(({ id, name, nullable, label }) => ({
        id,
        name,
        required: !nullable,
        doc: label ?? null,
      }))
    const withoutType = (fields: SeenField[]) => fields.map(({ type: _, ...rest }) => rest)
    expect(seen!.snapshots.map(({ schema }) => withoutType(schema))).toEqual([0, 1, 2, 3].map(declared))
    expect(seen!.schema.map(({ type }) => type)).toEqual(['string', 'long', 'decimal(20, 2)', 'string', 'date'])
    expect(seen!.lastColumnId).toBe(1_000_000_000)
    expect(seen!.snapshots.map(({ rows }) => rows)).toEqual([
      [
        { USUBJID: 'A', AGE: 40, WEIGHT: '70.50' },
        { USUBJID: 'B', AGE: null, WEIGHT: '-0.01' },
      ],
      [{ USUBJID: 'A', AGE: 40, WEIGHT: '70.50', SEX: 'F' }],
      [{ USUBJID: 'A', AGE: 2 ** 40, WEIGHT: '100000000000000000.00' }],
      expect.arrayContaining([
        { USUBJID: 'A', AGE: 2 ** 40, WEIGHT: '100000000000000000.00', SEX: null, BRTHDTC: null },
        { USUBJID: 'C', AGE: null, WEIGHT: null, SEX: 'M', BRTHDTC: '2022-01-08' },
      ]),
    ])
    expect(seen!.snapshots.map(({ count }) => count)).toEqual([2, 1, 1, 2])
    expect(seen!.snapshots.map(({ operation }) => operation)).toEqual(['append', 'overwrite', 'overwrite', 'append'])
    expect(seen!.snapshots.map(({ sequenceNumber }) => sequenceNumber)).toEqual([1, 2, 3, 4])
    expect(seen!.snapshots.map(({ time }) => time)).toEqual([1_000, 1_001, 1_002, 1_003])
    const ids = seen!.snapshots.map(({ id }) => id)
    expect(seen!.snapshots.map(({ parent }) => parent)).toEqual([null, ...ids.slice(0, -1)])
    expect(seen!.current).toBe(ids.at(-1))
    expect(seen!.history).toHaveLength(4)
    expect(seen!.properties['gc.enabled']).toBe('false')
  })

  it('read an older file under types that have grown since', async () => {
    const before = [subject, age, weight]
    const after = [subject, { ...age, type: { kind: 'bigint' } as const }, { ...weight, type: decimal(18, 2) }]
    const first = await put(before, [{ USUBJID: 'A', AGE: -5, WEIGHT: 123 }])
    const second = await put(after, [{ USUBJID: 'B', AGE: 2n ** 60n, WEIGHT: 10n ** 15n }])
    const one = await writeTable({ ...table('grown'), fields: before, files: [first], mode: 'replace' })
    const two = await writeTable({
      ...table('grown'),
      fields: after,
      files: [second],
      mode: 'append',
      parent: one.metadata,
    })
    const [seen] = await read(two.key)
    expect(seen!.rows).toEqual(
      expect.arrayContaining([
        { USUBJID: 'A', AGE: -5, WEIGHT: '1.23' },
        { USUBJID: 'B', AGE: 2n ** 60n, WEIGHT: '10000000000000.00' },
      ]),
    )
  })

  it('agree on files, manifests, metrics and on what filters may skip', async () => {
    const fields = [
      subject,
      age,
      weight,
      born,
      field(5, 'FLAG', { kind: 'boolean' }),
      field(6, 'SCORE', { kind: 'double' }),
      field(7, 'SEEN', { kind: 'timestamp' }),
      field(8, 'AT', { kind: 'time' }),
    ]
    const row = (id: string, n: number): StoredRow => ({
      USUBJID: id,
      AGE: n,
      WEIGHT: n * 100,
      BRTHDTC: n,
      FLAG: n > 2,
      SCORE: n / 2,
      SEEN: BigInt(n) * 1_000_000n,
      AT: BigInt(n) * 1_000_000n,
    })
    const files = [
      await put(fields, [row('A', 1), row('B', 2)]),
      await put(fields, [row('C', 3), row('D', 4), { USUBJID: 'E' }]),
      await put(fields, [row('F', 5)]),
    ]
    const one = await writeTable({ ...table('files'), fields, files: files.slice(0, 2), mode: 'replace' })
    const two = await writeTable({
      ...table('files'),
      fields,
      files: files.slice(1),
      mode: 'replace',
      parent: one.metadata,
    })
    const tables = [{ metadata: address('lake', two.key), where: { AGE: 5, BRTHDTC: '1970-01-06', WEIGHT: '5.00' } }]
    const [seen] = await runPython<SeenTable[]>('read_tables.py', { tables }, { lake })

    expect(seen!.filtered.map(({ USUBJID }) => USUBJID)).toEqual(['F'])
    expect(seen!.planned).toBe(1)
    const ours = await readDataFiles(store, two.metadata)
    const shown = (list: { address: string; rows: number; bytes: number }[]) =>
      list.map(({ address, rows, bytes }) => ({ file_path: address, record_count: rows, file_size_in_bytes: bytes }))
    expect(seen!.files).toEqual(shown(ours).map(file => expect.objectContaining(file)))
    expect(seen!.files[0]!.readable_metrics).toMatchObject({
      AGE: { value_count: 3, null_value_count: 1, lower_bound: 3, upper_bound: 4 },
      WEIGHT: { lower_bound: '3.00', upper_bound: '4.00' },
      BRTHDTC: { lower_bound: '1970-01-04', upper_bound: '1970-01-05' },
      SCORE: { lower_bound: 1.5, upper_bound: 2 },
      SEEN: { lower_bound: '1970-01-01T00:00:03' },
      AT: { upper_bound: '00:00:04' },
      USUBJID: { value_count: 3, null_value_count: 0, lower_bound: 'C', upper_bound: 'E' },
    })
    for (const { path, length } of seen!.manifests) {
      expect((await store.head(keyOfAddress('lake', path)!))!.size).toBe(length)
    }
    expect(
      seen!.manifests.map(manifest => [
        manifest.added_data_files_count,
        manifest.existing_data_files_count,
        manifest.deleted_data_files_count,
      ]),
    ).toEqual([
      [1, 1, 0],
      [0, 0, 1],
    ])
    expect(seen!.snapshots[1]!.summary).toMatchObject({
      'added-data-files': '1',
      'added-records': '1',
      'deleted-data-files': '1',
      'deleted-records': '2',
      'total-data-files': '2',
      'total-records': '4',
    })
  })

  it('are empty without files and with a file of no rows', async () => {
    const fields = [subject, age]
    const none = await writeTable({ ...table('none'), fields, files: [], mode: 'replace' })
    const empty = await writeTable({ ...table('empty'), fields, files: [await put(fields, [])], mode: 'replace' })
    const later = await writeTable({
      ...table('none'),
      fields,
      files: [await put(fields, [{ USUBJID: 'A' }])],
      mode: 'append',
      parent: none.metadata,
    })
    const seen = await read(none.key, empty.key, later.key)
    expect(seen.map(({ rows }) => rows)).toEqual([[], [], [{ USUBJID: 'A', AGE: null }]])
    expect(seen.map(({ files }) => files.length)).toEqual([0, 1, 1])
    expect(seen[2]!.snapshots.map(({ count }) => count)).toEqual([0, 1])
  })

  it('read files without field ids through the name mapping', async () => {
    const fields = [subject, age]
    const { address } = await runPython<{ address: string }>(
      'write_plain_file.py',
      { address: 's3://lake/data/plain.parquet', columns: { USUBJID: ['A', 'B'], AGE: [1, null] } },
      { lake },
    )
    const { size } = (await store.head(keyOfAddress('lake', address)!))!
    const files = [{ address, rows: 2, bytes: size, metrics: new Map() }]
    const { key } = await writeTable({ ...table('plain'), fields, files, mode: 'replace', nameMapping: true })
    const [seen] = await read(key)
    expect(seen!.rows).toEqual([
      { USUBJID: 'A', AGE: 1 },
      { USUBJID: 'B', AGE: null },
    ])
  })

  it('can be changed by pyiceberg, read back, and replaced again', async () => {
    const fields = [
      { ...subject, nullable: true },
      { ...age, type: { kind: 'bigint' } as const },
    ]
    const file = await put(fields, [
      { USUBJID: 'A', AGE: 1 },
      { USUBJID: 'B', AGE: 2 },
    ])
    const ours = await writeTable({ ...table('shared'), fields, files: [file], mode: 'replace' })
    const changed = await runPython<{ metadata: string; rows: unknown[] }>(
      'change_table.py',
      {
        metadata: address('lake', ours.key),
        steps: [
          { append: [{ USUBJID: 'C', AGE: 3 }] },
          { properties: { 'write.avro.compression-codec': 'zstd' } },
          { delete: "USUBJID == 'A'" },
          { rename: ['AGE', 'AGEYR'] },
          { partition: 'USUBJID' },
          { append: [{ USUBJID: 'D', AGEYR: 4 }] },
          { properties: { owner: 'somebody' } },
        ],
      },
      { lake },
    )
    const theirs = await readBack(changed.metadata)
    expect(typeof currentSnapshot(theirs)!['snapshot-id']).toBe('bigint')
    expect(currentSchemaFields(theirs).map(({ name }) => name)).toEqual(['USUBJID', 'AGEYR'])
    const { files, problems } = await verifySnapshot(store, theirs)
    expect(problems).toEqual([])
    expect(files.map(({ rows }) => rows)).toEqual([1, 1, 1])
    expect(files.at(-1)!.partition).toEqual({ USUBJID: 'D' })
    expect(files.find(({ partition }) => partition.USUBJID === 'D')!.metrics.get(age.id)).toMatchObject({
      valueCount: 1,
      nullCount: 0,
    })

    const more = await put(fields, [{ USUBJID: 'E', AGE: 5 }])
    const appended = await writeTable({
      ...table('shared'),
      fields: currentSchemaFields(theirs),
      files: [more],
      mode: 'append',
      parent: theirs,
    })
    const replaced = await writeTable({
      ...table('shared'),
      fields,
      files: [file, more],
      mode: 'replace',
      parent: parseTableMetadata(appended.text),
    })
    expect((await verifySnapshot(store, replaced.metadata)).problems).toEqual([])
    const seen = await read(appended.key, replaced.key)
    const ages = (rows: Record<string, unknown>[], name: string) => rows.map(row => row[name]).sort()
    expect(ages(seen[0]!.rows, 'AGEYR')).toEqual([2, 3, 4, 5])
    expect(ages(seen[1]!.rows, 'AGE')).toEqual([1, 2, 5])
    expect(seen[1]!.properties.owner).toBe('somebody')
    expect(seen[1]!.uuid).toBe(ours.metadata['table-uuid'])
    // What pyiceberg makes of the history: every snapshot still reads.
    expect(seen[1]!.snapshots.map(({ count }) => count)).toEqual([2, 3, 2, 3, 4, 3])
    expect(seen[1]!.entries.filter(({ status }) => status === 2)).toHaveLength(3)

    const again = await runPython<{ rows: unknown[] }>(
      'change_table.py',
      { metadata: address('lake', replaced.key), steps: [{ append: [{ USUBJID: 'F', AGE: 6 }] }] },
      { lake },
    )
    expect(again.rows).toHaveLength(4)
  })
})
