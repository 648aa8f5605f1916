import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attest, isAttested, judgeCommit, readAttestation } from '../../../lib/gate/attest.ts'
import { checkRef } from '../../../lib/gate/check-ref.ts'
import { covers, profileByName, profileOf } from '../../../lib/gate/profile.ts'
import { attestationKey, sqlBranch, tablePath, versionMarkerKey, versionPath } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy } from '../../support/small-study.ts'

const study = 'profiles'
let test: TestEnvironment
let commit: string
beforeAll(async () => {
  test = await makeEnvironment()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
  commit = (await test.environment.lakefs.getBranch(study, 'v1'))!.commitId
})
afterAll(() => test.close())

let branches = 0
/** A person's own branch of v1 or, with `change`, a commit of a hidden branch of it. */
async function openBranch({ name = `mine-${branches++}` } = {}): Promise<string> {
  await test.environment.lakefs.createBranch(study, { name, source: 'v1', hidden: name.startsWith('_') })
  return name
}
async function commitOn(change: (branch: string) => Promise<unknown>): Promise<{ branch: string; commit: string }> {
  const branch = await openBranch({ name: sqlBranch(test.clock.now(), `0000000${branches++}`.slice(-8)) })
  await change(branch)
  return { branch, commit: (await test.environment.lakefs.commit(study, branch, { message: 'x' })).id }
}
const put = (branch: string, path: string, text: string) =>
  test.environment.lakefs.uploadObject(study, branch, path, new TextEncoder().encode(text))
const dropTable = (branch: string) => test.environment.lakefs.deleteObject(study, branch, tablePath('raw', 'dm'))

describe('the profile of a branch', () => {
  it.each(['main', 'keys', '_install', '_keys-0123456789ab', '_main-0123456789ab', 'v1', '_v1-0123456789ab'])(
    'is full for %s, where v1 is what the record names',
    name => expect(profileByName(name, ['v1'])).toBe('full'),
  )
  it.each([
    'mine',
    'v2',
    '_v2-0123456789ab',
    '_v1-01234567',
    '_v1',
    sqlBranch(new Date(0), '01234567'),
    'v1-0123456789ab',
  ])('is structure for %s', name => expect(profileByName(name, ['v1'])).toBe('structure'))

  it('full says what structure does', () => {
    expect([covers('full', 'full'), covers('full', 'structure'), covers('structure', 'structure')]).not.toContain(false)
    expect(covers('structure', 'full')).toBe(false)
  })

  it('is found by what the branch holds, or is to hold', async () => {
    const of = (branch?: string, candidate?: string) =>
      profileOf(test.environment, { study, branch, commit: candidate })
    expect(await of('v1')).toBe('full')
    expect(await of('v1', commit)).toBe('full')
    expect(await of()).toBe('structure')
    expect(await of(undefined, commit)).toBe('structure')
    expect(await of(await openBranch())).toBe('structure')
    expect(await of('not-there')).toBe('structure')
    const renamed = await commitOn(branch => put(branch, versionPath, JSON.stringify({ version: 'v9' })))
    expect(await of('v9', renamed.commit)).toBe('full')
    expect(await of('v1', renamed.commit)).toBe('full')
    const broken = await commitOn(branch => put(branch, versionPath, '{'))
    expect(await of('v8', broken.commit)).toBe('full')
    const nameless = await commitOn(branch => put(branch, versionPath, '{}'))
    expect(await of('v8', nameless.commit)).toBe('full')
  })

  it('stays full for what was a version once, whatever its record says now', async () => {
    const { lakefs } = test.environment
    const branch = await openBranch()
    expect(await profileOf(test.environment, { study, branch })).toBe('structure')
    await attest(test.environment, { study, commit, profile: 'full', destination: branch })
    expect(test.lake.objects.has(versionMarkerKey(study, branch))).toBe(true)
    expect(await profileOf(test.environment, { study, branch })).toBe('full')
    await lakefs.deleteBranch(study, branch)
    // Main and hidden branches need no mark.
    await attest(test.environment, { study, commit, profile: 'full', destination: 'main' })
    expect(test.lake.objects.has(versionMarkerKey(study, 'main'))).toBe(false)
  })
})

describe('attestations by profile', () => {
  const key = () => attestationKey(study, commit)
  const write = (record: object) => test.lake.put(key(), new TextEncoder().encode(JSON.stringify(record)))

  it('structure is less than full, and gives way to it', async () => {
    test.lake.objects.delete(key())
    await attest(test.environment, { study, commit, profile: 'structure' })
    expect(await isAttested(test.environment, { study, commit, profile: 'structure' })).toBe(true)
    expect(await isAttested(test.environment, { study, commit })).toBe(false)
    expect(await judgeCommit(test.environment, { study, commit })).toEqual([])
    expect(await readAttestation(test.environment, { study, commit })).toBe('structure')
    expect(await judgeCommit(test.environment, { study, commit, destination: 'v1' })).toEqual([])
    expect(await readAttestation(test.environment, { study, commit })).toBe('full')
    await attest(test.environment, { study, commit, profile: 'structure' })
    expect(await readAttestation(test.environment, { study, commit })).toBe('full')
  })

  it('a record from before there were profiles is a full one', async () => {
    const { rulesVersion } = JSON.parse(new TextDecoder().decode(test.lake.objects.get(key())!.bytes))
    await write({ commit, rulesVersion, time: '' })
    expect(await isAttested(test.environment, { study, commit })).toBe(true)
    await write({ commit, rulesVersion, profile: 'none', time: '' })
    expect(await isAttested(test.environment, { study, commit, profile: 'structure' })).toBe(false)
  })
})

describe('what people do on branches', () => {
  it('a table may go from a branch of their own, and not from a version', async () => {
    const { lakefs } = test.environment
    const mine = await openBranch()
    const { branch, commit: head } = await commitOn(dropTable)
    await lakefs.merge(study, branch, mine)
    const merged = (await lakefs.getBranch(study, mine))!.commitId
    // The hook attests what the merge becomes.
    expect(await readAttestation(test.environment, { study, commit: merged })).toBe('structure')
    test.lake.objects.delete(attestationKey(study, merged))
    expect(await judgeCommit(test.environment, { study, commit: merged, destination: mine })).toEqual([])
    expect(await readAttestation(test.environment, { study, commit: merged })).toBe('structure')
    await expect(lakefs.merge(study, branch, 'v1')).rejects.toMatchObject({ status: 412 })
    const { problems, profile } = await checkRef(test.environment, study, head, { destination: 'v1' })
    expect(profile).toBe('full')
    expect(problems.map(({ code }) => code)).toContain('contents-table-missing')
  })
})
