import { beforeEach, describe, expect, it } from 'vitest'
import { attest, readAttestation } from '../../../lib/gate/attest.ts'
import { type HeadsJudged, judgeHeads, readUnattested } from '../../../lib/gate/unattested.ts'
import { rulesVersion } from '../../../lib/gate/verdicts.ts'
import { unattestedKey, versionPath } from '../../../lib/layout.ts'
import { type MemoryLakefs, memoryLakefs, type Tree } from '../../support/memory-lakefs.ts'
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts'

const study = 'bed'
let repository: MemoryLakefs
let lake: MemoryStore
let time: number
beforeEach(() => {
  repository = memoryLakefs(study)
  lake = memoryStore()
  time = 1_000_000
})

const environment = () => ({ lakefs: repository.lakefs, lake, now: () => new Date(time) })
const good: Tree = { 'notes.md': 'x' }
const stray: Tree = { 'a.parquet': 'x' }
const problem = {
  code: 'object-stray',
  message: 'a.parquet looks like a file of a table, and no table refers to objects of a branch',
}
async function judge({ most = 10, seconds = 60, given = environment() } = {}): Promise<HeadsJudged> {
  let found: HeadsJudged | undefined
  await judgeHeads(given, {
    most,
    seconds,
    report: said => {
      found = said
    },
  })
  return found!
}
const marker = (commit: string) => {
  const stored = lake.objects.get(unattestedKey(study, commit))
  return stored && JSON.parse(new TextDecoder().decode(stored.bytes))
}

describe('heads that nobody judged', () => {
  it('are judged, those that pass attested and those that do not remembered', async () => {
    const [fine, bad] = [repository.commit(good, { branch: 'fine' }), repository.commit(stray, { branch: 'bad' })]
    expect(await judge()).toEqual({
      judged: 2,
      left: 0,
      unattested: [{ study, branch: 'bad', commit: bad, problems: [problem] }],
    })
    expect(await readAttestation({ lake }, { study, commit: fine })).toBe('structure')
    expect(await readAttestation({ lake }, { study, commit: bad })).toBeUndefined()
    expect(marker(bad)).toEqual({ commit: bad, rulesVersion, problems: [problem] })
    expect(marker(fine)).toBeUndefined()
    // What passed is not looked at again, what did not is.
    repository.calls.length = 0
    expect(await judge()).toMatchObject({ judged: 1, left: 0, unattested: [{ branch: 'bad' }] })
    expect(repository.calls.filter(call => call.includes(fine) && call.startsWith('listObjects'))).toEqual([])
  })

  it('are those of visible branches', async () => {
    repository.commit(stray, { branch: '_hidden' })
    expect(await judge()).toEqual({ judged: 0, left: 0, unattested: [] })
  })

  it('are those too that were judged by milder rules than their branch asks for', async () => {
    const main = repository.commit({}, { branch: 'main' })
    await attest(environment(), { study, commit: main })
    const commit = repository.commit({ [versionPath]: '{"version":"v1"}' }, { branch: 'v1' })
    await attest(environment(), { study, commit, profile: 'structure' })
    expect(await judge()).toMatchObject({ judged: 1, unattested: [{ branch: 'v1' }] })
    await attest(environment(), { study, commit })
    expect(await judge()).toEqual({ judged: 0, left: 0, unattested: [] })
    const own = repository.commit(stray, { branch: 'mine' })
    await attest(environment(), { study, commit: own, profile: 'structure' })
    expect((await judge()).judged).toBe(0)
  })

  it('a hundred problems are kept of one', async () => {
    const tree = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`${at}.parquet`, 'x']))
    const commit = repository.commit(tree, { branch: 'bad' })
    expect((await judge()).unattested[0]!.problems).toHaveLength(101)
    expect(marker(commit).problems).toHaveLength(100)
  })

  it('are remembered as JSON', async () => {
    repository.commit(stray, { branch: 'bad' })
    const types: unknown[] = []
    const put: typeof lake.put = (...given) => {
      types.push(given[2])
      return lake.put(...given)
    }
    await judge({ given: { ...environment(), lake: { ...lake, put } } })
    expect(types).toEqual([{ contentType: 'application/json' }])
  })
})

describe('a round', () => {
  it('judges so many at most; what was found before of the others is told', async () => {
    for (const branch of ['a', 'b', 'c']) repository.commit({ ...stray, [branch]: '' }, { branch })
    expect(await judge({ most: 2 })).toMatchObject({
      judged: 2,
      left: 1,
      unattested: [{ branch: 'a' }, { branch: 'b' }],
    })
    // The one that was never looked at comes first; of the others one is left.
    const second = await judge({ most: 2 })
    expect(second).toMatchObject({ judged: 2, left: 1 })
    expect(second.unattested.map(({ branch }) => branch)).toEqual(['c', 'a', 'b'])
    expect(second.unattested[2]!.problems).toEqual([problem])
    expect(await judge({ most: 0 })).toMatchObject({ judged: 0, left: 3 })
  })

  it('begins none after its time', async () => {
    for (const branch of ['a', 'b']) repository.commit({ ...good, [branch]: '' }, { branch })
    const { lakefs } = repository
    const slow = {
      ...lakefs,
      async *listObjects(...given: Parameters<typeof lakefs.listObjects>) {
        time += 1000
        yield* lakefs.listObjects(...given)
      },
    }
    const of = (seconds: number) => judge({ seconds, given: { ...environment(), lakefs: slow } })
    expect(await of(0.999)).toEqual({ judged: 1, left: 1, unattested: [] })
    for (const branch of ['c', 'd']) repository.commit({ ...good, [branch]: '' }, { branch })
    repository.branches.delete('b')
    expect(await of(1)).toEqual({ judged: 2, left: 0, unattested: [] })
  })

  it('goes on where one head, or one study, cannot be judged, and fails with the first at the end', async () => {
    const [a, b] = ['a', 'b'].map(branch => repository.commit({ ...good, [branch]: '' }, { branch }))
    const { lakefs } = repository
    const failing = {
      ...lakefs,
      async *listRepositories() {
        yield { id: 'gone' }
        yield { id: study }
      },
      async *listBranches(of: string) {
        if (of === 'gone') throw new Error('no such study')
        yield* lakefs.listBranches(of)
      },
      async *listObjects(...given: Parameters<typeof lakefs.listObjects>) {
        if (given[1] === a) throw new Error('no such commit')
        yield* lakefs.listObjects(...given)
      },
    } as unknown as typeof lakefs
    let found: HeadsJudged | undefined
    const round = judgeHeads(
      { ...environment(), lakefs: failing },
      {
        most: 9,
        seconds: 9,
        report: said => {
          found = said
        },
      },
    )
    await expect(round).rejects.toThrow('no such study')
    expect(found).toEqual({ judged: 2, left: 0, unattested: [] })
    expect(await readAttestation({ lake }, { study, commit: b! })).toBe('structure')
  })
})

describe('what was found of a head', () => {
  const commit = 'c1'
  const read = () => readUnattested({ lake }, { study, commit })
  const write = (record: object) => lake.put(unattestedKey(study, commit), Buffer.from(JSON.stringify(record)))

  it('is told until it passes', async () => {
    expect(await read()).toBeUndefined()
    await write({ commit, rulesVersion, problems: [problem] })
    expect(await read()).toEqual([problem])
    await attest(environment(), { study, commit, profile: 'structure' })
    expect(await read()).toBeUndefined()
  })

  it('is of the present rules', async () => {
    await write({ commit, rulesVersion: rulesVersion - 1, problems: [problem] })
    expect(await read()).toBeUndefined()
    await write({ commit, rulesVersion })
    expect(await read()).toBeUndefined()
  })
})
