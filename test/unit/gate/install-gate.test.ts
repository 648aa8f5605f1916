import { beforeEach, expect, it } from 'vitest'
import type { Environment } from '../../../lib/environment.ts'
import { Rejection, TransientError } from '../../../lib/errors.ts'
import { installGates } from '../../../lib/gate/install.ts'
import { formatGateAction } from '../../../lib/gate-action.ts'
import { LakefsError } from '../../../lib/lakefs/client.ts'
import { gatePath, parseSqlBranch } from '../../../lib/layout.ts'
import { type MemoryLakefs, memoryLakefs } from '../../support/memory-lakefs.ts'

const study = 'bed'
const url = 'http://gate/'
const action = formatGateAction({ url })
let repository: MemoryLakefs
/** What is done to the repository, in order. */
let done: string[]
/** What a merge into a branch fails with. */
let failures: Map<string, unknown>
let patterns: string[]
let time: Date
beforeEach(() => {
  repository = memoryLakefs(study)
  done = []
  failures = new Map()
  patterns = ['[!_]*']
  time = new Date(0)
})

function environment(): Environment {
  const { lakefs, branches, commits, stage, commit } = repository
  const staged = new Map<string, Record<string, string>>()
  const writing = {
    ...lakefs,
    getRepository: async (name: string) => (name === study ? { id: name } : undefined),
    getBranchProtection: async () => ({ patterns, etag: '' }),
    async setBranchProtection(_study: string, to: string[]) {
      patterns = to
    },
    async createBranch(_study: string, { name, source, hidden }: { name: string; source: string; hidden: boolean }) {
      done.push(`create ${hidden ? 'hidden ' : ''}branch at ${source}`)
      branches.set(name, source)
    },
    async uploadObject(_study: string, branch: string, path: string, bytes: Uint8Array) {
      const text = new TextDecoder().decode(bytes)
      stage(branch, path, text)
      staged.set(branch, { ...staged.get(branch), [path]: text })
    },
    async commit(_study: string, branch: string, { message, metadata }: { message: string; metadata: object }) {
      done.push(`commit "${message}" ${JSON.stringify(metadata)}`)
      const parent = branches.get(branch)!
      return { id: commit({ ...commits.get(parent)!.tree, ...staged.get(branch) }, { branch, parents: [parent] }) }
    },
    async merge(_study: string, source: string, destination: string, { message }: { message: string }) {
      done.push(`merge "${message}" into ${destination}`)
      if (failures.has(destination)) throw failures.get(destination)
      branches.set(destination, branches.get(source)!)
      return { reference: branches.get(source)! }
    },
    async deleteBranch(_study: string, name: string) {
      done.push(`delete ${parseSqlBranch(name) ? 'the hidden branch' : name}`)
      branches.delete(name)
    },
  }
  return { lakefs: writing, config: { gate: { url, token: 'x' } }, now: () => time } as unknown as Environment
}
const install = (of = study) => installGates(environment(), of)
const actionOf = (branch: string) => repository.commits.get(repository.branches.get(branch)!)!.tree[gatePath]

it('does nothing where every branch calls this gate, and nothing at all for no study', async () => {
  for (const branch of ['main', 'v1', '_run']) repository.commit({ [gatePath]: action }, { branch })
  expect(await install()).toEqual({
    protection: 'current',
    branches: [
      { branch: 'main', state: 'current' },
      { branch: 'v1', state: 'current' },
    ],
  })
  expect(done).toEqual([])
  expect(await install('other')).toBeUndefined()
})

it('protects the branches', async () => {
  patterns = ['release-*']
  expect(await install()).toEqual({ protection: 'updated', branches: [] })
  expect(patterns).toEqual(['release-*', '[!_]*'])
})

it('brings the action by a merge from a hidden branch, which goes', async () => {
  const [first, second] = [
    repository.commit({ [gatePath]: 'old', a: '1' }, { branch: 'main' }),
    repository.commit({ b: '1' }, { branch: 'v1' }),
  ]
  expect((await install())?.branches).toEqual([
    { branch: 'main', state: 'updated' },
    { branch: 'v1', state: 'added' },
  ])
  const way = (from: string, to: string) => [
    `create hidden branch at ${from}`,
    'commit "Install the gate" {}',
    `merge "Install the gate" into ${to}`,
    'delete the hidden branch',
  ]
  expect(done).toEqual([...way(first, 'main'), ...way(second, 'v1')])
  expect([actionOf('main'), actionOf('v1')]).toEqual([action, action])
  expect(repository.commits.get(repository.branches.get('main')!)!.tree.a).toBe('1')
})

it('takes a hidden branch of its own for every branch and every time', async () => {
  for (const branch of ['a', 'b']) repository.commit({}, { branch })
  const names: string[] = []
  const { branches } = repository
  const set = branches.set.bind(branches)
  branches.set = (name, commit) => {
    if (name.startsWith('_')) names.push(name)
    return set(name, commit)
  }
  const stale = new LakefsError('merge', { status: 409, detail: '' })
  for (const branch of ['a', 'b']) failures.set(branch, stale)
  await install()
  time = new Date(1)
  await install()
  const suffixes = new Set(names.map(name => name.slice(-8)))
  // Each is named when it is made, and once more at its commit.
  expect(suffixes.size).toBe(4)
  for (const name of names) expect(parseSqlBranch(name)).toBeDefined()
})

it('says why a branch is as it was, and goes on with the next', async () => {
  for (const branch of ['a', 'b', 'c', 'd']) repository.commit({}, { branch })
  failures.set('a', new LakefsError('merge', { status: 409, detail: '' }))
  failures.set('b', new LakefsError('merge', { status: 403, detail: 'protected' }))
  failures.set('c', new TransientError('lakeFS did not answer'))
  expect((await install())?.branches).toEqual([
    { branch: 'a', state: 'failed', reason: 'the branch was written to meanwhile' },
    { branch: 'b', state: 'failed', reason: 'lakeFS answered 403 to merge: protected' },
    { branch: 'c', state: 'failed', reason: 'lakeFS did not answer' },
    { branch: 'd', state: 'added' },
  ])
})

it('says what the gate found, all of it', async () => {
  repository.commit({}, { branch: 'a' })
  const problems = [
    { code: 'x', message: 'is odd', table: 'raw.dm' },
    { code: 'y', message: 'is even' },
  ]
  failures.set('a', new Rejection(problems))
  expect((await install())?.branches).toEqual([{ branch: 'a', state: 'failed', reason: 'raw.dm: is odd; is even' }])
})

it('hides nothing that it cannot explain', async () => {
  repository.commit({}, { branch: 'a' })
  const failure = new RangeError('x')
  failures.set('a', failure)
  await expect(install()).rejects.toBe(failure)
})
