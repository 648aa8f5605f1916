import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerHook } from '../../lib/gate/answer-hook.ts'
import { isAttested, judgeCommit } from '../../lib/gate/attest.ts'
import { explanations } from '../../lib/gate/explain-code.ts'
import { LakefsError } from '../../lib/lakefs/client.ts'
import { gatePath, runBranch, sqlBranch, versionPath } from '../../lib/layout.ts'
import { makeBed, makeEnvironment, type TestBed } from '../support/environment.ts'
import { all, type Change, editColumns, pathOf, refill, remove, weaken } from '../support/gate-cases.ts'
import { brokenCommits, lawfulMerges, lawfulOnOwnBranch } from '../support/gate-catalogue.ts'
import { addWork, growWork } from '../support/gate-work-tables.ts'
import { findGivenServers } from '../support/given-lakefs.ts'
import { smallStudy, smallStudyNext } from '../support/small-study.ts'

/** What only a merge shows. */
const onlyMerge = new Set(['version-replaced', 'keys-unauthorised'])

/** The codes of each case's two hooks, by server: one answer is expected, whichever lakeFS asks. */
const answers = new Map<string, Record<string, string[]>>()

it('the catalogue is of many kinds, and has every code', () => {
  expect(brokenCommits.length).toBeGreaterThanOrEqual(100)
  expect(new Set(brokenCommits.map(([what]) => what)).size).toBe(brokenCommits.length)
  expect(lawfulMerges.length + lawfulOnOwnBranch.length).toBeGreaterThanOrEqual(20)
  const seen = new Set(brokenCommits.map(([, code]) => code))
  // Those that need more than one branch, or no table, are seen further down; those of an engine where there is one.
  const elsewhere = ['authority-rewritten', 'authority-table-lost', 'event-refused', 'gate-changed', 'gate-missing']
  expect(
    Object.keys(explanations)
      .filter(code => !seen.has(code) && !code.startsWith('engine-'))
      .sort(),
  ).toEqual(elsewhere)
})

/** Runs the catalogue. `study` is a name that the server does not know yet. */
function testCatalogue(name: string, { study, open }: { study: string; open: () => Promise<TestBed> }): void {
  let test: TestBed
  let branches = 0
  const told: Record<string, string[]> = {}
  answers.set(name, told)

  const sql = () => sqlBranch(test.clock.now(), `${branches++}`.padStart(8, '0'))
  const run = () => runBranch('v1', `${branches++}`.padStart(12, '0'))

  /** The codes with which a hook refused: as lakeFS's own log of it has them. */
  async function codesOf(error: unknown): Promise<string[]> {
    if (!(error instanceof LakefsError) || error.runId === undefined) throw error
    const { lakefs } = test.environment
    const [hook] = await lakefs.listRunHooks(study, error.runId)
    const output = (await lakefs.getHookOutput(study, error.runId, hook!.hookRunId)) ?? ''
    return [...new Set([...output.matchAll(/"code": ?"([a-z-]+)"/g)].map(match => match[1]!))]
  }
  const refusal = (work: Promise<unknown>): Promise<string[]> => work.then(() => [], codesOf)
  const desk = (branch: string) => ({ test, study, branch, after: () => {} })

  /** Changes something on a hidden branch, commits and merges it; the codes with which either was refused. */
  async function onBranch(branch: string, source: string, change: Change, destination?: string) {
    const { lakefs } = test.environment
    const undo: (() => Promise<unknown>)[] = []
    await lakefs.createBranch(study, { name: branch, source, hidden: true })
    try {
      await change({ test, study, branch, after: work => undo.push(work) })
      const committed = await refusal(lakefs.commit(study, branch, { message: 'x', allowEmpty: true }))
      const merged =
        destination && committed.length === 0
          ? await refusal(lakefs.merge(study, branch, destination, { allowEmpty: true }))
          : []
      return { committed, merged }
    } finally {
      for (const work of undo.reverse()) await work()
      await lakefs.deleteBranch(study, branch)
    }
  }

  describe(`over ${name}`, () => {
    beforeAll(async () => {
      test = await open()
      await test.upload({ study, version: 'v1', files: smallStudy })
      await test.drain()
      await test.upload({ study, version: 'v2', files: smallStudyNext })
      await test.drain()
      const { merged } = await onBranch(sql(), 'v1', addWork('notes'), 'v1')
      expect(merged).toEqual([])
      // Its history has two snapshots.
      expect((await onBranch(sql(), 'v1', growWork('notes'), 'v1')).merged).toEqual([])
    })
    afterAll(() => test.close())

    describe('a broken commit', () => {
      it.each(brokenCommits.filter(([, code]) => !onlyMerge.has(code)))(
        '%s: refused before the commit, %s',
        async (what, code, change) => {
          const { committed } = await onBranch(run(), 'v1', change)
          told[`${what}: commit`] = committed
          expect(committed).toContain(code)
        },
      )

      it.each(brokenCommits)('%s: refused before the merge, %s', async (what, code, change) => {
        // An action that is asked of merges alone: the commit itself passes.
        const { committed, merged } = await onBranch(sql(), 'v1', all(weaken(['pre-merge']), change), 'v1')
        told[`${what}: merge`] = merged
        expect(committed).toEqual([])
        expect(merged).toContain(code)
        expect(merged).toContain('gate-changed')
      })

      it('is refused by the authority too', async () => {
        expect((await onBranch(sql(), 'keys', remove(pathOf('keys.site')), 'keys')).merged).toContain(
          'authority-table-lost',
        )
        const other = refill('keys.site', ({ rows }) => ({ rows: rows.toReversed() }))
        expect((await onBranch(sql(), 'keys', other, 'keys')).merged).toContain('authority-rewritten')
      })
    })

    describe('a lawful change', () => {
      it.each(lawfulMerges)('of a version passes: %s', async (_what, change) => {
        expect(await onBranch(sql(), 'v1', change, 'v1')).toEqual({ committed: [], merged: [] })
        const { commitId: commit } = (await test.environment.lakefs.getBranch(study, 'v1'))!
        expect(await isAttested(test.environment, { study, commit })).toBe(true)
      })

      it('of a branch of one’s own passes, and does not pass into a version', async () => {
        await test.environment.lakefs.createBranch(study, { name: 'mine', source: 'v1' })
        for (const [what, change] of lawfulOnOwnBranch)
          expect([what, await onBranch(sql(), 'mine', change, 'mine')]).toEqual([what, { committed: [], merged: [] }])
        const codes = await refusal(test.environment.lakefs.merge(study, 'mine', 'v1'))
        told['a branch of one’s own: merge'] = codes
        const expected = ['contents-missing', 'table-type', 'delete-file', 'object-outside']
        expect(codes).toEqual(expect.arrayContaining(expected))
      })

      it('merges of two that touch different tables pass', async () => {
        const { lakefs } = test.environment
        const [a, b] = [sql(), sql()]
        for (const [branch, table] of [
          [a, 'left'],
          [b, 'right'],
        ] as const) {
          await lakefs.createBranch(study, { name: branch, source: 'v1', hidden: true })
          await addWork(table)(desk(branch))
          await lakefs.commit(study, branch, { message: 'x' })
        }
        expect(await refusal(lakefs.merge(study, a, 'v1'))).toEqual([])
        expect(await refusal(lakefs.merge(study, b, 'v1'))).toEqual([])
      })
    })

    describe('what goes around the hooks', () => {
      it.each<[string, Change]>([
        ['a source without the action', remove(gatePath)],
        ['a source whose action asks for nothing', weaken(['pre-create-tag'])],
      ])('%s: is not attested, and found out', async (_what, withoutGate) => {
        const { lakefs } = test.environment
        const change = all(
          withoutGate,
          editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'string' })),
        )
        expect(await onBranch(sql(), 'v2', change, 'v2')).toEqual({ committed: [], merged: [] })
        const { commitId: commit } = (await lakefs.getBranch(study, 'v2'))!
        expect(await isAttested(test.environment, { study, commit, profile: 'structure' })).toBe(false)
        const problems = await judgeCommit(test.environment, { study, commit, destination: 'v2' })
        expect(problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['contents-type', 'footer-type']))
        expect(await isAttested(test.environment, { study, commit, profile: 'structure' })).toBe(false)
      })

      it('a candidate without the action is refused where its source still has it', async () => {
        const { lakefs } = test.environment
        await lakefs.createBranch(study, { name: 'bare', source: 'v1' })
        const [late, bare] = [sql(), sql()]
        await lakefs.createBranch(study, { name: late, source: 'bare', hidden: true })
        await addWork('late')(desk(late))
        await lakefs.commit(study, late, { message: 'x' })
        expect(await onBranch(bare, 'bare', remove(gatePath), 'bare')).toEqual({ committed: [], merged: [] })
        expect(await refusal(lakefs.merge(study, late, 'bare'))).toEqual(['gate-missing'])
      })

      it('a version stays one without its record', async () => {
        const { lakefs } = test.environment
        const change = all(remove(gatePath), remove(versionPath))
        expect(await onBranch(sql(), 'v2', change, 'v2')).toMatchObject({ merged: [] })
        const { commitId: commit } = (await lakefs.getBranch(study, 'v2'))!
        const problems = await judgeCommit(test.environment, { study, commit, destination: 'v2' })
        expect(problems.map(({ code }) => code)).toContain('record-missing')
      })

      it('hard resets and direct writes are refused by lakeFS, cherry-picks by the gate', async () => {
        const { lakefs } = test.environment
        await expect(lakefs.hardReset(study, 'v1', 'v1~1')).rejects.toMatchObject({ status: 403 })
        await expect(lakefs.uploadObject(study, 'v1', pathOf('raw.dm'), new Uint8Array())).rejects.toMatchObject({
          status: 403,
        })
        const event = { event_type: 'pre-cherry-pick', repository_id: study, branch_id: 'v1' }
        expect((await answerHook(test.environment, event)).problems).toMatchObject([{ code: 'event-refused' }])
      })
    })
  })
}

testCatalogue('the embedded server', { study: 'catalogue', open: makeEnvironment })

const given = findGivenServers()
if (given) {
  const study = `catalogue-${Date.now().toString(36)}-${process.pid.toString(36)}`
  testCatalogue('a real lakeFS', { study, open: () => makeBed(given) })

  it('both have had the same answers, code for code', () => {
    expect(Object.keys(answers.get('a real lakeFS')!).length).toBeGreaterThanOrEqual(200)
    expect(answers.get('a real lakeFS')).toEqual(answers.get('the embedded server'))
  })
}
