import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attest } from '../../../lib/gate/attest.ts'
import { findChanges } from '../../../lib/gate/changes.ts'
import { checkRef } from '../../../lib/gate/check-ref.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { type Change, editTable } from '../../support/gate-cases.ts'
import { smallStudy } from '../../support/small-study.ts'

let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())

const study = 'compared'
const put = (branch: string, path: string, text: string) =>
  test.environment.lakefs.uploadObject(study, branch, path, Buffer.from(text))

describe('what a ref has otherwise than a commit', () => {
  let parent: string
  beforeAll(async () => {
    const { lakefs } = test.environment
    await lakefs.createRepository({ name: study, storageNamespace: 's3://lake/lakefs/compared' })
    for (const path of ['kept', 'edited', 'dropped', 'twice', 'back']) await put('main', path, 'a')
    parent = (await lakefs.commit(study, 'main', { message: 'x' })).id
    await lakefs.createBranch(study, { name: 'mine', source: 'main' })
    for (const path of ['twice', 'new']) await put('mine', path, 'b')
    await lakefs.deleteObject(study, 'mine', 'back')
    await lakefs.commit(study, 'mine', { message: 'x' })
  })
  const changesOf = async (ref: string, parentRef = parent) =>
    Object.fromEntries(await findChanges(test.environment, { study, ref, parentRef }))

  it('counts what is committed since, and what is staged on it', async () => {
    const { lakefs } = test.environment
    const { id } = (await lakefs.getCommit(study, 'mine'))!
    const committed = { back: 'removed', new: 'added', twice: 'changed' }
    expect(await changesOf(id)).toEqual(committed)
    expect(await changesOf('mine')).toEqual(committed)
    for (const path of ['twice', 'new', 'edited', 'back', 'staged']) await put('mine', path, 'c')
    await lakefs.deleteObject(study, 'mine', 'dropped')
    expect(await changesOf('mine')).toEqual({
      back: 'changed',
      dropped: 'removed',
      edited: 'changed',
      new: 'added',
      staged: 'added',
      twice: 'changed',
    })
    expect(await changesOf(id)).toEqual(committed)
    const staged = { back: 'added', dropped: 'removed', edited: 'changed', new: 'changed', staged: 'added' }
    expect(await changesOf('mine', id)).toEqual({ ...staged, twice: 'changed' })
  })

  it('is looked for again where the branch moves, and given up where it does not stand still', async () => {
    const { lakefs } = test.environment
    let moves = 1
    const moving: typeof lakefs = {
      ...lakefs,
      async *diffUncommitted(...given) {
        yield* lakefs.diffUncommitted(...given)
        if (moves-- > 0) await lakefs.commit(study, 'mine', { message: 'x', allowEmpty: true })
      },
    }
    const look = () => findChanges({ lakefs: moving }, { study, ref: 'mine', parentRef: parent })
    expect((await look()).get('staged')).toBe('added')
    moves = Number.POSITIVE_INFINITY
    await expect(look()).rejects.toThrow('was written to while it was judged')
  })
})

describe('what judging one changed table costs', () => {
  /** That many datasets like `dm`. */
  function filesOf(count: number): Record<string, string> {
    const text = (value: string | Uint8Array) => (typeof value === 'string' ? value : new TextDecoder().decode(value))
    const [header = '', ...lines] = text(smallStudy['contents.csv']!).trim().split('\n')
    const names = Array.from({ length: count }, (_, at) => `d${at}`)
    const of = (line: string) => /^"?dm"?,/i.test(line)
    const declared = names.flatMap(name => lines.filter(of).map(line => line.replace(/^"?dm"?,/i, `${name},`)))
    return {
      'contents.csv': [header, ...declared, ''].join('\n'),
      ...Object.fromEntries(names.map(name => [`${name}.csv`, text(smallStudy['dm.csv']!)])),
    }
  }
  /** Calls to lakeFS and to the lake, objects that listings gave, and ms. */
  async function cost(name: string, change: Change) {
    const { lakefs } = test.environment
    const parentRef = (await lakefs.getBranch(name, 'v1'))!.commitId
    const branch = `_cost-${calls++}`
    await lakefs.createBranch(name, { name: branch, source: 'v1', hidden: true })
    await change({ test, study: name, branch, after: () => {} })
    const counts = { lakefs: 0, listed: 0, lake: 0 }
    const counted = new Proxy(lakefs, {
      get(target, key: keyof typeof lakefs) {
        const call = target[key] as (...given: unknown[]) => unknown
        return (...given: unknown[]) => {
          counts.lakefs++
          const result = call.apply(target, given)
          return result && typeof result === 'object' && Symbol.asyncIterator in result
            ? count(result as AsyncIterable<unknown>)
            : result
        }
      },
    })
    async function* count(items: AsyncIterable<unknown>) {
      for await (const item of items) {
        counts.listed++
        yield item
      }
    }
    test.lake.calls.length = 0
    const begin = performance.now()
    const options = { profile: 'full', parent: parentRef } as const
    const { tables, problems } = await checkRef({ lakefs: counted, lake: test.lake }, name, branch, options)
    const ms = Math.round(performance.now() - begin)
    counts.lake = test.lake.calls.length
    return { counts, tables, problems, ms }
  }
  let calls = 0

  it('depends on what changed, not on how many tables there are', { timeout: 240_000 }, async () => {
    for (const [name, count] of [
      ['small', 1],
      ['large', 24],
    ] as const) {
      await test.upload({ study: name, version: 'v1', files: filesOf(count) })
      await test.drain()
      const head = (await test.environment.lakefs.getBranch(name, 'v1'))!.commitId
      await attest(test.environment, { study: name, commit: head })
    }
    const change = (name: string): Change => editTable(name, table => Object.assign(table.properties!, { x: 'y' }))
    for (const layer of ['raw', 'base']) {
      const [small, large] = [await cost('small', change(`${layer}.d0`)), await cost('large', change(`${layer}.d0`))]
      expect(large).toMatchObject({ counts: small.counts, tables: small.tables, problems: [] })
      console.info(`one table of 1: ${small.ms} ms; one of 24: ${large.ms} ms; ${JSON.stringify(large.counts)}`)
    }
  })
})
