import { describe, expect, test } from 'vitest'
import { createLakefs, LakefsError } from '../../lib/lakefs/client.ts'
import type { LakefsTarget } from './lakefs-exchange.ts'
import type { HookReceiver } from './lakefs-hooks.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const text = (found: Uint8Array | undefined): string | undefined => found && Buffer.from(found).toString()
let counter = 0

/** Resolves with the status of the LakefsError that the work ends in. */
async function statusOf(work: Promise<unknown>): Promise<number | 'done'> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof LakefsError) return error.status
    throw error
  }
}

/** What the project relies on, seen through its own client. */
export function testLakefsClient(name: string, getSubject: () => { target: LakefsTarget; hooks: HookReceiver }): void {
  async function prepare() {
    const { target, hooks } = getSubject()
    const repository = `client-${Date.now().toString(36)}-${process.pid.toString(36)}-${counter++}`
    const lakefs = createLakefs(target)
    const storageNamespace = `${target.storageNamespace}/${repository}`
    await lakefs.createRepository({ name: repository, storageNamespace })
    const commitOn = async (branch: string, path: string, content: string) => {
      await lakefs.uploadObject(repository, branch, path, bytes(content))
      return lakefs.commit(repository, branch, { message: `${branch}: ${path}` })
    }
    return { lakefs, repository, storageNamespace, hooks, commitOn }
  }

  const actionFile = (url: string, events: string[]) =>
    [
      `name: gate`,
      'on:',
      ...events.map(event => `  ${event}:`),
      'hooks:',
      '  - id: check',
      '    type: webhook',
      '    properties:',
      `      url: ${url}`,
      '',
    ].join('\n')

  describe(`the client, with ${name}`, () => {
    test('is healthy', async () => {
      expect(await createLakefs(getSubject().target).health()).toBe(true)
    })

    test('refuses wrong credentials', async () => {
      const lakefs = createLakefs({ ...getSubject().target, secretAccessKey: 'wrong' })
      expect(await statusOf(lakefs.getRepository('abcd'))).toBe(401)
    })

    test('knows repositories', async () => {
      const { lakefs, repository, storageNamespace } = await prepare()
      const expected = { id: repository, storageNamespace, defaultBranch: 'main', readOnly: false }
      expect(await lakefs.getRepository(repository)).toMatchObject(expected)
      expect(await Array.fromAsync(lakefs.listRepositories({ prefix: repository }))).toMatchObject([expected])
      expect(await lakefs.getRepository(`${repository}-x`)).toBeUndefined()
      expect(await statusOf(lakefs.createRepository({ name: repository, storageNamespace }))).toBe(409)
      await lakefs.deleteRepository(repository)
      await lakefs.deleteRepository(repository)
    })

    test('gives undefined for what is absent and does nothing where it deletes it', async () => {
      const { lakefs, repository } = await prepare()
      expect(await lakefs.getBranch(repository, 'none')).toBeUndefined()
      expect(await lakefs.getTag(repository, 'none')).toBeUndefined()
      expect(await lakefs.getCommit(repository, 'none')).toBeUndefined()
      expect(await lakefs.getObject(repository, 'main', 'none')).toBeUndefined()
      expect(await lakefs.statObject(repository, 'none', 'none')).toBeUndefined()
      expect(await lakefs.findMergeBase(repository, 'main', 'none')).toBeUndefined()
      expect(await lakefs.getRun(repository, 'none')).toBeUndefined()
      expect(await lakefs.getHookOutput(repository, 'none', '0000_0000')).toBeUndefined()
      await lakefs.deleteBranch(repository, 'none')
      await lakefs.deleteTag(repository, 'none')
      await lakefs.deleteObject(repository, 'main', 'none')
      expect(await statusOf(Array.fromAsync(lakefs.listObjects(repository, 'none')))).toBe(404)
    })

    test('carries objects with their metadata, whole and in parts', async () => {
      const { lakefs, repository } = await prepare()
      const path = 'tables/raw/ä b+%&.json'
      const options = { contentType: 'application/json', metadata: { kind: 'table' } }
      const written = await lakefs.uploadObject(repository, 'main', path, bytes('0123456789'), options)
      expect(written).toMatchObject({ path, size: 10, checksum: '781e5e245d69b566979b86e28d23f2c7', ...options })
      expect(await lakefs.statObject(repository, 'main', path)).toEqual(written)
      expect(await Array.fromAsync(lakefs.listObjects(repository, 'main'))).toEqual([written])
      expect(text(await lakefs.getObject(repository, 'main', path))).toBe('0123456789')
      const part = async (start: number, end?: number) =>
        text(
          await lakefs.getObject(repository, 'main', path, { range: end === undefined ? { start } : { start, end } }),
        )
      expect(await part(2, 5)).toBe('234')
      expect(await part(7)).toBe('789')
      expect(await part(7, 99)).toBe('789')
      expect(await part(10)).toBe('')
      expect(await part(3, 3)).toBe('')
    })

    test('lists with prefixes, folders and a start', async () => {
      const { lakefs, repository } = await prepare()
      for (const path of ['a/1', 'a/b/1', 'a/b/2', 'b'])
        await lakefs.uploadObject(repository, 'main', path, bytes(path))
      const list = async (options: { prefix?: string; delimiter?: string; after?: string }) =>
        (await Array.fromAsync(lakefs.listObjects(repository, 'main', options))).map(({ path }) => path)
      expect(await list({})).toEqual(['a/1', 'a/b/1', 'a/b/2', 'b'])
      expect(await list({ delimiter: '/' })).toEqual(['a/', 'b'])
      expect(await list({ prefix: 'a/', delimiter: '/' })).toEqual(['a/1', 'a/b/'])
      expect(await list({ after: 'a/b/1' })).toEqual(['a/b/2', 'b'])
    })

    test('has one winner among writers of an object that must not exist', async () => {
      const { lakefs, repository } = await prepare()
      const write = (index: number) =>
        statusOf(lakefs.uploadObject(repository, 'main', 'once', bytes(`writer ${index}`), { ifAbsent: true }))
      const results = await Promise.all(Array.from({ length: 8 }, (_, index) => write(index)))
      expect(results.filter(result => result === 'done')).toHaveLength(1)
      expect(results.filter(result => result === 412)).toHaveLength(7)
    })

    test('has one winner among merges that change one object, and all win on objects of their own', async () => {
      const { lakefs, repository, commitOn } = await prepare()
      const { id } = await commitOn('main', 'tables/raw/dm.json', 'base')
      for (const [round, sameObject] of [true, false].entries()) {
        const names = Array.from({ length: 8 }, (_, index) => `_r${round}-${index}`)
        for (const [index, branch] of names.entries()) {
          await lakefs.createBranch(repository, { name: branch, source: id, hidden: true })
          await commitOn(branch, `tables/raw/${sameObject ? 'dm' : `t${index}`}.json`, branch)
        }
        const results = await Promise.all(names.map(branch => statusOf(lakefs.merge(repository, branch, 'main'))))
        expect(results.filter(result => result === 'done')).toHaveLength(sameObject ? 1 : 8)
        expect(results.filter(result => result === 409)).toHaveLength(sameObject ? 7 : 0)
        const winner = names[results.indexOf('done')]!
        if (sameObject) expect(text(await lakefs.getObject(repository, 'main', 'tables/raw/dm.json'))).toBe(winner)
      }
      const shown = (await Array.fromAsync(lakefs.listBranches(repository))).map(branch => branch.id)
      expect(shown).toEqual(['main'])
      expect(await Array.fromAsync(lakefs.listBranches(repository, { prefix: '_r0', hidden: true }))).toHaveLength(8)
    })

    test('tells whether a merge was done', async () => {
      const { lakefs, repository, commitOn } = await prepare()
      await lakefs.createBranch(repository, { name: 'side', source: 'main' })
      const { id } = await commitOn('side', 'a', '1')
      expect((await lakefs.findMergeBase(repository, 'side', 'main'))?.baseCommitId).not.toBe(id)
      const { reference } = await lakefs.merge(repository, 'side', 'main', { message: 'go', metadata: { run: 'r1' } })
      const merged = { sourceCommitId: id, destinationCommitId: reference, baseCommitId: id }
      expect(await lakefs.findMergeBase(repository, 'side', 'main')).toEqual(merged)
      expect(await lakefs.findMergeBase(repository, id, 'main')).toEqual(merged)
      expect(await lakefs.getCommit(repository, 'main')).toMatchObject({ id: reference, metadata: { run: 'r1' } })
      expect(await statusOf(lakefs.merge(repository, 'side', 'main'))).toBe(400)
      expect(await statusOf(lakefs.commit(repository, 'side', { message: 'again' }))).toBe(400)
    })

    test('commits with metadata and date, and finds commits again', async () => {
      const { lakefs, repository, commitOn } = await prepare()
      const first = await commitOn('main', 'a', '1')
      await lakefs.uploadObject(repository, 'main', 'a', bytes('2'))
      expect(await Array.fromAsync(lakefs.diffUncommitted(repository, 'main'))).toEqual([
        { type: 'changed', path: 'a', pathType: 'object', size: 1 },
      ])
      const options = { message: 'second', metadata: { k: 'v' }, date: 1_700_000_000 }
      const second = await lakefs.commit(repository, 'main', options)
      expect(second).toMatchObject({
        message: 'second',
        metadata: { k: 'v' },
        creationDate: 1_700_000_000,
        parents: [first.id],
      })
      expect(await lakefs.getCommit(repository, second.id.slice(0, 16))).toEqual(second)
      const empty = await lakefs.commit(repository, 'main', { message: 'third', allowEmpty: true })
      const log = async (options: { amount?: number; after?: string }) =>
        (await Array.fromAsync(lakefs.log(repository, 'main', options))).map(({ id }) => id)
      expect((await log({})).slice(0, 2)).toEqual([empty.id, second.id])
      expect(await log({ amount: 1 })).toEqual([empty.id])
      expect(await log({ amount: 1, after: empty.id })).toEqual([second.id])
      expect(await log({ amount: 0 })).toEqual([])
      expect(await lakefs.createTag(repository, { name: 'v1', ref: 'main~1' })).toEqual({
        id: 'v1',
        commitId: second.id,
      })
      expect(await Array.fromAsync(lakefs.listTags(repository))).toEqual([{ id: 'v1', commitId: second.id }])
      expect(await lakefs.getTag(repository, 'v1')).toEqual({ id: 'v1', commitId: second.id })
      const changes = await Array.fromAsync(lakefs.diffRefs(repository, first.id, 'main', { type: 'two_dot' }))
      expect(changes.map(({ path, type }) => [path, type])).toEqual([['a', 'changed']])
      expect(await Array.fromAsync(lakefs.diffRefs(repository, 'main', first.id))).toEqual([])
    })

    test('goes back: reset, hard reset, revert, cherry-pick', async () => {
      const { lakefs, repository, commitOn } = await prepare()
      const read = async (path: string) => text(await lakefs.getObject(repository, 'main', path))
      const first = await commitOn('main', 'a', '1')
      await commitOn('main', 'a', '2')
      await commitOn('main', 'b', '1')
      for (const path of ['a', 'b', 'c/1', 'c/2']) await lakefs.uploadObject(repository, 'main', path, bytes('staged'))
      await lakefs.resetBranch(repository, 'main', { path: 'a' })
      await lakefs.resetBranch(repository, 'main', { prefix: 'c/' })
      expect([await read('a'), await read('b'), await read('c/1')]).toEqual(['2', 'staged', undefined])
      await lakefs.resetBranch(repository, 'main')
      expect(await read('b')).toBe('1')
      await lakefs.revert(repository, 'main', { ref: 'main~1' })
      expect([await read('a'), await read('b')]).toEqual(['1', '1'])
      await lakefs.hardReset(repository, 'main', first.id)
      expect(await read('b')).toBeUndefined()
      await lakefs.createBranch(repository, { name: 'side', source: first.id })
      const { id } = await commitOn('side', 'd', '1')
      expect((await lakefs.cherryPick(repository, 'main', { ref: id })).metadata['cherry-pick-origin']).toBe(id)
      expect(await read('d')).toBe('1')
    })

    test('protects branches against all but merges', async () => {
      const { lakefs, repository, commitOn } = await prepare()
      expect(await lakefs.getBranchProtection(repository)).toEqual({ patterns: [], etag: '' })
      await lakefs.setBranchProtection(repository, ['[!_]*'], { etag: '' })
      const { patterns, etag } = await lakefs.getBranchProtection(repository)
      expect(patterns).toEqual(['[!_]*'])
      expect(await statusOf(lakefs.setBranchProtection(repository, [], { etag: 'other' }))).toBe(412)
      expect(etag).not.toBe('')
      await lakefs.createBranch(repository, { name: '_run', source: 'main', hidden: true })
      expect(await statusOf(lakefs.uploadObject(repository, 'main', 'a', bytes('1')))).toBe(403)
      expect(await statusOf(lakefs.commit(repository, 'main', { message: 'x', allowEmpty: true }))).toBe(403)
      expect(await statusOf(lakefs.hardReset(repository, 'main', 'main'))).toBe(403)
      await commitOn('_run', 'a', '1')
      await lakefs.merge(repository, '_run', 'main')
      expect(text(await lakefs.getObject(repository, 'main', 'a'))).toBe('1')
    })

    test('says which run of the hooks refused, and why', async () => {
      const { lakefs, repository, hooks } = await prepare()
      await lakefs.createBranch(repository, { name: 'run', source: 'main' })
      const file = actionFile(`${hooks.url}/refuse`, ['pre-commit'])
      await lakefs.uploadObject(repository, 'run', '_lakefs_actions/gate.yaml', bytes(file))
      const error = await lakefs.commit(repository, 'run', { message: 'x' }).catch((caught: LakefsError) => caught)
      if (!(error instanceof LakefsError)) throw new Error('the hook did not refuse')
      expect(error.status).toBe(412)
      const run = await lakefs.getRun(repository, error.runId!)
      expect(run).toMatchObject({ eventType: 'pre-commit', branch: 'run', status: 'failed', commitId: '' })
      expect((await Array.fromAsync(lakefs.listRuns(repository, { branch: 'run' }))).map(({ runId }) => runId)).toEqual(
        [run!.runId],
      )
      const [hook] = await lakefs.listRunHooks(repository, run!.runId)
      expect(hook).toMatchObject({ hookId: 'check', action: 'gate', status: 'failed' })
      expect(await lakefs.getHookOutput(repository, run!.runId, hook!.hookRunId)).toContain('{"problems":["one"]}')
      hooks.take()
    })

    test('shows a pre-commit hook what is written later, and leaves it out of the commit', async () => {
      const { lakefs, repository, hooks } = await prepare()
      await lakefs.createBranch(repository, { name: 'run', source: 'main' })
      const seen: (string | undefined)[] = []
      hooks.handle('/write', async () => {
        await lakefs.uploadObject(repository, 'run', 'late', bytes('late'))
        for (const ref of ['run', 'run@']) {
          for (const path of ['early', 'late']) seen.push(text(await lakefs.getObject(repository, ref, path)))
        }
        return { status: 200 }
      })
      const file = actionFile(`${hooks.url}/write`, ['pre-commit'])
      await lakefs.uploadObject(repository, 'run', '_lakefs_actions/gate.yaml', bytes(file))
      await lakefs.uploadObject(repository, 'run', 'early', bytes('early'))
      const { id } = await lakefs.commit(repository, 'run', { message: 'x' })
      expect(seen).toEqual(['early', 'late', undefined, undefined])
      expect(await lakefs.getObject(repository, id, 'late')).toBeUndefined()
      expect((await Array.fromAsync(lakefs.diffUncommitted(repository, 'run'))).map(({ path }) => path)).toEqual([
        'late',
      ])
      hooks.take()
    })

    test('asks the hooks again where another merge was faster', async () => {
      const { lakefs, repository, hooks, commitOn } = await prepare()
      await commitOn('main', 'a', '1')
      let calls = 0
      hooks.handle('/race', async () => {
        if (calls++ === 0) await lakefs.merge(repository, 'fast', 'main')
        return { status: 200 }
      })
      for (const name of ['fast', 'slow']) {
        await lakefs.createBranch(repository, { name, source: 'main' })
        if (name === 'slow') {
          const file = actionFile(`${hooks.url}/race`, ['pre-merge'])
          await lakefs.uploadObject(repository, name, '_lakefs_actions/gate.yaml', bytes(file))
        }
        await commitOn(name, name, '1')
      }
      const { reference } = await lakefs.merge(repository, 'slow', 'main')
      expect(calls).toBe(2)
      const paths = (await Array.fromAsync(lakefs.listObjects(repository, reference))).map(({ path }) => path)
      expect(paths).toEqual(['_lakefs_actions/gate.yaml', 'a', 'fast', 'slow'])
      hooks.take()
    })
  })
}
