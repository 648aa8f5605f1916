import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { writeTable } from '../../../lib/iceberg/write-table.ts'
import { sqlBranch, tablePath } from '../../../lib/layout.ts'
import { stageTable } from '../../../lib/pipeline/table-objects.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'

const study = 'work'
let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
  await test.environment.landing.put(`${study}/study.json`, new TextEncoder().encode('{"promote": true}'))
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
})
afterAll(() => test.close())

/** What the catalog does for an engine: writes a table on a hidden branch of a branch, and merges it. */
async function writeWorkTable(branch: string, dataset: string): Promise<void> {
  const { lake, lakefs, now } = test.environment
  const head = (await lakefs.getBranch(study, branch))!.commitId
  const hidden = sqlBranch(now(), '0123abcd')
  await lakefs.createBranch(study, { name: hidden, source: head, hidden: true })
  const fields: Field[] = [{ id: 1, name: 'n', type: { kind: 'bigint' }, nullable: true }]
  const table = { store: lake, study, layer: 'work', dataset, mode: 'replace' } as const
  const { text } = await writeTable({ ...table, fields, files: [], time: now() })
  await stageTable(test.environment, study, hidden, 'work', dataset, text)
  await lakefs.commit(study, hidden, { message: `Write ${dataset}` })
  await lakefs.merge(study, hidden, branch)
  await lakefs.deleteBranch(study, hidden)
}
const workTables = async (ref: string) =>
  [...(await test.readRef(study, ref)).keys()].filter(path => path.startsWith('tables/work/'))

it('stay with the version that they were written on, through its loads and its promotion, and with no other', async () => {
  await writeWorkTable('v1', 'analysis')
  expect(await workTables('v1')).toEqual([tablePath('work', 'analysis')])
  expect(await workTables('main')).toEqual([])

  test.clock.advance(3600)
  await test.upload({ study, version: 'v1', files: { 'dm.csv': 'USUBJID,SITEID,AGE\nP1,S1,62\n' } })
  await test.drain()
  expect((await test.readReport(study, 'v1'))!.promoted).toBe(true)
  expect(await workTables('v1')).toEqual([tablePath('work', 'analysis')])
  expect(await workTables('main')).toEqual([tablePath('work', 'analysis')])

  test.clock.advance(3600)
  await test.upload({ study, version: 'v2', files: smallStudyNext })
  await test.drain()
  expect((await test.readReport(study, 'v2'))!.promoted).toBe(true)
  expect(await workTables('v2')).toEqual([])
  expect(await workTables('main')).toEqual([])
})

it('a delivered table that people dropped is missed where they merge into a version', async () => {
  const { lakefs, now } = test.environment
  const hidden = sqlBranch(now(), 'abcd0123')
  await lakefs.createBranch(study, { name: hidden, source: 'v2', hidden: true })
  await lakefs.deleteObject(study, hidden, tablePath('raw', 'sv'))
  await lakefs.commit(study, hidden, { message: 'Drop a table' })
  await expect(lakefs.merge(study, hidden, 'v2')).rejects.toMatchObject({ status: 412 })
})
