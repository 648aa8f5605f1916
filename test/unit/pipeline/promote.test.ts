import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Environment } from '../../../lib/environment.ts'
import { TransientError } from '../../../lib/errors.ts'
import { LakefsError } from '../../../lib/lakefs/client.ts'
import { completeVersion } from '../../../lib/pipeline/complete.ts'
import { promoteVersion } from '../../../lib/pipeline/promote.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'

const study = 'promote'
let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.reset()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
  await test.upload({ study, version: 'v2', files: smallStudyNext })
  await test.drain()
})

const commitOf = async (version: string) => (await test.environment.lakefs.getBranch(study, version))!.commitId
let landed = 0
/** Promotes a version as the newest, unless a time says otherwise. */
const promote = async (version: string, environment = test.environment, time = new Date(++landed)) =>
  promoteVersion(environment, { study, version, commit: await commitOf(version), landed: time })
const withLakefs = (lakefs: Partial<Environment['lakefs']>): Environment => ({
  ...test.environment,
  lakefs: { ...test.environment.lakefs, ...lakefs },
})
const tablesAt = async (ref: string) =>
  new Map([...(await test.readRef(study, ref))].filter(([path]) => !path.startsWith('_lakefs')))

describe('main', () => {
  it('becomes what the version is, and stays one commit line', async () => {
    expect(await promote('v1')).toBe(true)
    expect(await tablesAt('main@')).toEqual(await tablesAt('v1@'))
    await promote('v2')
    expect(await tablesAt('main@')).toEqual(await tablesAt('v2@'))
    expect((await test.listBranches(study)).filter(name => name.startsWith('_'))).toEqual([])
  })

  it('keeps the longer key map, and the map of an entity that the version lacks', async () => {
    await promote('v2')
    const maps = async () => new Map([...(await tablesAt('main@'))].filter(([path]) => path.startsWith('tables/keys/')))
    const before = await maps()
    await promote('v1')
    expect(await maps()).toEqual(before)
    expect(await tablesAt('main@')).not.toEqual(await tablesAt('v1@'))
    await test.landing.put(
      `${study}/study.json`,
      new TextEncoder().encode('{"entities": {"patient": {"naturalKey": ["USUBJID"]}}}'),
    )
    await test.upload({ study, version: 'v3', files: smallStudyNext })
    await test.drain()
    await promote('v3')
    expect([...(await maps()).keys()]).toEqual([...before.keys()])
  })

  it('is left alone by a commit that was promoted before', async () => {
    await promote('v1')
    await promote('v2')
    const second = await commitOf('main')
    expect(await promote('v1')).toBe(true)
    expect(await commitOf('main')).toBe(second)
  })

  it('is left alone by a version whose files were landed before', async () => {
    await promote('v2', test.environment, new Date('2026-03-02'))
    const second = await commitOf('main')
    expect(await promote('v1', test.environment, new Date('2026-03-01'))).toBe(false)
    expect(await commitOf('main')).toBe(second)
  })

  it('is left alone by a commit that it equals', async () => {
    await promote('v1')
    const first = await commitOf('main')
    const forgetful = withLakefs({ async *log() {} })
    expect(await promote('v1', forgetful)).toBe(true)
    expect(await commitOf('main')).toBe(first)
  })

  it('that changed meanwhile is tried again', async () => {
    const conflict = withLakefs({ merge: () => Promise.reject(new LakefsError('POST', { status: 409, detail: '' })) })
    await expect(promote('v1', conflict)).rejects.toThrow(TransientError)
    await promote('v1')
    expect(await tablesAt('main@')).toEqual(await tablesAt('v1@'))
  })

  it('must be there, as must what was listed', async () => {
    await expect(
      promote(
        'v1',
        withLakefs({
          getBranch: async (...args) => (args[1] === 'main' ? undefined : test.environment.lakefs.getBranch(...args)),
        }),
      ),
    ).rejects.toThrow('has no branch main')
    await expect(promote('v1', withLakefs({ getObject: async () => undefined }))).rejects.toThrow(
      'was listed and is not there',
    )
  })
})

describe('completing a version', () => {
  it('needs its record', async () => {
    const bare = withLakefs({ getObject: async () => undefined })
    const work = completeVersion(bare, { study, version: 'v1', commit: await commitOf('v1') })
    await expect(work).rejects.toThrow('has no record of its version')
  })

  it('done again it says the same; of inputs that have changed since it says nothing', async () => {
    const before = await test.readReport(study, 'v1')
    const commit = await commitOf('v1')
    await completeVersion(test.environment, { study, version: 'v1', commit })
    expect(await test.readReport(study, 'v1')).toEqual(before)
    test.landing.objects.delete(`${study}/v1/ae.csv`)
    await completeVersion(test.environment, { study, version: 'v1', commit })
    const { landing, ...rest } = (await test.readReport(study, 'v1'))!
    expect(landing).toBeUndefined()
    expect(rest).toMatchObject({ status: 'committed', fingerprint: before!.fingerprint, datasets: before!.datasets })
  })

  it('goes without a commit’s metadata and an outcome that is gone', async () => {
    for (const key of test.lake.objects.keys()) if (key.endsWith('outcome.json')) test.lake.objects.delete(key)
    const bare = withLakefs({ getCommit: async () => undefined })
    await completeVersion(bare, { study, version: 'v1', commit: await commitOf('v1') })
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed', warnings: [] })
  })

  it('a refused promotion is a warning: the version is committed all the same', async () => {
    const refusing = withLakefs({
      async commit(...args) {
        // Between the version's commit and its promotion a file is lost: main may not have it.
        for (const key of [...test.lake.objects.keys()])
          if (key.startsWith(`data/${study}/base/dm/`)) test.lake.objects.delete(key)
        return test.environment.lakefs.commit(...args)
      },
    })
    await test.landing.put(`${study}/study.json`, new TextEncoder().encode('{"promote": true}'))
    await test.upload({ study, version: 'v3', files: smallStudyNext })
    await test.drain()
    const commit = await commitOf('v3')
    // As if it had not been promoted yet.
    const forgetful = { ...refusing, lakefs: { ...refusing.lakefs, async *log() {} } }
    await test.environment.lakefs.createBranch(study, { name: '_before', source: 'main~1', hidden: true })
    forgetful.lakefs.getBranch = (repository, branch) =>
      test.environment.lakefs.getBranch(repository, branch === 'main' ? '_before' : branch)
    await completeVersion(forgetful, { study, version: 'v3', commit })
    const report = await test.readReport(study, 'v3')
    expect(report).toMatchObject({ status: 'committed', commit })
    const codes = report!.warnings.map(({ code }) => code)
    expect(codes).toEqual(expect.arrayContaining(['promotion-refused', 'file-missing']))
  })
})
