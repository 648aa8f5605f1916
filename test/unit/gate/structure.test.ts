import { describe, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { checkRef } from '../../../lib/gate/check-ref.ts'
import { formatGateAction } from '../../../lib/gate-action.ts'
import { formatTableMetadata, type TableMetadata } from '../../../lib/iceberg/metadata.ts'
import { writeTable } from '../../../lib/iceberg/write-table.ts'
import type { Lakefs } from '../../../lib/lakefs/client.ts'
import { dataKey, gatePath, tablePath } from '../../../lib/layout.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { describeDataFile } from '../../../lib/pipeline/data-files.ts'
import { changeTable, fileOf, type TableChange } from '../../support/change-table.ts'
import { type Cell, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'

const study = 'mine'
const store = memoryStore()
const id: Field = { id: 1, name: 'id', type: { kind: 'integer' }, nullable: false }
const name: Field = { id: 2, name: 'name', type: { kind: 'string' }, nullable: true }
const path: Field = { id: 2147483546, name: 'file_path', type: { kind: 'string' }, nullable: false }
const pos: Field = { id: 2147483545, name: 'pos', type: { kind: 'bigint' }, nullable: false }

async function putFile(file: string, fields: Field[], rows: Cell[][]) {
  const { bytes } = await writeParquetFile(fields, [makeBatch(fields, rows)])
  const key = dataKey(study, 'work', 't', file)
  await store.put(key, bytes)
  return describeDataFile({ lake: store }, { key, fields })
}

/** A table of one file of three rows and, with `more`, of another file that a second manifest holds. */
async function makeTable(more?: { fields: Field[]; rows: Cell[][] }, dataset = 't'): Promise<TableMetadata> {
  const fields = [id, name]
  const rows: Cell[][] = [
    [1, 'a'],
    [2, null],
    [3, 'c'],
  ]
  const table = { store, study, layer: 'work', dataset, fields, mode: 'append', time: new Date(0) } as const
  const { metadata } = await writeTable({ ...table, files: [await putFile(`${dataset}-a`, fields, rows)] })
  if (!more) return metadata
  const file = await putFile(`${dataset}-b`, more.fields, more.rows)
  return (await writeTable({ ...table, files: [file], parent: metadata })).metadata
}

/** What the gate says of a ref that holds these tables, and objects at these paths beside them. */
async function judge(tables: Record<string, TableMetadata>, paths: string[] = []): Promise<string[]> {
  const texts = new Map(
    Object.entries(tables).map(([table, of]) => [tablePath('work', table), formatTableMetadata(of)]),
  )
  const lakefs = {
    async *listObjects() {
      for (const object of [gatePath, ...texts.keys(), ...paths]) yield { path: object, checksum: texts.get(object) }
    },
    getObject: async (_study: string, _ref: string, object: string) =>
      new TextEncoder().encode(object === gatePath ? formatGateAction({ url: 'http://gate/' }) : texts.get(object)),
  } as unknown as Lakefs
  // A store of its own each time: footers are remembered by it.
  const { problems } = await checkRef({ lake: { ...store }, lakefs }, study, 'x', { profile: 'structure' })
  return problems.map(({ code }) => code)
}
const judgeChange = async (change: TableChange, more?: Parameters<typeof makeTable>[0]) =>
  judge({ t: await changeTable(store, await makeTable(more), change) })

/** Makes the second manifest one of delete files. */
const asDeletes = (content: 1 | 2, equalityIds: number[] | null = null): TableChange => ({
  entries: (entries, manifest) => {
    if (manifest === 1)
      for (const entry of entries) Object.assign(fileOf(entry), { content, equality_ids: equalityIds })
  },
  list: ([, deletes]) => {
    deletes!.content = 1
  },
})

describe('what is on a branch', () => {
  it('is tables, what the system puts there, and what nobody takes for a table', async () => {
    const system = ['study/contents.json', 'study/version.json', 'notes/readme.md']
    expect(await judge({ t: await makeTable() }, system)).toEqual([])
  })

  it.each([
    ['tables/work/Upper.json', 'table-misplaced'],
    ['tables/t.json', 'table-misplaced'],
    ['stray.parquet', 'object-stray'],
    ['data/mine/work/t/a.parquet', 'object-stray'],
    ['metadata/x', 'object-stray'],
    ['a/v1.metadata.json', 'object-stray'],
    ['a/manifest.AVRO', 'object-stray'],
  ])('%s is refused', async (stray, code) => expect(await judge({}, [stray])).toEqual([code]))
})

describe('a table', () => {
  it('has a uuid, and for itself', async () => {
    const table = await makeTable()
    expect(await judge({ t: table, u: table })).toEqual(['table-uuid-shared'])
    expect(await judgeChange({ metadata: found => Object.assign(found, { 'table-uuid': 'mine' }) })).toEqual([
      'table-uuid',
    ])
  })

  it.each([
    's3://lake/data/yours/work/t',
    's3://lake/data/mine',
    's3://elsewhere/data/mine/work/t',
    's3://lake/data/mine/../yours/t',
    's3://lake/data/mine//t',
    'file:///lake/data/mine/t',
  ])('refers to nothing outside its study: %s', async location => {
    expect(await judgeChange({ metadata: found => Object.assign(found, { location }) })).toEqual(['address-outside'])
  })

  it('nor do its files and older snapshots, and what lies outside is not looked into', async () => {
    const stolen = 's3://lake/data/yours/raw/dm/a.parquet'
    const found = await judgeChange({ entries: ([entry]) => Object.assign(fileOf(entry!), { file_path: stolen }) })
    expect(found).toEqual(['address-outside'])
    expect(store.calls.some(({ key }) => key.startsWith('data/yours'))).toBe(false)
    const older = await judgeChange(
      {
        metadata: ({ snapshots }) => {
          snapshots![0]!['manifest-list'] = 's3://lake/metadata/yours/raw/dm/x-snap.avro'
        },
      },
      { fields: [id, name], rows: [] },
    )
    expect(older).toEqual(['address-outside'])
  })

  it('that is no metadata of format version 2 is refused', async () => {
    expect(await judgeChange({ metadata: found => Object.assign(found, { 'format-version': 3 }) })).toEqual([
      'table-unreadable',
    ])
    expect(
      await judgeChange({ metadata: found => Object.assign(found.schemas[0]!.fields[0]!, { type: 'variant' }) }),
    ).toEqual(['table-unreadable'])
  })

  it('without a snapshot is lawful', async () => {
    const none = { 'current-snapshot-id': -1, snapshots: [], refs: {}, 'snapshot-log': [] }
    expect(await judgeChange({ metadata: found => Object.assign(found, none) })).toEqual([])
  })
})

describe('delete files', () => {
  const deletes = { fields: [path, pos], rows: [['s3://lake/a', 1n] as Cell[]] }

  it('are lawful, and the rows that they take away are still counted', async () => {
    expect(await judgeChange(asDeletes(1), deletes)).toEqual([])
    expect(await judgeChange(asDeletes(2, [1]), { fields: [id], rows: [[2]] })).toEqual([])
  })

  it('have the columns by which they name rows', async () => {
    expect(await judgeChange(asDeletes(1), { fields: [path], rows: [['s3://lake/a']] })).toEqual([
      'delete-file-columns',
    ])
    expect(await judgeChange(asDeletes(2, [2]), { fields: [id], rows: [[2]] })).toEqual(['delete-file-columns'])
    expect(await judgeChange(asDeletes(2), { fields: [id], rows: [[2]] })).toEqual(['delete-file-columns'])
    const never = { fields: [{ ...id, id: 77 }], rows: [[2]] }
    expect(await judgeChange(asDeletes(2, [77]), never)).toEqual(['delete-file-columns'])
  })

  it('stand in manifests of deletes, data in those of data', async () => {
    expect(await judgeChange({ entries: asDeletes(1).entries }, deletes)).toEqual(['manifest-content'])
  })

  it('exist, whole', async () => {
    const table = await changeTable(store, await makeTable(deletes), asDeletes(1))
    const key = dataKey(study, 'work', 't', 't-b')
    const { bytes } = store.objects.get(key)!
    await store.put(key, bytes.slice(0, -1))
    expect(await judge({ t: table })).toEqual(['file-size'])
    await store.delete(key)
    expect(await judge({ t: table })).toEqual(['file-missing'])
  })
})

describe('files', () => {
  it('are Parquet', async () => {
    expect(await judgeChange({ entries: ([entry]) => Object.assign(fileOf(entry!), { file_format: 'ORC' }) })).toEqual([
      'file-format',
    ])
  })

  it('lack a required column only where the partition has it', async () => {
    const more = { fields: [name], rows: [['x'] as Cell[]] }
    expect(await judgeChange({}, more)).toEqual(['footer-column-missing'])
    const specs = [{ 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'id', transform: 'identity' }] }]
    expect(await judgeChange({ metadata: found => Object.assign(found, { 'partition-specs': specs }) }, more)).toEqual(
      [],
    )
  })

  it('are of a partition spec that the table has, and of a snapshot that came', async () => {
    const wrong = (member: string, value: number): TableChange => ({
      list: ([manifest]) => {
        manifest![member] = value
      },
    })
    expect(await judgeChange(wrong('partition_spec_id', 9))).toEqual(['manifest-spec'])
    expect(await judgeChange(wrong('sequence_number', 9))).toEqual(['manifest-sequence'])
  })
})
