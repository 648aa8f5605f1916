import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { findUnattested, printUnattested } from '../../bin/support/print-unattested.ts'
import type { FunctionUrlEvent } from '../../events/gate.ts'
import { type CatalogHandler, createCatalogFunction } from '../../functions/catalog.ts'
import { readCatalogConfig } from '../../lib/config.ts'
import { isAttested } from '../../lib/gate/attest.ts'
import { type HeadsJudged, judgeHeads, readUnattested } from '../../lib/gate/unattested.ts'
import { gatePath, sqlBranch, unattestedKey } from '../../lib/layout.ts'
import { promoteVersion } from '../../lib/pipeline/promote.ts'
import { makeEnvironment, type TestEnvironment } from '../support/environment.ts'
import { type Change, editColumns, remove } from '../support/gate-cases.ts'
import { readSample } from '../support/samples.ts'
import { smallStudy } from '../support/small-study.ts'

const study = 'trial-01'
const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }
const message = 'UNATTESTED: a head that no gate saw does not pass it'
let test: TestEnvironment
let catalog: CatalogHandler
const token = 'a-token-that-the-catalog-knows'
const settings = readCatalogConfig({
  CATALOG_TOKENS: JSON.stringify([{ name: 'ada', token, studies: ['trial-*'], access: 'write' }]),
  SQL_BRANCH_SECONDS: '600',
})
let turn = 0
beforeAll(async () => {
  test = await makeEnvironment()
  catalog = createCatalogFunction({ environment: test.environment, catalog: settings })
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.reset()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
  await test.environment.lakefs.createBranch(study, { name: 'alice', source: 'v1' })
})

/** Changes a branch by a merge from a source that asks no gate. */
async function goAround(branch: string, ...changes: Change[]): Promise<string> {
  const { lakefs } = test.environment
  const name = sqlBranch(test.clock.now(), `${turn++}`.padStart(8, '0'))
  await lakefs.createBranch(study, { name, source: branch, hidden: true })
  for (const change of [remove(gatePath), ...changes]) await change({ test, study, branch: name, after: () => {} })
  await lakefs.commit(study, name, { message: 'x' })
  const { reference } = await lakefs.merge(study, name, branch)
  await lakefs.deleteBranch(study, name)
  return reference
}
const retype = editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'string' }))
const wake = () => catalog(readSample('schedule'), context)
const complaints = () => test.logged.filter(line => line.message === message)
async function round(most: number, seconds = 30): Promise<HeadsJudged> {
  let found: HeadsJudged | undefined
  await judgeHeads(test.environment, { most, seconds, report: judged => (found = judged) })
  return found!
}

it('a commit that went around the hooks is reported within one schedule, never served, never promoted', async () => {
  const { lakefs } = test.environment
  const main = (await lakefs.getBranch(study, 'main'))!.commitId
  const commit = await goAround('v1', retype)
  expect(complaints()).toEqual([])
  expect(await wake()).toEqual({ statusCode: 204, body: '' })
  expect(complaints()).toMatchObject([
    { level: 'error', study, branch: 'v1', commit, codes: expect.stringContaining('contents-type') },
  ])
  const shown = await findUnattested(test.environment, { study, version: 'v1' })
  expect(shown).toEqual(await readUnattested(test.environment, { study, commit }))
  expect(await findUnattested(test.environment, { study, version: 'v2' })).toBeUndefined()
  const lines: string[] = []
  printUnattested(
    { line: (text = '') => void lines.push(text), document() {}, progress() {}, clear() {}, json: false },
    shown!,
  )
  expect(lines[1]).toMatch(/^UNATTESTED: /)
  expect(lines.slice(2).join()).toContain('raw.dm')
  const codes = (await readUnattested(test.environment, { study, commit }))?.map(({ code }) => code)
  expect(codes).toContain('contents-type')
  expect(await isAttested(test.environment, { study, commit, profile: 'structure' })).toBe(false)

  expect(await catalog(readSample<FunctionUrlEvent>('catalog-request'), context)).toMatchObject({ statusCode: 403 })
  await expect(promoteVersion(test.environment, { study, version: 'v1', commit, landed: undefined })).rejects.toThrow()
  expect((await lakefs.getBranch(study, 'main'))!.commitId).toBe(main)
  // It is said for as long as it stands there.
  await wake()
  expect(complaints()).toHaveLength(2)
})

it('a head that is as good as if the gate had seen it is attested, and nobody is troubled', async () => {
  const commit = await goAround('v1')
  await wake()
  expect(await isAttested(test.environment, { study, commit })).toBe(true)
  expect(complaints()).toEqual([])
  expect(await round(5)).toEqual({ judged: 0, left: 0, unattested: [] })
})

it('people’s branches are judged by their own rules', async () => {
  await goAround('alice', retype)
  await wake()
  expect(complaints()).toMatchObject([{ branch: 'alice', codes: expect.stringContaining('footer-type') }])
})

it('a round is bounded, and takes first what was never looked at', async () => {
  const [v1, alice] = [await goAround('v1', retype), await goAround('alice', retype)]
  const of = ({ unattested }: HeadsJudged) => unattested.map(({ commit }) => commit)
  expect(await round(1, -1)).toMatchObject({ judged: 0, left: 2, unattested: [] })
  const first = await round(1)
  expect([first.judged, first.left, of(first)]).toEqual([1, 1, [alice]])
  const second = await round(1)
  expect([second.judged, second.left, of(second)]).toEqual([1, 1, [v1, alice]])
})

it('what is remembered of a head counts no more once it has passed, or cannot be read', async () => {
  const commit = await goAround('alice', retype)
  await wake()
  const key = unattestedKey(study, commit)
  const text = new TextDecoder().decode(await test.lake.get(key))
  for (const other of ['{', '{}', text.replace(/"rulesVersion":\d+/, '"rulesVersion":0')]) {
    await test.lake.put(key, Buffer.from(other))
    expect(await readUnattested(test.environment, { study, commit })).toBeUndefined()
  }
  await test.lake.put(key, Buffer.from(text))
  expect(await readUnattested(test.environment, { study, commit })).toBeDefined()
})

it('what cannot be judged now keeps nothing else from it, and is said', async () => {
  const [v1, alice] = [await goAround('v1'), await goAround('alice', retype)]
  const { lakefs } = test.environment
  const failing: typeof lakefs = {
    ...lakefs,
    getCommit: (of, ref) => (ref === alice ? Promise.reject(new Error('away')) : lakefs.getCommit(of, ref)),
  }
  const broken = { environment: { ...test.environment, lakefs: failing }, catalog: settings }
  await expect(createCatalogFunction(broken)(readSample('schedule'), context)).rejects.toThrow('away')
  expect(await isAttested(test.environment, { study, commit: v1 })).toBe(true)
})
