import { IcebergRestCatalog, type Snapshot } from 'iceberg-js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { catalogAddress } from '../../infra/local/buckets.ts'
import type { Platform } from '../../infra/local/platform.ts'
import { currentSchemaFields, currentSnapshot, parseTableMetadata, writeTable } from '../../lib/iceberg/table.ts'
import { stringifyJson } from '../../lib/json.ts'
import { keyOfAddress, tableLocationKey } from '../../lib/layout.ts'
import { ensureStudy } from '../../lib/study.ts'
import { putRows } from '../interop/lake-files.ts'
import { makeTemporaryFolder, openTestPlatform } from '../support/test-platform.ts'

const study = 'trial'
const branch = 'alice'
const namespace = [`${study}@${branch}`, 'work']
const id = { namespace, name: 'summary' }

let platform: Platform
let catalog: IcebergRestCatalog
let cleanUp: () => Promise<void>
beforeAll(async () => {
  const temporary = await makeTemporaryFolder()
  cleanUp = temporary.cleanUp
  platform = await openTestPlatform({ folder: temporary.folder, start: false })
  await ensureStudy(platform.environment, study)
  await platform.environment.lakefs.createBranch(study, { name: branch, source: 'main' })
  const auth = { type: 'bearer', token: platform.settings.catalogToken } as const
  catalog = new IcebergRestCatalog({ baseUrl: catalogAddress(platform.settings), warehouse: study, auth })
})
afterAll(async () => {
  await platform.close()
  await cleanUp()
})

/** Writes a data file and what leads to it, as an engine does; the snapshot is for the catalog to add. */
async function writeSnapshot(text: string, count: number) {
  const { lake: store } = platform.environment
  const parent = parseTableMetadata(text)
  const fields = currentSchemaFields(parent)
  const file = await putRows(store, tableLocationKey(study, 'work', id.name), fields, [{ name: 'A', count }])
  const what = { store, study, layer: 'work', dataset: id.name } as const
  const { metadata } = await writeTable({
    ...what,
    fields,
    files: [file],
    mode: 'append',
    parent,
    time: new Date(),
  })
  // Of 53 bits, so that a plain parser does not round them.
  return JSON.parse(stringifyJson(currentSnapshot(metadata))) as Snapshot
}

const storedText = async (): Promise<string> => {
  const { 'metadata-location': location } = (await catalog.loadTableResult(id))!
  return Buffer.from(await platform.environment.lake.get(keyOfAddress('lake', location!)!)).toString()
}

it('iceberg-js makes a table, commits to it with ids of 53 bits, and reads back what it wrote', async () => {
  expect((await catalog.loadConfig()).overrides.prefix).toBe(study)
  expect(await catalog.listNamespaces()).toMatchObject({
    namespaces: ['alice', 'keys', 'main'].map(ref => ({ namespace: [`${study}@${ref}`] })),
  })
  expect(await catalog.namespaceExists({ namespace })).toBe(true)
  expect(await catalog.namespaceExists({ namespace: [`${study}@bob`] })).toBe(false)

  const schema = {
    type: 'struct',
    fields: [
      { id: 1, name: 'name', type: 'string', required: false },
      { id: 2, name: 'count', type: 'long', required: false, doc: 'How many' },
    ],
  } as const
  const request = { name: id.name, schema: { ...schema, fields: [...schema.fields] } }
  const made = await catalog.createTable({ namespace }, request)
  expect(made.schemas).toMatchObject([schema])
  expect(await catalog.tableExists(id)).toBe(true)
  expect(await catalog.createTableIfNotExists({ namespace }, request)).toEqual(made)
  await expect(catalog.createTable({ namespace }, request)).rejects.toMatchObject({
    status: 409,
    icebergType: 'AlreadyExistsException',
  })
  expect((await catalog.listTables({ namespace })).identifiers).toEqual([id])

  let previous: number | null = null
  for (const count of [1, 2, 3]) {
    const snapshot = await writeSnapshot(await storedText(), count)
    const snapshotId = snapshot['snapshot-id']
    expect(Number.isSafeInteger(snapshotId)).toBe(true)
    const committed = await catalog.commitTable(id, {
      requirements: [
        { type: 'assert-table-uuid', uuid: made['table-uuid'] },
        { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': previous },
      ],
      updates: [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
      ],
    })
    expect(committed.metadata['current-snapshot-id']).toBe(snapshotId)
    previous = snapshotId
  }
  const loaded = (await catalog.loadTableResult(id))!
  expect(loaded.metadata.snapshots).toHaveLength(3)
  expect(loaded.metadata['current-snapshot-id']).toBe(previous)
  // Nothing was lost on the way: the object on the branch says the same, digit for digit.
  expect(currentSnapshot(parseTableMetadata(await storedText()))!['snapshot-id']).toBe(previous)
  expect(await catalog.loadTable(id, { ifNoneMatch: loaded.etag! })).toBeNull()
  expect((await catalog.loadTable(id, { snapshots: 'refs' }))!.snapshots).toHaveLength(1)

  const stale = catalog.commitTable(id, {
    requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': previous! - 1 }],
    updates: [{ action: 'set-properties', updates: { a: 'b' } }],
  })
  await expect(stale).rejects.toMatchObject({ status: 409, icebergType: 'CommitFailedException' })
  await catalog.dropTable(id)
  expect(await catalog.tableExists(id)).toBe(false)
  const location = loaded['metadata-location']!
  const back = await catalog.registerTable({ namespace }, { name: 'back', 'metadata-location': location })
  expect(back['current-snapshot-id']).toBe(previous)
  expect((await catalog.listTables({ namespace })).identifiers).toEqual([{ namespace, name: 'back' }])
})
