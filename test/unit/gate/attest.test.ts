import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HookPayload } from '../../../events/gate.ts'
import { answerHook } from '../../../lib/gate/answer-hook.ts'
import { attest, isAttested, judgeCommit, rulesVersion } from '../../../lib/gate/attest.ts'
import { attestationKey, runBranch } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy } from '../../support/small-study.ts'

const study = 'attest'
let test: TestEnvironment
let commit: string
let key: string
beforeAll(async () => {
  test = await makeEnvironment()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
  commit = (await test.environment.lakefs.getBranch(study, 'v1'))!.commitId
  key = attestationKey(study, commit)
})
afterAll(() => test.close())
beforeEach(() => {
  test.lake.objects.delete(key)
})

const put = (text: string) => test.lake.put(key, new TextEncoder().encode(text))
const readRecord = () => JSON.parse(new TextDecoder().decode(test.lake.objects.get(key)!.bytes)) as { time: string }

describe('attestation', () => {
  it('is made of a good commit when it is judged, and then believed', async () => {
    const of = { study, commit, destination: 'v1' }
    expect(await isAttested(test.environment, of)).toBe(false)
    expect(await judgeCommit(test.environment, of)).toEqual([])
    expect(await isAttested(test.environment, of)).toBe(true)
    const unable = { ...test.environment, lakefs: {} as typeof test.environment.lakefs }
    expect(await judgeCommit(unable, of)).toEqual([])
  })

  it('the first one stays', async () => {
    await attest(test.environment, { study, commit })
    const first = readRecord()
    test.clock.advance(60)
    await attest(test.environment, { study, commit })
    expect(readRecord()).toEqual(first)
  })

  it.each([JSON.stringify({ commit: 'another', rulesVersion, time: '' }), JSON.stringify({ rulesVersion }), 'no JSON'])(
    'another record is none: %s',
    async text => {
      await put(text)
      expect(await isAttested(test.environment, { study, commit })).toBe(false)
      await attest(test.environment, { study, commit })
      expect(await isAttested(test.environment, { study, commit })).toBe(true)
    },
  )

  it('one of older rules does not count, and is replaced', async () => {
    await put(JSON.stringify({ commit, rulesVersion: rulesVersion - 1, time: '' }))
    expect(await isAttested(test.environment, { study, commit })).toBe(false)
    expect(await judgeCommit(test.environment, { study, commit, destination: 'v1' })).toEqual([])
    expect(await isAttested(test.environment, { study, commit })).toBe(true)
  })

  it('is not made of a bad commit', async () => {
    const file = [...test.lake.objects.keys()].find(name => name.startsWith(`data/${study}/base/dm/`))!
    const before = test.lake.objects.get(file)!
    test.lake.objects.delete(file)
    try {
      const problems = await judgeCommit({ ...test.environment, lake: { ...test.environment.lake } }, { study, commit })
      expect(problems).toMatchObject([{ code: 'file-missing' }])
      expect(await isAttested(test.environment, { study, commit })).toBe(false)
    } finally {
      test.lake.objects.set(file, before)
    }
  })

  it('fails with the store', async () => {
    const failing = (method: 'get' | 'put') => ({
      ...test.environment,
      lake: { ...test.environment.lake, [method]: () => Promise.reject(new Error('no store')) },
    })
    await expect(isAttested(failing('get'), { study, commit })).rejects.toThrow('no store')
    await expect(attest(failing('put'), { study, commit })).rejects.toThrow('no store')
  })
})

describe('the answer to a hook', () => {
  const payload = (more: Partial<HookPayload>): HookPayload => ({
    event_type: 'pre-merge',
    repository_id: study,
    ...more,
  })

  it('judges what is staged before a commit, and attests nothing', async () => {
    const { lakefs } = test.environment
    const run = runBranch('v1', '0123456789ab')
    await lakefs.createBranch(study, { name: run, source: 'v1', hidden: true })
    await lakefs.deleteObject(study, run, 'tables/base/dm.json')
    const event = payload({ event_type: 'pre-commit', source_ref: run })
    expect(await answerHook(test.environment, event)).toMatchObject({ ref: run, problems: [{ table: 'base.dm' }] })
    await lakefs.resetBranch(study, run)
    expect(await answerHook(test.environment, event)).toEqual({ ref: run, problems: [] })
    expect(test.lake.objects.has(key)).toBe(false)
  })

  it('judges and attests the candidate of a merge', async () => {
    const event = payload({ commit_id: commit, branch_id: 'v1' })
    expect(await answerHook(test.environment, event)).toEqual({ ref: commit, problems: [] })
    expect(await isAttested(test.environment, { study, commit })).toBe(true)
  })

  it('lets people revert on branches of their own, and attests nothing', async () => {
    await test.environment.lakefs.createBranch(study, { name: 'mine', source: 'v1' })
    const event = payload({ event_type: 'pre-revert', source_ref: 'mine', branch_id: 'mine' })
    expect(await answerHook(test.environment, event)).toEqual({ ref: 'mine', problems: [] })
    expect(test.lake.objects.has(key)).toBe(false)
  })

  it.each([
    ['pre-revert', 'v1'],
    ['pre-revert', 'main'],
    ['pre-revert', undefined],
    ['pre-cherry-pick', 'mine'],
    ['post-commit', 'v1'],
    ['pre-create-tag', 'v1'],
  ])('refuses %s on %s', async (event, branch) => {
    const { ref, problems } = await answerHook(
      test.environment,
      payload({ event_type: event, commit_id: commit, branch_id: branch }),
    )
    expect(ref).toBeUndefined()
    expect(problems).toMatchObject([{ code: 'event-refused', message: expect.stringContaining(event) }])
  })

  it('refuses what names nothing to judge', async () => {
    expect((await answerHook(test.environment, payload({ branch_id: 'v1' }))).problems).toHaveLength(1)
    expect((await answerHook(test.environment, payload({ commit_id: commit }))).problems).toHaveLength(1)
    expect((await answerHook(test.environment, payload({ event_type: 'pre-commit' }))).problems).toHaveLength(1)
  })
})

describe('lakeFS itself', () => {
  const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ status: 412 })

  it('asks the gate, and lets a revert of a version and a cherry-pick not pass', async () => {
    const { lakefs } = test.environment
    await lakefs.createBranch(study, { name: '_y', source: 'v1', hidden: true })
    await refused(lakefs.revert(study, 'v1', { ref: 'v1' }))
    await refused(lakefs.cherryPick(study, '_y', { ref: 'v1' }))
    await lakefs.deleteObject(study, '_y', 'tables/raw/dm.json')
    // A branch may be anybody's, and lack a table; what a version may lack is judged on the way there.
    await lakefs.commit(study, '_y', { message: 'drop a table' })
    await refused(lakefs.merge(study, '_y', 'v1'))
    expect(test.gate.answers.slice(-4)).toEqual([422, 422, 200, 422])
  })

  it('lets nobody write to a version past the gate', async () => {
    const { lakefs } = test.environment
    for (const branch of ['v1', 'main', 'keys']) {
      const work = lakefs.uploadObject(study, branch, 'tables/raw/dm.json', new Uint8Array([123, 125]))
      await expect(work).rejects.toMatchObject({ status: 403 })
    }
  })
})
