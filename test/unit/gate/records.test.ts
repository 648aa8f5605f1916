import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { attest, findParent, isAttested, readAttestation } from '../../../lib/gate/attest.ts'
import { readRecord } from '../../../lib/gate/read-record.ts'
import { judgeOnce, nameFiles, rulesVersion } from '../../../lib/gate/verdicts.ts'
import { hashValue } from '../../../lib/hash.ts'
import { attestationKey, verdictKey, versionMarkerKey } from '../../../lib/layout.ts'
import { memoryLakefs } from '../../support/memory-lakefs.ts'
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts'

const study = 'bed'
const commit = 'c1'
let lake: MemoryStore
beforeEach(() => {
  lake = memoryStore()
})
const put = (key: string, text: string) => lake.put(key, Buffer.from(text))
const textAt = (key: string) => new TextDecoder().decode(lake.objects.get(key)?.bytes)
const key = attestationKey(study, commit)

describe('a record of the gate', () => {
  const schema = z.object({ commit: z.string(), rulesVersion: z.number(), said: z.string() })
  const read = () => readRecord({ lake }, { key: 'x', commit, schema })
  const record = { commit, rulesVersion, said: 'a' }

  it('is what was written of that commit by the present rules', async () => {
    expect(await read()).toBeUndefined()
    await put('x', JSON.stringify(record))
    expect(await read()).toEqual(record)
    await put('x', JSON.stringify({ ...record, commit: 'c2' }))
    expect(await read()).toBeUndefined()
    await put('x', JSON.stringify({ ...record, rulesVersion: rulesVersion - 1 }))
    expect(await read()).toBeUndefined()
    await put('x', JSON.stringify({ ...record, rulesVersion: rulesVersion + 1 }))
    expect(await read()).toBeUndefined()
  })

  it.each(['{', '', '{}', 'null', JSON.stringify({ commit, rulesVersion })])('is none where it is %j', async text => {
    await put('x', text)
    expect(await read()).toBeUndefined()
  })

  it('fails with the store', async () => {
    const failure = new TypeError('terminated')
    lake.get = () => Promise.reject(failure)
    await expect(read()).rejects.toBe(failure)
  })
})

describe('attestations', () => {
  const { lakefs } = memoryLakefs(study)
  const time = new Date('2026-01-02T03:04:05.678Z')
  const environment = () => ({ lake, lakefs, now: () => time })
  const make = (options: { profile?: 'full' | 'structure'; destination?: string } = {}) =>
    attest(environment(), { study, commit, ...options })
  const isMade = (profile?: 'full' | 'structure') => isAttested({ lake }, { study, commit, profile })

  it('say which commit, by which rules and profile, and when', async () => {
    await make()
    expect(JSON.parse(textAt(key))).toEqual({ commit, rulesVersion, profile: 'full', time: time.toISOString() })
    expect([await isMade(), await isMade('structure')]).toEqual([true, true])
    expect(await readAttestation({ lake }, { study, commit })).toBe('full')
    expect(await isAttested({ lake }, { study: 'other', commit })).toBe(false)
    expect(await isAttested({ lake }, { study, commit: 'c2' })).toBe(false)
  })

  it('of structure are less than full ones, and make way for them', async () => {
    await make({ profile: 'structure' })
    expect([await isMade(), await isMade('structure')]).toEqual([false, true])
    const first = textAt(key)
    await attest({ ...environment(), now: () => new Date(0) }, { study, commit, profile: 'structure' })
    expect(textAt(key)).toBe(first)
    await make()
    expect(await readAttestation({ lake }, { study, commit })).toBe('full')
    const full = textAt(key)
    await make({ profile: 'structure' })
    expect(textAt(key)).toBe(full)
  })

  it('from before there were profiles are full ones; of other profiles they are none', async () => {
    await put(key, JSON.stringify({ commit, rulesVersion, time: '' }))
    expect(await readAttestation({ lake }, { study, commit })).toBe('full')
    await put(key, JSON.stringify({ commit, rulesVersion, profile: 'none', time: '' }))
    expect(await readAttestation({ lake }, { study, commit })).toBeUndefined()
    await make()
    expect(await isMade()).toBe(true)
  })

  it('of other rules are written over', async () => {
    await put(key, JSON.stringify({ commit, rulesVersion: rulesVersion - 1, time: '' }))
    expect(await isMade('structure')).toBe(false)
    await make({ profile: 'structure' })
    expect(await readAttestation({ lake }, { study, commit })).toBe('structure')
  })

  it('are JSON', async () => {
    const types: unknown[] = []
    const typed = {
      ...lake,
      put: (...given: Parameters<typeof lake.put>) => {
        types.push(given[2])
        return lake.put(...given)
      },
    }
    await put(key, '{}')
    await attest({ ...environment(), lake: typed }, { study, commit, destination: 'v1' })
    const contentType = 'application/json'
    expect(types).toEqual([{ ifAbsent: true, contentType }, { contentType }, { ifAbsent: true, contentType }])
  })

  it('mark the branch of a version as one', async () => {
    const marked = async (destination?: string, profile?: 'full' | 'structure') => {
      lake.objects.clear()
      await make({ destination, profile })
      return [...lake.objects.keys()].filter(name => name !== key)
    }
    expect(await marked('v1')).toEqual([versionMarkerKey(study, 'v1')])
    expect(textAt(versionMarkerKey(study, 'v1'))).toBe('{}')
    expect(await marked('v1', 'structure')).toEqual([])
    for (const other of [undefined, 'main', 'keys', '_v1-0123456789ab']) expect(await marked(other)).toEqual([])
  })

  it('the commit before is the first parent', async () => {
    const repository = memoryLakefs(study)
    const [first, second] = [repository.commit({}), repository.commit({})]
    const merged = repository.commit({}, { parents: [first, second] })
    expect(await findParent(repository, study, merged)).toBe(first)
    expect(await findParent(repository, study, first)).toBeUndefined()
    expect(await findParent(repository, study, 'nowhere')).toBeUndefined()
  })
})

describe('verdicts', () => {
  const bad = [{ code: 'key-duplicate' as const, message: 'bad' }]

  it('are kept where they are good, by the rules and all that they depend on', async () => {
    let judged = 0
    const judge = async () => {
      judged++
      return []
    }
    const subject = { files: ['a'] }
    const of = (given: unknown) => judgeOnce({ lake }, { study, subject: given }, judge)
    expect([await of(subject), await of(subject)]).toEqual([[], []])
    expect(judged).toBe(1)
    const kept = verdictKey(study, hashValue({ rulesVersion, subject }))
    expect([...lake.objects.keys()]).toEqual([kept])
    expect(textAt(kept)).toBe('{}')
    expect(await of({ files: ['b'] })).toEqual([])
    expect(judged).toBe(2)
  })

  it('that are bad are found again', async () => {
    const subject = 's'
    for (let time = 0; time < 2; time++)
      expect(await judgeOnce({ lake }, { study, subject }, async () => bad)).toEqual(bad)
    expect(lake.objects.size).toBe(0)
  })

  it('are JSON', async () => {
    const put = lake.put.bind(lake)
    const types: unknown[] = []
    lake.put = (...given) => {
      types.push(given[2])
      return put(...given)
    }
    await judgeOnce({ lake }, { study, subject: 's' }, async () => [])
    expect(types).toEqual([{ ifAbsent: true, contentType: 'application/json' }])
  })

  it('go by address and content of each file', async () => {
    await lake.put('data/bed/a', Buffer.from('a'))
    const of = (...addresses: string[]) =>
      nameFiles({ lake }, { files: addresses.map(address => ({ address })) } as Parameters<typeof nameFiles>[1])
    const { etag } = (await lake.head('data/bed/a'))!
    const [here, gone, elsewhere] = ['s3://lake/data/bed/a', 's3://lake/data/bed/b', 's3://other/data/bed/a']
    expect(await of(here, gone, elsewhere)).toEqual([
      [here, etag],
      [gone, 'absent'],
      [elsewhere, 'absent'],
    ])
    expect(await of()).toEqual([])
  })
})
