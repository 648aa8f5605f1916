import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { attest } from '../../../lib/gate/attest.ts'
import { checkRef } from '../../../lib/gate/check-ref.ts'
import { contentsPath, tablePath, versionPath } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import {
  type Change,
  editColumns,
  editContents,
  editRecord,
  editTable,
  remove,
  write,
} from '../../support/gate-cases.ts'
import { smallStudy } from '../../support/small-study.ts'

const study = 'scope'
let test: TestEnvironment
let parent: string
let branches = 0
beforeAll(async () => {
  test = await makeEnvironment()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
  parent = (await test.environment.lakefs.getBranch(study, 'v1'))!.commitId
})
afterAll(() => test.close())
beforeEach(() => {
  test.lake.calls.length = 0
})

/** Judges a branch of v1 on which something is changed; the tables whose manifests were read, and the problems. */
async function judge(change: Change, profile: 'full' | 'structure' = 'full', from = parent) {
  const branch = `_scope-${branches++}`
  await test.environment.lakefs.createBranch(study, { name: branch, source: 'v1', hidden: true })
  await change({ test, study, branch, after: () => {} })
  test.lake.calls.length = 0
  const { problems, tables } = await checkRef(test.environment, study, branch, { profile, parent: from })
  const read = new Set(test.lake.calls.flatMap(({ key }) => readTable(key)))
  return {
    codes: problems.map(({ code }) => code),
    tables,
    read: [...read].filter(name => !name.startsWith('keys.')).sort(),
  }
}
const readTable = (key: string): string[] => {
  const match = /^metadata\/scope\/(\w+)\/(\w+)\/.*-snap\.avro$/.exec(key)
  return match ? [`${match[1]}.${match[2]}`] : []
}

describe('what is judged of a ref that goes on from a good one', () => {
  it('is nothing where nothing changed, but key tables', async () => {
    expect(await judge(async () => {})).toEqual({ codes: [], tables: 3, read: [] })
    expect(await judge(async () => {}, 'structure')).toEqual({ codes: [], tables: 0, read: [] })
  })

  it('is raw and base of a dataset of which one changed', async () => {
    const label = (name: string) => editColumns(name, columns => Object.assign(columns[1]!, { doc: 'x' }))
    expect(await judge(label('raw.dm'))).toMatchObject({
      codes: ['contents-label', 'base-label'],
      read: ['base.dm', 'raw.dm'],
    })
    expect(await judge(label('base.dm'))).toMatchObject({ codes: ['base-label'], read: ['base.dm', 'raw.dm'] })
    expect(await judge(label('raw.dm'), 'structure')).toMatchObject({ codes: [], read: ['raw.dm'] })
    expect(await judge(remove(tablePath('raw', 'dm')))).toMatchObject({ read: ['base.dm'] })
  })

  it('and of those of which contents or record say something else', async () => {
    const declared = editContents(datasets => Object.assign(datasets[1]!.fields[1]!, { label: 'x' }))
    expect(await judge(declared)).toMatchObject({ codes: ['contents-label'], read: ['base.sv', 'raw.sv'] })
    const recorded = editRecord(({ datasets }) => Object.assign(datasets[2]!, { columns: 9 }))
    expect(await judge(recorded)).toMatchObject({ codes: ['record-columns'], read: ['base.ae', 'raw.ae'] })
    const forgotten = editContents(datasets => datasets.pop())
    expect((await judge(forgotten)).read).toEqual(['base.ae', 'raw.ae'])
  })

  it('is all where entities change, or contents or record cannot be compared, or keys do not go on', async () => {
    const entities = editRecord(record => Object.assign(record, { entities: [] }))
    for (const change of [entities, write(contentsPath, '{'), remove(versionPath)])
      expect((await judge(change)).read).toHaveLength(6)
    expect((await judge(remove(tablePath('keys', 'site')))).read).toHaveLength(6)
    expect((await judge(write(tablePath('keys', 'site'), '{'))).read).toHaveLength(6)
    expect((await judge(editTable('keys.site', of => Object.assign(of.properties!, { x: 'y' })))).read).toEqual([])
  })

  it('is all where the parent was not found good by the same profile', async () => {
    const other = `_scope-${branches++}`
    await test.environment.lakefs.createBranch(study, { name: other, source: 'v1', hidden: true })
    const { id } = await test.environment.lakefs.commit(study, other, { message: 'x', allowEmpty: true })
    expect((await judge(async () => {}, 'full', id)).read).toHaveLength(6)
    await attest(test.environment, { study, commit: id, profile: 'structure' })
    expect((await judge(async () => {}, 'full', id)).read).toHaveLength(6)
    expect((await judge(async () => {}, 'structure', id)).read).toEqual([])
  })
})
