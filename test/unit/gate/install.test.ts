import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { isAttested } from '../../../lib/gate/attest.ts'
import { installGates } from '../../../lib/gate/install.ts'
import { formatGateAction } from '../../../lib/gate-action.ts'
import { gatePath, sqlBranch } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { type Change, editColumns, remove, weaken } from '../../support/gate-cases.ts'
import { smallStudy } from '../../support/small-study.ts'

const study = 'installed'
let test: TestEnvironment
let turn = 0
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.reset()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
  await test.environment.lakefs.createBranch(study, { name: 'alice', source: 'v1' })
})

/** Changes a branch by a merge that no gate judges: its source asks none. */
async function goAround(branch: string, ...changes: Change[]): Promise<void> {
  const { lakefs } = test.environment
  const name = sqlBranch(test.clock.now(), `${turn++}`.padStart(8, '0'))
  await lakefs.createBranch(study, { name, source: branch, hidden: true })
  for (const change of changes) await change({ test, study, branch: name, after: () => {} })
  await lakefs.commit(study, name, { message: 'x' })
  await lakefs.merge(study, name, branch)
  await lakefs.deleteBranch(study, name)
}
const gateOf = async (branch: string) =>
  new TextDecoder().decode(await test.environment.lakefs.getObject(study, branch, gatePath))
const heads = () => Array.fromAsync(test.environment.lakefs.listBranches(study, { hidden: true }))
const state = (branch: string, is: string) => ({ branch, state: is })
const all = (is: string) => ['alice', 'keys', 'main', 'v1'].map(branch => state(branch, is))

it('leaves a study alone in which nothing is missing', async () => {
  const before = await heads()
  expect(await installGates(test.environment, study)).toEqual({ protection: 'current', branches: all('current') })
  expect(await heads()).toEqual(before)
})

it('knows no study that is not there', async () => {
  expect(await installGates(test.environment, 'nowhere')).toBeUndefined()
})

it('brings a gate that moved to every branch, by merges that are judged', async () => {
  const moved = test.environment.config.gate.url.replace('127.0.0.1', 'localhost')
  const { config } = test.environment
  const environment = { ...test.environment, config: { ...config, gate: { ...config.gate, url: moved } } }
  expect((await installGates(environment, study))?.branches).toEqual(all('updated'))
  for (const branch of ['alice', 'keys', 'main', 'v1']) {
    expect(await gateOf(branch)).toBe(formatGateAction({ url: moved }))
    const { commitId: commit } = (await test.environment.lakefs.getBranch(study, branch))!
    const profile = branch === 'alice' ? 'structure' : 'full'
    expect(await isAttested(test.environment, { study, commit, profile })).toBe(true)
  }
  expect((await installGates(environment, study))?.branches).toEqual(all('current'))
  expect((await heads()).some(({ id }) => id.startsWith('_sql-'))).toBe(false)
})

it('mends a branch whose gate was taken away or asks for less, and protection', async () => {
  await goAround('alice', remove(gatePath))
  await goAround('v1', weaken(['pre-create-tag']))
  await test.environment.lakefs.setBranchProtection(study, ['release-*'])
  expect(await installGates(test.environment, study)).toEqual({
    protection: 'updated',
    branches: [state('alice', 'added'), state('keys', 'current'), state('main', 'current'), state('v1', 'updated')],
  })
  expect((await test.environment.lakefs.getBranchProtection(study)).patterns).toEqual(['[!_]*', 'release-*'])
})

it('says why a branch could not be brought up to date, and goes on with the others', async () => {
  const broken = editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'string' }))
  await goAround('alice', remove(gatePath), broken)
  await goAround('v1', remove(gatePath))
  const { branches } = (await installGates(test.environment, study))!
  expect(branches).toMatchObject([
    { ...state('alice', 'failed'), reason: expect.stringMatching(/raw\.dm/) },
    {},
    {},
    state('v1', 'added'),
  ])
})

it('brings nothing in past a gate that does not answer', async () => {
  await goAround('alice', remove(gatePath))
  test.gate.broken = true
  expect((await installGates(test.environment, study))?.branches[0]).toMatchObject({
    ...state('alice', 'failed'),
    reason: expect.stringContaining('did not answer'),
  })
  test.gate.broken = false
  expect((await installGates(test.environment, study))?.branches[0]).toEqual(state('alice', 'added'))
})

it('does not hide what it cannot explain', async () => {
  const lakefs = { ...test.environment.lakefs, createBranch: () => Promise.reject(new RangeError('x')) }
  await goAround('alice', remove(gatePath))
  await expect(installGates({ ...test.environment, lakefs }, study)).rejects.toThrow(RangeError)
})

it('a branch that is written to meanwhile is said to be', async () => {
  await goAround('alice', remove(gatePath))
  const { lakefs } = test.environment
  const racing: typeof lakefs = {
    ...lakefs,
    async merge(...given) {
      await goAround('alice', weaken(['pre-create-tag']))
      return lakefs.merge(...given)
    },
  }
  expect((await installGates({ ...test.environment, lakefs: racing }, study))?.branches[0]).toMatchObject({
    state: 'failed',
    reason: 'the branch was written to meanwhile',
  })
})
