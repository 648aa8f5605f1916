import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { commitEdits } from '../../../../lib/catalog/commit/index.ts'
import type { CatalogError } from '../../../../lib/catalog/error.ts'
import type { TableEdit } from '../../../../lib/catalog/table-edit.ts'
import type { Environment } from '../../../../lib/environment.ts'
import { makeEnvironment, type TestEnvironment } from '../../../support/environment.ts'
import { addOne, branch, create, drop, makeBarrier, makeStudy, readCount, study, withLakefs } from './support.ts'

let test: TestEnvironment
let lakefs: Environment['lakefs']
beforeAll(async () => {
  test = await makeEnvironment()
  ;({ lakefs } = test.environment)
})
afterAll(() => test.close())
beforeEach(() => makeStudy(test))

const writers = Array.from({ length: 8 }, (_, at) => `w${at}`)
const commit = (author: string, edits: TableEdit[], environment = test.environment) =>
  commitEdits(environment, { study, branch, edits, author, purpose: 'Count' })

/** What became of each: undefined, or the type of the refusal. */
const outcomes = (works: Promise<unknown>[]): Promise<(string | undefined)[]> =>
  Promise.all(
    works.map(work =>
      work.then(
        () => undefined,
        (error: CatalogError) => error.type,
      ),
    ),
  )

/** All writers have read before any of them goes on. */
function reading(count: number): Environment {
  const arrive = makeBarrier(count)
  return withLakefs(test.environment, {
    async createBranch(...args) {
      await arrive()
      return lakefs.createBranch(...args)
    },
  })
}

describe('eight writers at once', () => {
  it('on one table: one wins each time, and the others are told', async () => {
    await commit('first', [create('a')])
    for (let round = 1; round <= 3; round++) {
      const environment = reading(writers.length)
      const found = await outcomes(writers.map(writer => commit(writer, [addOne('a', writer)], environment)))
      expect(found.filter(outcome => outcome === undefined)).toHaveLength(1)
      expect(found.filter(outcome => outcome === 'CommitFailedException')).toHaveLength(7)
      expect(await readCount(test.environment, 'a')).toBe(round)
    }
  })

  it('on tables of their own: all win', async () => {
    await commit('first', writers.map(create))
    const environment = reading(writers.length)
    const found = await outcomes(writers.map(writer => commit(writer, [addOne(writer)], environment)))
    expect(found).toEqual(writers.map(() => undefined))
    for (const writer of writers) expect(await readCount(test.environment, writer)).toBe(1)
    const log = await Array.fromAsync(lakefs.log(study, branch, { firstParent: true }))
    expect(new Set(log.slice(0, 8).map(({ metadata }) => metadata.author))).toEqual(new Set(writers))
  })

  it('that try again until they win count to eight', async () => {
    await commit('first', [create('a')])
    const persist = async (writer: string): Promise<void> => {
      const [outcome] = await outcomes([commit(writer, [addOne('a', writer)])])
      if (outcome === undefined) return
      expect(outcome).toBe('CommitFailedException')
      return persist(writer)
    }
    await Promise.all(writers.map(persist))
    expect(await readCount(test.environment, 'a')).toBe(8)
  })

  it('of which each changes two tables of a ring: never half of one', async () => {
    await commit('first', writers.map(create))
    const environment = reading(writers.length)
    const pairs = writers.map((writer, at) => [writer, writers[(at + 1) % writers.length]!] as const)
    const found = await outcomes(
      pairs.map(([a, b]) => commit(a, [addOne(a, `${a}-${b}`), addOne(b, `${a}-${b}`)], environment)),
    )
    const expected = new Map(writers.map(writer => [writer, 0]))
    for (const [at, pair] of pairs.entries())
      if (found[at] === undefined) for (const table of pair) expected.set(table, expected.get(table)! + 1)
    const counts = await Promise.all(writers.map(async table => [table, await readCount(test.environment, table)]))
    expect(counts).toEqual([...expected])
    expect(Math.max(...expected.values())).toBe(1)
    expect(found.filter(outcome => outcome === undefined).length).toBeGreaterThanOrEqual(1)
  })
})

describe('what others commit between reading and branching', () => {
  /** Does something once this writer has read. */
  const meanwhile = (work: () => Promise<unknown>) =>
    withLakefs(test.environment, {
      async createBranch(...args) {
        await work()
        return lakefs.createBranch(...args)
      },
    })

  it('stays', async () => {
    await commit('first', [create('a'), create('b')])
    const environment = meanwhile(() => commit('other', [addOne('b'), create('c')]))
    await commit('this', [addOne('a')], environment)
    expect([await readCount(test.environment, 'a'), await readCount(test.environment, 'b')]).toEqual([1, 1])
    expect(await readCount(test.environment, 'c')).toBe(0)
  })

  it.each([
    ['changed', () => commit('other', [addOne('a', 'other')])],
    ['dropped', () => commit('other', [drop('a')])],
  ] as const)('to the same table (%s) wins', async (_, work) => {
    await commit('first', [create('a')])
    let after: number | undefined
    const environment = meanwhile(async () => {
      await work()
      after = await readCount(test.environment, 'a')
    })
    expect(await outcomes([commit('this', [addOne('a', 'this'), create('b')], environment)])).toEqual([
      'CommitFailedException',
    ])
    expect(await readCount(test.environment, 'a')).toBe(after)
    expect(await readCount(test.environment, 'b')).toBeUndefined()
  })

  it('to a table that this one drops wins', async () => {
    await commit('first', [create('a')])
    const environment = meanwhile(() => commit('other', [addOne('a')]))
    expect(await outcomes([commit('this', [drop('a')], environment)])).toEqual(['CommitFailedException'])
    expect(await readCount(test.environment, 'a')).toBe(1)
  })

  it('under the same name wins', async () => {
    const environment = meanwhile(() => commit('other', [create('a'), addOne('a', 'other')]))
    expect(await outcomes([commit('this', [create('a')], environment)])).toEqual(['CommitFailedException'])
    expect(await readCount(test.environment, 'a')).toBe(1)
  })
})
