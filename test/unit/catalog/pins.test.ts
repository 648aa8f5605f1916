import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attestationKey, gatePath } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { namespacePath as at, loadVersion, openCatalog } from './support.ts'

const study = 'trial-01'
let test: TestEnvironment
let base: string

beforeAll(async () => {
  test = await makeEnvironment()
  await loadVersion(test, study)
  base = (await test.environment.lakefs.getBranch(study, 'v1'))!.commitId
}, 60_000)
afterAll(() => test.close())

const table = (ref: string, name = 'dm') => `${at(`${study}@${ref}`, 'raw')}/tables/${name}`

/** A branch whose head is a commit that the gate was not asked about: its source has no action file. Resolves with the commit. */
async function makeUnasked(name: string, change: (branch: string) => Promise<void>): Promise<string> {
  const { lakefs } = test.environment
  const hidden = `_${name}`
  await lakefs.createBranch(study, { name: hidden, source: base, hidden: true })
  await lakefs.deleteObject(study, hidden, gatePath)
  await change(hidden)
  const { id } = await lakefs.commit(study, hidden, { message: name })
  await lakefs.createBranch(study, { name, source: id })
  return id
}

describe('a commit that nobody has judged', () => {
  it('is judged when it is first asked for, and then known to every process', async () => {
    const commit = await makeUnasked('fair', async () => {})
    expect(test.lake.objects.has(attestationKey(study, commit))).toBe(false)
    const ask = openCatalog(test.environment)
    const answers = await Promise.all(['dm', 'sv', 'ae'].map(name => ask('GET', table('fair', name))))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(test.lake.objects.has(attestationKey(study, commit))).toBe(true)
    test.lake.calls.length = 0
    expect(await openCatalog(test.environment)('GET', table('fair'))).toMatchObject({ status: 200 })
    expect(test.lake.calls.filter(({ key }) => key.startsWith('data/'))).toEqual([])
  })

  it('is not served where it is bad: the gate’s list is the answer', async () => {
    const { lakefs } = test.environment
    const commit = await makeUnasked('foul', async branch => {
      const path = 'tables/raw/dm.json'
      const text = Buffer.from((await lakefs.getObject(study, branch, path))!).toString()
      const changed = text.replace(/("name": "AGE",[^}]*"type": )"int"/s, '$1"string"')
      expect(changed).not.toBe(text)
      await lakefs.uploadObject(study, branch, path, Buffer.from(changed), { contentType: 'application/json' })
    })
    const ask = openCatalog(test.environment)
    for (const ref of ['foul', commit, commit.slice(0, 12)]) {
      for (const path of [table(ref), table(ref, 'sv'), `${at(`${study}@${ref}`, 'raw')}/tables`]) {
        const answer = await ask('GET', path)
        expect(answer, path).toMatchObject({ status: 403, body: { error: { type: 'ForbiddenException' } } })
        expect(answer.body.error.message).toMatch(/is not served: the gate refuses.*raw\.dm.*AGE/s)
      }
      expect(await ask('HEAD', table(ref))).toMatchObject({ status: 403, text: '' })
      // One bad branch hides no other: engines list all namespaces at once.
      expect(await ask('GET', `/v1/namespaces?parent=${study}@${ref}`)).toMatchObject({ status: 200 })
    }
    expect((await ask('GET', '/v1/namespaces')).body.namespaces).toContainEqual([`${study}@foul`])
    expect(test.lake.objects.has(attestationKey(study, commit))).toBe(false)
  })

  it('may be good later: what it lacked may have come', async () => {
    const commit = await makeUnasked('late', async () => {})
    const ask = openCatalog(test.environment)
    const key = [...test.lake.objects.keys()].find(name => /^data\/trial-01\/raw\/dm\/[^.]+\.parquet$/.test(name))!
    const file = test.lake.objects.get(key)!
    test.lake.objects.delete(key)
    expect(await ask('GET', table(commit))).toMatchObject({ status: 403 })
    test.lake.objects.set(key, file)
    test.lake.calls.length = 0
    expect(await ask('GET', table(commit))).toMatchObject({ status: 403 })
    expect(test.lake.calls).toEqual([])
    test.clock.advance(31)
    expect(await ask('GET', table(commit))).toMatchObject({ status: 200 })
  })
})

describe('a request', () => {
  it('reads at one commit, wherever the branch goes meanwhile', async () => {
    const { lakefs } = test.environment
    await lakefs.createBranch(study, { name: 'moving', source: base })
    const writer = openCatalog(test.environment)
    const drop = () => writer('DELETE', table('moving', 'ae'))
    let moves = 0
    const getBranch: typeof lakefs.getBranch = async (...args) => {
      const found = await lakefs.getBranch(...args)
      if (args[1] === 'moving' && moves++ === 0) expect(await drop()).toMatchObject({ status: 204 })
      return found
    }
    const ask = openCatalog({ ...test.environment, lakefs: { ...lakefs, getBranch } })
    expect(await ask('GET', table('moving', 'ae'))).toMatchObject({ status: 200 })
    expect(await ask('GET', table('moving', 'ae'))).toMatchObject({ status: 404 })
  })

  it('of a table that is known asks lakeFS where the branch is, and nothing else', async () => {
    const { lakefs } = test.environment
    const called: string[] = []
    const ask = openCatalog({
      ...test.environment,
      lakefs: new Proxy(lakefs, {
        get(target, name, receiver) {
          called.push(String(name))
          return Reflect.get(target, name, receiver) as unknown
        },
      }),
    })
    await ask('GET', table('v1'))
    await ask('GET', table(base))
    called.length = 0
    test.lake.calls.length = 0
    expect(await ask('GET', table('v1'))).toMatchObject({ status: 200 })
    expect(called).toEqual(['getBranch'])
    expect(await ask('GET', table(base))).toMatchObject({ status: 200 })
    expect(called).toEqual(['getBranch'])
    expect(test.lake.calls).toEqual([])
  })

  it('of a table that was written by hand leaves its metadata where engines find it', async () => {
    const { lakefs } = test.environment
    await makeUnasked('by-hand', async branch => {
      const path = 'tables/raw/sv.json'
      const text = Buffer.from((await lakefs.getObject(study, branch, path))!).toString()
      await lakefs.uploadObject(study, branch, path, Buffer.from(`${text}\n`), { contentType: 'application/json' })
    })
    const ask = openCatalog(test.environment)
    const { body } = await ask('GET', table('by-hand', 'sv'))
    expect(body.error).toBeUndefined()
    const stored = test.lake.objects.get((body['metadata-location'] as string).slice('s3://lake/'.length))!
    expect(JSON.parse(Buffer.from(stored.bytes).toString())).toEqual(body.metadata)
  })
})
