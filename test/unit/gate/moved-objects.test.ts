import { afterAll, beforeAll, expect, it } from 'vitest'
import type { HookPayload } from '../../../events/gate.ts'
import { answerHook } from '../../../lib/gate/answer-hook.ts'
import { findChanges } from '../../../lib/gate/changes.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'

let test: TestEnvironment
const study = 'moved'
beforeAll(async () => {
  test = await makeEnvironment()
  const { lakefs } = test.environment
  await lakefs.createRepository({ name: study, storageNamespace: 's3://lake/lakefs/moved', defaultBranch: 'main' })
  for (const path of ['kept', 'back']) await put('main', path)
  await lakefs.commit(study, 'main', { message: 'x' })
  await lakefs.createBranch(study, { name: 'mine', source: 'main' })
})
afterAll(() => test.close())

const put = (branch: string, path: string) =>
  test.environment.lakefs.uploadObject(study, branch, path, Buffer.from('the same bytes'))
const changesOf = async (ref: string, parentRef: string) =>
  Object.fromEntries(await findChanges(test.environment, { study, ref, parentRef }))

it('what was deleted and put back at another place is a change, though lakeFS sees none', async () => {
  const { lakefs } = test.environment
  const { commitId: parent } = (await lakefs.getBranch(study, 'main'))!
  await lakefs.deleteObject(study, 'mine', 'back')
  await lakefs.commit(study, 'mine', { message: 'without' })
  await put('mine', 'back')
  const { id } = await lakefs.commit(study, 'mine', { message: 'with' })
  expect(await Array.fromAsync(lakefs.diffRefs(study, parent, id, { type: 'two_dot' }))).toEqual([])
  expect(await changesOf(id, parent)).toEqual({ back: 'changed' })
  expect(await changesOf('mine', parent)).toEqual({ back: 'changed' })
  expect(await changesOf(parent, parent)).toEqual({})
  // Nothing is listed where only what is staged can differ.
  const unable: typeof lakefs = { ...lakefs, listObjects: () => expect.fail('listed') }
  await put('mine', 'new')
  expect(await findChanges({ lakefs: unable }, { study, ref: 'mine', parentRef: id })).toEqual(
    new Map([['new', 'added']]),
  )
  await lakefs.resetBranch(study, 'mine')
})

it('what is put over an object under its own checksum is not committed', async () => {
  const { lakefs } = test.environment
  const { commitId: parent } = (await lakefs.getBranch(study, 'mine'))!
  const before = await lakefs.statObject(study, parent, 'kept')
  await put('mine', 'kept')
  await put('mine', 'other')
  const { id } = await lakefs.commit(study, 'mine', { message: 'x' })
  expect(await lakefs.statObject(study, id, 'kept')).toEqual(before)
  expect(await changesOf(id, parent)).toEqual({ other: 'added' })
})

it('the comparison fails where the listing does, and where lakeFS does not compare', async () => {
  const { lakefs } = test.environment
  const [mine, main] = [
    (await lakefs.getBranch(study, 'mine'))!.commitId,
    (await lakefs.getBranch(study, 'main'))!.commitId,
  ]
  const away = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('away')) }) }) as never
  for (const failing of [{ listObjects: away }, { diffRefs: away }, { listObjects: away, diffRefs: away }])
    await expect(
      findChanges({ lakefs: { ...lakefs, ...failing } }, { study, ref: mine, parentRef: main }),
    ).rejects.toThrow('away')
})

it('an import is refused: its commit is asked for as if it brought nothing', async () => {
  const { commitId } = (await test.environment.lakefs.getBranch(study, 'main'))!
  // As lakeFS 1.84 posts it.
  const payload: HookPayload = {
    event_type: 'pre-commit',
    event_time: '2026-01-02T03:04:05Z',
    action_name: 'studylake gate',
    hook_id: 'check',
    repository_id: study,
    branch_id: 'main',
    source_ref: 'main',
    commit_message: 'Import objects',
    committer: 'admin',
    commit_metadata: { '.lakefs.merge.strategy': 'source-wins' },
  }
  const { ref, problems } = await answerHook(test.environment, payload)
  expect(ref).toBeUndefined()
  expect(problems).toMatchObject([{ code: 'event-refused', message: expect.stringContaining('import') }])
  expect((await test.environment.lakefs.getBranch(study, 'main'))!.commitId).toBe(commitId)
  for (const commit_metadata of [{ message: 'mine' }, undefined, null]) {
    const answer = await answerHook(test.environment, { ...payload, commit_metadata })
    expect(answer.problems.map(({ code }) => code)).not.toContain('event-refused')
  }
})
