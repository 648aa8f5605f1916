import { beforeEach, describe, expect, it } from 'vitest'
import { covers, profileByName, profileOf } from '../../../lib/gate/profile.ts'
import { sqlBranch, versionMarkerKey, versionPath } from '../../../lib/layout.ts'
import { type MemoryLakefs, memoryLakefs } from '../../support/memory-lakefs.ts'
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts'

const study = 'bed'
const run = '0123456789ab'

it.each(['main', 'keys', '_install', 'v1', 'v2', `_keys-${run}`, `_main-${run}`, `_v1-${run}`, `_v2-${run}`])(
  '%s is a version, or on its way there',
  branch => expect(profileByName(branch, ['v1', 'v2'])).toBe('full'),
)
it.each([
  'mine',
  'v3',
  `_v3-${run}`,
  '_keys',
  '_v1-',
  `_v1-${run}0`,
  `_v1-x${run}`,
  `_v1-${run.toUpperCase()}`,
  `_v1-${run.slice(1)}`,
  `v1-${run}`,
  `xv1-${run}`,
  `__v1-${run}`,
  sqlBranch(new Date(0), '01234567'),
])('%s is people’s own', branch => expect(profileByName(branch, ['v1', 'v2'])).toBe('structure'))

it('full covers both, structure itself', () => {
  expect([covers('full', 'full'), covers('full', 'structure')]).toEqual([true, true])
  expect([covers('structure', 'structure'), covers('structure', 'full')]).toEqual([true, false])
})

describe('the profile of a branch', () => {
  let repository: MemoryLakefs
  let lake: MemoryStore
  beforeEach(() => {
    repository = memoryLakefs(study)
    lake = memoryStore()
  })
  const of = (branch?: string, commit?: string) =>
    profileOf({ lakefs: repository.lakefs, lake }, { study, branch, commit })
  const naming = (version: unknown) => ({ [versionPath]: JSON.stringify({ version }) })

  it('is full where its name or its record says so', async () => {
    repository.commit(naming('v1'), { branch: 'v1' })
    repository.commit(naming('v1'), { branch: 'mine' })
    repository.commit({}, { branch: 'empty' })
    expect(await of('v1')).toBe('full')
    expect(await of('mine')).toBe('structure')
    expect(await of('empty')).toBe('structure')
    expect(await of('nowhere')).toBe('structure')
  })

  it('is full for what the candidate names, and for what the head names', async () => {
    const [v1, v2] = [repository.commit(naming('v1')), repository.commit(naming('v2'), { branch: 'v2' })]
    expect(await of('v1', v1)).toBe('full')
    expect(await of('v2', v1)).toBe('full')
    expect(await of('v3', v1)).toBe('structure')
    expect(await of(`_v1-${run}`, v1)).toBe('full')
    expect(await of(`_v1-${run}`, v2)).toBe('structure')
  })

  it('is asked of nobody where the name says all, or there is none', async () => {
    expect(await of('main')).toBe('full')
    expect(await of(undefined, 'c1')).toBe('structure')
    expect(await of(sqlBranch(new Date(0), '01234567'), repository.commit(naming('x')))).toBe('structure')
    expect(repository.calls).toEqual([])
    expect(lake.calls).toEqual([])
  })

  it('a record is read once of one commit, and of each of two', async () => {
    const commit = repository.commit(naming('v1'), { branch: 'mine' })
    await of('mine', commit)
    expect(repository.calls.filter(call => call.startsWith('getObject'))).toEqual([
      `getObject ${commit} ${versionPath}`,
    ])
    const other = repository.commit(naming('v1'))
    repository.calls.length = 0
    await of('mine', other)
    expect(repository.calls.filter(call => call.startsWith('getObject'))).toHaveLength(2)
  })

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['no version', '{}'],
    ['a version that is no text', '{"version": 7}'],
  ])('a record of %s makes no rule milder', async (_what, text) => {
    repository.commit({ [versionPath]: text }, { branch: 'mine' })
    expect(await of('mine')).toBe('full')
  })

  it('stays full for what was a version once', async () => {
    repository.commit({}, { branch: 'v1' })
    await lake.put(versionMarkerKey(study, 'v1'), new Uint8Array())
    expect(await of('v1')).toBe('full')
    expect(await of('v2')).toBe('structure')
  })
})
