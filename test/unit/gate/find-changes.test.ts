import { describe, expect, it } from 'vitest'
import { TransientError } from '../../../lib/errors.ts'
import { findChanges } from '../../../lib/gate/changes.ts'
import type { Lakefs } from '../../../lib/lakefs/client.ts'
import { memoryLakefs } from '../../support/memory-lakefs.ts'

const study = 'bed'
const find = async (lakefs: Lakefs, ref: string, parentRef: string) =>
  Object.fromEntries(await findChanges({ lakefs }, { study, ref, parentRef }))

describe('what a commit has otherwise', () => {
  it('is what lakeFS says of the two', async () => {
    const { lakefs, commit, calls } = memoryLakefs(study)
    const [parent, child] = [commit({ a: '1', b: '1', c: '1' }), commit({ a: '1', b: '2', d: '1' })]
    expect(await find(lakefs, child, parent)).toEqual({ b: 'changed', c: 'removed', d: 'added' })
    expect(calls.toSorted()).toEqual(
      [
        `getBranch ${child}`,
        `diffRefs ${parent} ${child} two_dot`,
        `listObjects ${parent}`,
        `listObjects ${child}`,
      ].toSorted(),
    )
  })

  it('is what lies elsewhere too, where lakeFS takes the two for the same', async () => {
    const { lakefs, commit } = memoryLakefs(study)
    const parent = commit({ kept: '1', moved: '1', edited: '1', gone: '1' })
    const places = { moved: 's3://elsewhere/1', edited: 's3://elsewhere/2', added: 's3://elsewhere/3' }
    const child = commit({ kept: '1', moved: '1', edited: '2', added: '1' }, { places })
    expect(await find(lakefs, child, parent)).toEqual({
      moved: 'changed',
      edited: 'changed',
      gone: 'removed',
      added: 'added',
    })
    async function* listObjects(_study: string, ref: string) {
      yield { type: 'common_prefix', path: 'folder', physicalAddress: ref }
      yield { type: 'object', path: 'kept', physicalAddress: 'same' }
    }
    const folders = { ...lakefs, listObjects } as unknown as Lakefs
    expect(await find(folders, commit({ kept: '1' }), commit({ kept: '1' }))).toEqual({})
  })

  it('fails with the comparison, or with a listing', async () => {
    const { lakefs, commit } = memoryLakefs(study)
    const [parent, child] = [commit({}), commit({})]
    const failing = (message: string) =>
      async function* () {
        yield* []
        throw new Error(message)
      }
    const listing = { ...lakefs, listObjects: failing('no listing') } as unknown as Lakefs
    await expect(find(listing, child, parent)).rejects.toThrow('no listing')
    const both = { ...listing, diffRefs: failing('no comparison') } as unknown as Lakefs
    await expect(find(both, child, parent)).rejects.toThrow('no comparison')
    // What the listing failed with is nobody's: it would end the process.
    await new Promise(resolve => setImmediate(resolve))
  })

  it('is nothing where it is the same commit, and nothing is asked for', async () => {
    const { lakefs, commit, calls } = memoryLakefs(study)
    const parent = commit({ a: '1' })
    expect(await find(lakefs, parent, parent)).toEqual({})
    expect(calls).toEqual([`getBranch ${parent}`])
  })

  it('holds no conflicts and no folders', async () => {
    const { lakefs, commit } = memoryLakefs(study)
    const [parent, child] = [commit({}), commit({})]
    async function* differences() {
      for (const type of ['conflict', 'prefix_changed', 'changed', 'added', 'removed'] as const)
        yield { type, path: type, pathType: 'object' as const, size: 1 }
    }
    const odd = { ...lakefs, diffRefs: differences } as unknown as Lakefs
    expect(await find(odd, child, parent)).toEqual({ changed: 'changed', added: 'added', removed: 'removed' })
    const branch = memoryLakefs(study)
    const head = branch.commit({}, { branch: 'mine' })
    const staged = { ...branch.lakefs, diffUncommitted: differences } as unknown as Lakefs
    expect(await find(staged, 'mine', head)).toEqual({ changed: 'changed', added: 'added', removed: 'removed' })
  })
})

describe('what a branch has otherwise', () => {
  it('counts what is committed and what is staged, as one change', async () => {
    const { lakefs, commit, stage } = memoryLakefs(study)
    const parent = commit({ kept: '1', edited: '1', gone: '1', back: '1', twice: '1', undone: '1' })
    commit({ kept: '1', edited: '1', gone: '1', twice: '2', undone: '1', new: '1', brief: '1' }, { branch: 'mine' })
    for (const path of ['edited', 'back', 'twice', 'new', 'staged']) stage('mine', path, '3')
    for (const path of ['gone', 'brief']) stage('mine', path, undefined)
    expect(await find(lakefs, 'mine', parent)).toEqual({
      edited: 'changed',
      gone: 'removed',
      // Removed by a commit, and there again.
      back: 'changed',
      twice: 'changed',
      new: 'added',
      brief: 'removed',
      staged: 'added',
    })
  })

  it('is looked at three times where the branch moves, and then given up', async () => {
    const { lakefs, commit, calls } = memoryLakefs(study)
    const parent = commit({ a: '1' })
    commit({ a: '2' }, { branch: 'mine' })
    const moving = (moves: number) => ({
      ...lakefs,
      async *diffUncommitted(...given: Parameters<Lakefs['diffUncommitted']>) {
        yield* lakefs.diffUncommitted(...given)
        if (moves-- > 0) commit({ a: '2', [`new-${moves}`]: '1' }, { branch: 'mine' })
      },
    })
    expect(await find(moving(2), 'mine', parent)).toEqual({ a: 'changed', 'new-0': 'added' })
    expect(calls.filter(call => call.startsWith('diffUncommitted'))).toHaveLength(3)
    const given = find(moving(3), 'mine', parent)
    await expect(given).rejects.toThrow('the branch mine of bed was written to while it was judged')
    await expect(given).rejects.toThrow(TransientError)
    expect(calls.filter(call => call.startsWith('diffUncommitted'))).toHaveLength(6)
  })

  it('that goes away meanwhile is asked for as what it is then', async () => {
    const { lakefs, commit, branches } = memoryLakefs(study)
    const parent = commit({ a: '1' }, { branch: 'mine' })
    const going = {
      ...lakefs,
      async *diffUncommitted(...given: Parameters<Lakefs['diffUncommitted']>) {
        yield* lakefs.diffUncommitted(...given)
        branches.delete('mine')
      },
    }
    await expect(find(going, 'mine', parent)).rejects.toThrow('bed has no ref mine')
  })
})
