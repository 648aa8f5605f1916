import { describe, expect, it } from 'vitest'
import { Rejection } from '../../../lib/errors.ts'
import type { Field } from '../../../lib/fields.ts'
import type { TableMetadata } from '../../../lib/iceberg/metadata.ts'
import { writeTable } from '../../../lib/iceberg/write-table.ts'
import { keyTableFields, readKeyMap } from '../../../lib/keys/key-map.ts'
import { dataKey } from '../../../lib/layout.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { describeDataFile } from '../../../lib/pipeline/data-files.ts'
import { type Cell, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { readKeys } from '../../support/read-keys.ts'

const visit = { name: 'visit', naturalKey: ['USUBJID', 'VISITNUM'], required: false }
const naturalKey: Field[] = [
  { id: 1, name: 'USUBJID', type: { kind: 'string' }, nullable: true },
  { id: 2, name: 'VISITNUM', type: { kind: 'double' }, nullable: true },
]
const fields = keyTableFields(visit, naturalKey, undefined)

async function appendRows(
  lake: ReturnType<typeof memoryStore>,
  parent: TableMetadata | undefined,
  name: string,
  rows: Cell[][],
) {
  const { bytes } = await writeParquetFile(fields, [makeBatch(fields, rows)])
  const key = dataKey('s01', 'keys', 'visit', name)
  await lake.put(key, bytes)
  const files = [await describeDataFile({ lake }, { key, fields })]
  const table = { store: lake, study: 's01', layer: 'keys', dataset: 'visit' } as const
  return (await writeTable({ ...table, fields, files, mode: 'append', parent, time: new Date(0) })).metadata
}

describe('the map of a key table', () => {
  it('is empty without a table', async () => {
    const { known, firstVersions } = await readKeyMap(memoryStore(), undefined)
    expect([known.count, known.largest, firstVersions]).toEqual([0, 0, []])
  })

  it('holds the rows of all appends', async () => {
    const lake = memoryStore()
    const first = await appendRows(lake, undefined, 'a', [
      ['P1', 1, 1n, 'v1'],
      ['P1', 2.5, 2n, 'v1'],
    ])
    const second = await appendRows(lake, first, 'b', [['P2', 1, 7n, 'v2']])
    const { known, firstVersions } = await readKeyMap(lake, second)
    expect([0, 1, 2].map(place => known.keyOf(place))).toEqual([1, 2, 7])
    expect(firstVersions).toEqual(['v1', 'v1', 'v2'])
    expect(known.largest).toBe(7)
    expect((await readKeyMap(lake, first)).known.count).toBe(2)
    expect([...(await readKeys(lake, second)).values()]).toEqual([1, 2, 7])
  })

  it('refuses files of another bucket, and tables that are no key tables', async () => {
    const lake = memoryStore()
    const table = await appendRows(lake, undefined, 'a', [['P1', 1, 1n, 'v1']])
    const elsewhere = { ...lake, bucket: 'other', get: (key: string) => lake.get(key) }
    await expect(readKeyMap(elsewhere, table)).rejects.toThrow('bucket')
    const renamed = structuredClone(table)
    renamed.schemas[0]!.fields.push(renamed.schemas[0]!.fields.shift()!)
    await expect(readKeyMap(lake, renamed)).rejects.toThrow('ends with a key and a version column')
  })
})

describe('the columns of a key table', () => {
  it('are the natural key, the surrogate key and the first version, none of them null', () => {
    expect(fields.map(({ name }) => name)).toEqual(['USUBJID', 'VISITNUM', 'visit_key', 'first_version'])
    expect(fields.every(({ nullable }) => !nullable)).toBe(true)
  })

  it('are those of the table, once there is one', async () => {
    const table = await appendRows(memoryStore(), undefined, 'a', [['P1', 1, 1n, 'v1']])
    const later: Field[] = [
      { ...naturalKey[0]!, name: 'usubjid' },
      { ...naturalKey[1]!, type: { kind: 'integer' } },
    ]
    expect(keyTableFields(visit, later, table)).toEqual(fields)
    for (const other of [[naturalKey[0]!], [naturalKey[1]!, naturalKey[0]!]])
      expect(() => keyTableFields(visit, other, table)).toThrow(Rejection)
  })
})
