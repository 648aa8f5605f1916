import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { commitEdits } from '../../../../lib/catalog/commit/index.ts'
import { sweepSqlBranches } from '../../../../lib/catalog/commit/sweep.ts'
import type { CatalogError } from '../../../../lib/catalog/error.ts'
import type { Environment } from '../../../../lib/environment.ts'
import { TransientError } from '../../../../lib/errors.ts'
import { LakefsError } from '../../../../lib/lakefs/client.ts'
import { runBranch, sqlBranch } from '../../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../../support/environment.ts'
import { type Fault, injectFault } from '../../../support/faults.ts'
import { addOne, branch, create, makeStudy, readCount, study, withLakefs } from './support.ts'

let test: TestEnvironment
let lakefs: Environment['lakefs']
beforeAll(async () => {
  test = await makeEnvironment()
  ;({ lakefs } = test.environment)
})
afterAll(() => test.close())
beforeEach(() => makeStudy(test))

const hidden = async () => (await test.listBranches(study)).filter(name => name.startsWith('_'))
/** Adds one to two tables at once, and says how that ended. */
async function addToBoth(environment: Environment): Promise<string> {
  const edits = [addOne('a'), addOne('b')]
  const work = commitEdits(environment, { study, branch, edits, author: 'Alice', purpose: 'Count' })
  return work.then(
    () => 'done',
    (error: CatalogError) => error.type ?? `a bare ${error.name}`,
  )
}
const make = (environment = test.environment) =>
  commitEdits(environment, { study, branch, edits: [create('a'), create('b')], author: 'Alice', purpose: 'Create' })
const readBoth = async () => [await readCount(test.environment, 'a'), await readCount(test.environment, 'b')]

describe('wherever one call goes wrong, the answer tells what is', () => {
  it.each(['failure', 'lost-answer', 'death'] as const)('%s', { timeout: 120_000 }, async kind => {
    await make()
    const counter = injectFault(test.environment)
    await addToBoth(counter.environment)
    let count = 1
    expect(await readBoth()).toEqual([count, count])
    const seen = new Map<string, string[]>()
    for (let at = kind === 'death' ? 0 : 1; at <= counter.calls(); at++) {
      const fault: Fault = { kind, at }
      const answer = await addToBoth(injectFault(test.environment, fault).environment)
      const [a, b] = await readBoth()
      expect(a).toBe(b)
      const done = a === count + 1
      expect(done || a === count).toBe(true)
      // A process that died has told nobody anything; what it would have said must be true all the same.
      if (answer === 'done') expect(done).toBe(true)
      else if (answer === 'ServiceUnavailableException') expect(done).toBe(false)
      else expect([kind, answer]).toEqual(['death', 'CommitStateUnknownException'])
      const name = counter.names[at - 1] ?? 'start'
      seen.set(answer, [...(seen.get(answer) ?? []), name])
      count = a!
      // What could not be deleted waits for the sweep.
      const stays = kind === 'failure' && name === 'lakefs.deleteBranch'
      if (kind !== 'death') expect(await hidden()).toHaveLength(stays ? 1 : 0)
    }
    expect([...seen.keys()].sort()).toEqual(
      ['ServiceUnavailableException', 'done', ...(kind === 'death' ? ['CommitStateUnknownException'] : [])].sort(),
    )
    if (kind === 'death') {
      // Whatever was left is the sweep's, but not before its time.
      expect((await hidden()).length).toBeGreaterThan(2)
      const left = (await hidden()).length
      test.clock.advance(3600)
      expect(await sweepSqlBranches(test.environment, { seconds: 3600 })).toBe(0)
      test.clock.advance(1)
      expect(await sweepSqlBranches(test.environment, { seconds: 3600 })).toBe(left)
      expect(await hidden()).toEqual([])
      expect(await readBoth()).toEqual([count, count])
    } else {
      // What went wrong at the merge itself is mended within the call.
      expect(seen.get('done')).toEqual(['lakefs.merge', 'lakefs.deleteBranch'])
    }
  })
})

describe('a merge whose answer is lost', () => {
  const lost = new TransientError('lakeFS did not answer')
  beforeEach(() => make())

  /** An environment in which the merge is done, or not, and then fails in that way, each time. */
  const merging = (done: boolean, failures: unknown[], others: Partial<Environment['lakefs']> = {}) => {
    let calls = 0
    return withLakefs(test.environment, {
      async merge(...args) {
        const failure = failures[Math.min(calls++, failures.length - 1)]
        if (done) await lakefs.merge(...args).catch(() => {})
        throw failure
      },
      ...others,
    })
  }
  const silent = () => Promise.reject(lost)
  const refusal = (status: number) => new LakefsError('POST merge', { status, detail: 'words of lakeFS' })

  it('was done, as the look at the branch says', async () => {
    expect(await addToBoth(merging(true, [lost]))).toBe('done')
    expect(await addToBoth(merging(true, [new TypeError('terminated')]))).toBe('done')
    expect(await addToBoth(merging(true, [lost, refusal(400)]))).toBe('done')
    expect(await readBoth()).toEqual([3, 3])
  })

  it('was done, and others went on from it', async () => {
    const environment = merging(true, [lost], {
      async findMergeBase(...args) {
        await addToBoth(test.environment)
        return lakefs.findMergeBase(...args)
      },
    })
    expect(await addToBoth(environment)).toBe('done')
    expect(await readBoth()).toEqual([2, 2])
  })

  it('is in doubt as long as it cannot be told', async () => {
    const unknown = 'CommitStateUnknownException'
    expect(await addToBoth(merging(false, [lost]))).toBe(unknown)
    expect(await addToBoth(merging(false, [lost, refusal(412)]))).toBe(unknown)
    expect(await addToBoth(merging(false, [lost, refusal(404)]))).toBe(unknown)
    expect(await addToBoth(merging(false, [lost, refusal(400)]))).toBe(unknown)
    expect(await readBoth()).toEqual([0, 0])
    expect(await addToBoth(merging(true, [lost], { findMergeBase: silent }))).toBe(unknown)
    expect(await addToBoth(merging(true, [refusal(400)], { findMergeBase: silent }))).toBe(unknown)
    expect(await readBoth()).toEqual([2, 2])
    expect(await hidden()).toEqual([])
  })

  it('is in no doubt where a refusal holds for it too', async () => {
    expect(await addToBoth(merging(false, [lost, refusal(409)]))).toBe('CommitFailedException')
    const away = merging(false, [lost, refusal(404)], { getBranch: async (_, name) => lakefs.getBranch(study, name) })
    const { getBranch } = away.lakefs
    let asked = 0
    away.lakefs.getBranch = async (...args) => (asked++ === 0 ? getBranch(...args) : undefined)
    expect(await addToBoth(away)).toBe('NoSuchNamespaceException')
  })

  it('is not sent again for ever', async () => {
    let calls = 0
    const slow = withLakefs(test.environment, {
      async merge() {
        calls++
        test.clock.advance(31)
        throw lost
      },
    })
    expect(await addToBoth(slow)).toBe('CommitStateUnknownException')
    expect(calls).toBe(1)
  })

  it('is refused, not lost, where lakeFS says so', async () => {
    const unavailable = 'ServiceUnavailableException'
    const busy = new TransientError('lakeFS answered 429', { status: 429 })
    expect(await addToBoth(merging(false, [busy]))).toBe(unavailable)
    expect(await addToBoth(merging(false, [refusal(400)]))).toBe('BadRequestException')
    expect(await addToBoth(merging(false, [refusal(412)], { findMergeBase: silent }))).toBe(unavailable)
    expect(await addToBoth(merging(false, [refusal(403)]))).toBe('a bare LakefsError')
    expect(await readBoth()).toEqual([0, 0])
  })
})

describe('the sweep', () => {
  const old = sqlBranch(new Date(0), '01234567')
  const leave = (name: string) => lakefs.createBranch(study, { name, source: 'main', hidden: true })

  it('takes nothing but old hidden branches of SQL commits', async () => {
    const others = [runBranch('sql', '0123456789ab'), '_sql-x', sqlBranch(test.clock.now(), '01234567')]
    for (const name of [old, ...others]) await leave(name)
    await lakefs.createBranch(study, { name: 'sql-1', source: 'main' })
    expect(await sweepSqlBranches(test.environment, { seconds: 3600 })).toBe(1)
    expect((await hidden()).sort()).toEqual(others.sort())
    expect(await test.listBranches(study)).toContain('sql-1')
  })

  it('goes on to the next study where one cannot be swept', async () => {
    await leave(old)
    await lakefs.createRepository({ name: 'another', storageNamespace: 's3://lake/lakefs/another/1' })
    const environment = withLakefs(test.environment, {
      listBranches(...args) {
        if (args[0] === 'another') throw new TransientError('lakeFS did not answer')
        return lakefs.listBranches(...args)
      },
    })
    await expect(sweepSqlBranches(environment, { seconds: 3600 })).rejects.toThrow(TransientError)
    expect(await hidden()).toEqual([])
  })
})
