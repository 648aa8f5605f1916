import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { answerHook } from '../../lib/gate/answer-hook.ts'
import { LakefsError } from '../../lib/lakefs/client.ts'
import { gatePath, mainBranch } from '../../lib/layout.ts'
import { completeVersion } from '../../lib/pipeline/complete.ts'
import { makeEnvironment, type TestEnvironment } from '../support/environment.ts'
import { type Bystanders, makeBystanders } from '../support/gate-around.ts'
import { type Change, editColumns, remove, weaken, write } from '../support/gate-cases.ts'
import { smallStudy } from '../support/small-study.ts'

const study = 'around'
const version = 'v1'
let test: TestEnvironment
let by: Bystanders
/** What the pipeline made of the version, what it promoted, and the root of all commits. */
let good: string
let main: string
let root: string
/** The object of a table that people may have. */
let table: Change
beforeAll(async () => {
  test = await makeEnvironment()
  by = makeBystanders(test, study)
  await test.environment.landing.put(`${study}/study.json`, Buffer.from('{"promote":true}'))
  await test.upload({ study, version, files: smallStudy })
  await test.drain()
  good = await by.headOf(version)
  main = await by.headOf(mainBranch)
  const { lakefs } = test.environment
  for await (const commit of lakefs.log(study, good)) root = commit.id
  await lakefs.createBranch(study, { name: 'maker', source: version })
  table = await by.makeTable('maker')
  await lakefs.deleteBranch(study, 'maker')
})
afterAll(() => test.close())

let protection: string[]
beforeEach(async () => {
  ;({ patterns: protection } = await test.environment.lakefs.getBranchProtection(study))
})
afterEach(async () => {
  const { lakefs } = test.environment
  await lakefs.setBranchProtection(study, [])
  await lakefs.hardReset(study, mainBranch, main)
  await lakefs.setBranchProtection(study, protection)
  for await (const { id } of lakefs.listTags(study)) await lakefs.deleteTag(study, id)
  for (const name of await test.listBranches(study))
    if (name !== mainBranch && name !== 'keys') await lakefs.deleteBranch(study, name)
  await lakefs.createBranch(study, { name: version, source: good })
})

const retype = editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'string' }))
const withoutGate = remove(gatePath)
const unprotect = () => test.environment.lakefs.setBranchProtection(study, [])

/** The status by which lakeFS refuses. */
const refusal = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => expect.fail('it was not refused'),
    error => (error instanceof LakefsError ? error.status : Promise.reject(error)),
  )

/** The branch is not served, and the schedule says so in its next turn; nor does it become main. */
async function expectUnattested(branch: string, code: string): Promise<string> {
  const commit = await by.headOf(branch)
  expect(await by.isAttested(commit, 'structure')).toBe(false)
  for (const ref of [branch, commit]) expect(await by.ask(ref)).toMatchObject({ status: 403 })
  expect((await by.ask(branch)).message).toContain(`${study}@${branch} is not served: the gate refuses its commit`)
  const complaints = (await by.wake()).filter(head => head.branch === branch)
  expect(complaints).toMatchObject([{ branch, commit, codes: expect.arrayContaining([code]) }])
  expect(await by.ask(branch)).toMatchObject({ status: 403 })
  expect((await by.findUnattested(branch))?.map(problem => problem.code)).toContain(code)
  expect(await by.isAttested(commit, 'structure')).toBe(false)
  return commit
}

/** A version that is like this is neither reported as committed nor promoted. */
async function expectKept(commit: string): Promise<void> {
  await completeVersion(test.environment, { study, version, commit })
  const report = await test.readReport(study, version)
  expect(report).toMatchObject({ status: 'rejected', commit })
  expect(report!.problems[0]).toMatchObject({ code: 'unattested', message: expect.stringContaining('UNATTESTED') })
  expect(report!.problems.length).toBeGreaterThan(1)
  expect(await by.headOf(mainBranch)).toBe(main)
}

/** Nobody saw the branch change, and what it holds is lawful: it is served once it has been judged, and nobody is troubled. */
async function expectJudged(branch: string, profile: 'full' | 'structure' = 'full'): Promise<void> {
  const commit = await by.headOf(branch)
  expect(await by.isAttested(commit, 'structure')).toBe(false)
  expect(await by.wake()).toEqual([])
  expect(await by.isAttested(commit, profile)).toBe(true)
  expect(await by.ask(branch)).toMatchObject({ status: 200 })
}

describe('a merge from a source that asks no gate', () => {
  const sources: [string, Change][] = [
    ['without the action', withoutGate],
    ['with an action that asks for nothing', weaken(['pre-create-tag'])],
    ['with an action that asks somebody else', write(gatePath, 'name: mine\non:\n  pre-commit: {}\nhooks: []\n')],
  ]

  it.each(sources)('%s: the head is unattested', async (_what, weakened) => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, weakened, retype), version)
    await expectKept(await expectUnattested(version, 'contents-type'))
  })

  it('as one commit: the head is unattested', async () => {
    const { lakefs } = test.environment
    const source = await by.prepare(version, withoutGate, retype)
    await lakefs.merge(study, source, version, { squash: true, strategy: 'source-wins' })
    await expectKept(await expectUnattested(version, 'contents-type'))
  })

  it('and holds what is lawful: it is judged, and served', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate, table), version)
    await expectJudged(version)
  })

  it('because it comes from before there was one: the head is unattested', async () => {
    const { lakefs } = test.environment
    const source = await by.prepare(root, write('data/raw/dm.parquet', 'PAR1'))
    await lakefs.merge(study, source, version)
    await expectKept(await expectUnattested(version, 'object-stray'))
  })

  it('because it comes from before there was one, and holds what is lawful: it is judged, and served', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(root, table), version)
    await expectJudged(version)
  })

  it('into main: it is unattested, and served again once a merge has put it right', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(root, write('x.parquet', 'PAR1')), mainBranch)
    await expectUnattested(mainBranch, 'object-stray')
    await lakefs.merge(study, await by.prepare(mainBranch, remove('x.parquet')), mainBranch)
    const head = await by.headOf(mainBranch)
    expect(head).not.toBe(main)
    expect(await by.isAttested(head, 'full')).toBe(true)
    expect(await by.wake()).toEqual([])
    expect(await by.ask(mainBranch)).toMatchObject({ status: 200 })
  })

  it('into a branch of people’s own: it is judged by structure', async () => {
    const { lakefs } = test.environment
    await lakefs.createBranch(study, { name: 'alice', source: version })
    await lakefs.merge(study, await by.prepare('alice', withoutGate, retype), 'alice')
    await expectUnattested('alice', 'footer-type')
    expect(await by.ask(version)).toMatchObject({ status: 200 })
  })
})

describe('an import', () => {
  it('is refused wherever the gate is asked: lakeFS asks before it as for a commit of nothing', async () => {
    const payload = {
      event_type: 'pre-commit',
      repository_id: study,
      commit_metadata: { '.lakefs.merge.strategy': 'source-wins' },
    }
    for (const branch of [version, mainBranch, '_mine']) {
      const named = { ...payload, branch_id: branch, source_ref: branch }
      expect((await answerHook(test.environment, named)).problems).toMatchObject([{ code: 'event-refused' }])
    }
  })

  it('onto a branch that asks nobody is a merge: what is made of it is unattested', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate), version)
    const source = await by.prepare(root, write('tables/raw/dm.json', '{"format-version":2}'))
    await lakefs.merge(study, source, version, { squash: true, strategy: 'source-wins' })
    await expectUnattested(version, 'table-unreadable')
  })
})

describe('a revert', () => {
  it('of a version is refused', async () => {
    const { lakefs } = test.environment
    expect(await refusal(lakefs.revert(study, version, { ref: version, parent: 1 }))).toBe(412)
    expect(await by.headOf(version)).toBe(good)
  })

  it('that nobody was asked for brings back what is not served', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate, retype), version)
    await lakefs.merge(study, await by.prepare(version, editColumns('raw.dm', repair)), version)
    expect(await by.wake()).toEqual([])
    await lakefs.revert(study, version, { ref: version, parent: 1 })
    await expectKept(await expectUnattested(version, 'contents-type'))
  })

  it('that brings back what is lawful is judged, and served', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate, retype), version)
    await lakefs.revert(study, version, { ref: version, parent: 1 })
    await expectJudged(version)
  })

  it('of a branch of one’s own passes, and is judged by structure before it is served', async () => {
    const { lakefs } = test.environment
    await lakefs.createBranch(study, { name: 'alice', source: version })
    await lakefs.merge(study, await by.prepare('alice', remove('tables/raw/sv.json')), 'alice')
    await lakefs.revert(study, 'alice', { ref: 'alice', parent: 1 })
    await expectJudged('alice', 'structure')
  })
})

describe('a cherry-pick', () => {
  it('is refused, on a version and on a branch of one’s own', async () => {
    const { lakefs } = test.environment
    await lakefs.createBranch(study, { name: 'alice', source: version })
    const ref = await by.prepare(version, withoutGate, retype)
    for (const branch of [version, 'alice']) {
      expect(await refusal(lakefs.cherryPick(study, branch, { ref }))).toBe(412)
      expect(await by.headOf(branch)).toBe(good)
    }
  })

  it('that nobody was asked for makes a head that is unattested', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate), version)
    await lakefs.cherryPick(study, version, { ref: await by.prepare(version, retype) })
    await expectKept(await expectUnattested(version, 'contents-type'))
  })

  it('of what is lawful is judged, and served', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate), version)
    await lakefs.cherryPick(study, version, { ref: await by.prepare(version, table) })
    await expectJudged(version)
  })
})

describe('a hard reset', () => {
  it('is refused by protection', async () => {
    const { lakefs } = test.environment
    expect(await refusal(lakefs.hardReset(study, version, `${version}~1`))).toBe(403)
  })

  it('of a branch that is not protected: what is there then is judged', async () => {
    const { lakefs } = test.environment
    const bad = await by.prepare(version, withoutGate, retype)
    await unprotect()
    await lakefs.hardReset(study, version, bad)
    await expectKept(await expectUnattested(version, 'contents-type'))
    await lakefs.hardReset(study, version, await by.prepare(good, withoutGate, table))
    await expectJudged(version)
  })
})

describe('a commit on a branch that is not protected', () => {
  it('is refused by the gate, or unattested where nobody asks it', async () => {
    const { lakefs } = test.environment
    await unprotect()
    const desk = { test, study, branch: version, after: () => {} }
    await retype(desk)
    expect(await refusal(lakefs.commit(study, version, { message: 'x' }))).toBe(412)
    await withoutGate(desk)
    await lakefs.commit(study, version, { message: 'x' })
    await expectKept(await expectUnattested(version, 'contents-type'))
  })

  it('is judged when it is wanted, though the gate let it pass', async () => {
    await unprotect()
    await table({ test, study, branch: version, after: () => {} })
    await test.environment.lakefs.commit(study, version, { message: 'x' })
    await expectJudged(version)
  })
})

describe('what is made of a commit that no gate saw', () => {
  let bad: string
  beforeEach(async () => {
    bad = await by.prepare(version, withoutGate, retype)
  })

  it('is not served: a branch', async () => {
    await test.environment.lakefs.createBranch(study, { name: 'copy', source: bad })
    await expectUnattested('copy', 'footer-type')
    expect(await by.ask(version)).toMatchObject({ status: 200 })
  })

  it('is not served: the version, deleted and made anew', async () => {
    const { lakefs } = test.environment
    await lakefs.deleteBranch(study, version)
    await lakefs.createBranch(study, { name: version, source: bad })
    await expectKept(await expectUnattested(version, 'contents-type'))
  })

  it('is not served: a tag, its id, the start of its id', async () => {
    const commit = await by.headOf(bad)
    await test.environment.lakefs.createTag(study, { name: 'release', ref: bad })
    for (const ref of ['release', commit, commit.slice(0, 16)]) expect(await by.ask(ref)).toMatchObject({ status: 403 })
    // Nobody sees a tag who does not ask for it: heads of branches alone are looked at.
    expect(await by.wake()).toEqual([])
  })

  it('is served where it is lawful: a branch, a tag, its id', async () => {
    const { lakefs } = test.environment
    const lawful = await by.prepare(version, withoutGate, table)
    await lakefs.createTag(study, { name: 'release', ref: lawful })
    for (const ref of ['release', await by.headOf(lawful)]) expect(await by.ask(ref)).toMatchObject({ status: 200 })
    await lakefs.createBranch(study, { name: 'copy', source: lawful })
    expect(await by.ask('copy')).toMatchObject({ status: 200 })
  })

  it('does not pass into a version that has the gate', async () => {
    const { lakefs } = test.environment
    const { url } = test.environment.config.gate
    await lakefs.createBranch(study, { name: 'copy', source: bad })
    const { formatGateAction } = await import('../../lib/gate-action.ts')
    const mended = await by.prepare('copy', write(gatePath, formatGateAction({ url }))).catch(error => error as unknown)
    // The commit that brings the action back is asked for, and does not pass either.
    expect(mended).toMatchObject({ status: 412 })
    await lakefs.merge(study, 'copy', version)
    await expectKept(await expectUnattested(version, 'contents-type'))
  })
})

describe('a version that was gone around is put right', () => {
  const load = async () => {
    await test.upload({ study, version, files: { ...smallStudy, 'dm.csv': `${smallStudy['dm.csv']}P9,S9,50\n` } })
    await test.drain()
  }
  const expectRight = async () => {
    expect(await by.wake()).toEqual([])
    expect(await by.isAttested(await by.headOf(version), 'full')).toBe(true)
    expect(await by.ask(version)).toMatchObject({ status: 200 })
  }

  it('by loading it again', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate, remove('tables/raw/sv.json')), version)
    expect(await by.ask(version)).toMatchObject({ status: 403 })
    expect(await by.wake()).toMatchObject([{ codes: expect.arrayContaining(['contents-table-missing']) }])
    await load()
    await expectRight()
    expect(await test.readReport(study, version)).toMatchObject({
      status: 'committed',
      commit: await by.headOf(version),
    })
  })

  it('by taking its branch from its last good commit, where a table’s own history is broken', async () => {
    const { lakefs } = test.environment
    await lakefs.merge(study, await by.prepare(version, withoutGate, retype), version)
    const bad = await expectUnattested(version, 'contents-type')
    // What is loaded goes on from the tables that are there: it is refused, and says why.
    await load()
    expect(await by.headOf(version)).toBe(bad)
    expect(await test.readReport(study, version)).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'schema-field-type', table: 'raw.dm' }],
    })
    await lakefs.deleteBranch(study, version)
    await lakefs.createBranch(study, { name: version, source: good })
    await expectRight()
  })
})

function repair(columns: { type: unknown }[]): void {
  columns[2]!.type = 'int'
}
