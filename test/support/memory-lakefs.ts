import { createHash } from 'node:crypto'
import type { Lakefs } from '../../lib/lakefs/client.ts'

/** What a commit holds: text by path. */
export type Tree = Record<string, string>

interface Commit {
  tree: Tree
  parents: string[]
  /** Where the bytes lie, by path, where that does not follow from them. */
  places: Tree
}

/** One repository in memory, as far as the gate reads it. */
export interface MemoryLakefs {
  lakefs: Lakefs
  /** Every call: its method and, of objects, ref and path. */
  calls: string[]
  /** Makes a commit; with `branch` that branch's head. Where the bytes at a path lie follows from them, but for `places`. Gives its id. */
  commit(tree: Tree, options?: { parents?: string[]; branch?: string; places?: Tree }): string
  branches: Map<string, string>
  commits: Map<string, Commit>
  /** Stages an object on a branch, or its deletion. */
  stage(branch: string, path: string, text: string | undefined): void
}

/** An empty repository, called `study`. Branches that begin with `_` are hidden. */
export function memoryLakefs(study: string): MemoryLakefs {
  const branches = new Map<string, string>()
  const commits = new Map<string, Commit>()
  const staged = new Map<string, Map<string, string | undefined>>()
  const calls: string[] = []

  const merge = (tree: Tree, changes: Map<string, string | undefined> = new Map()): Tree => {
    const merged: Tree = { ...tree }
    for (const [path, text] of changes) {
      if (text === undefined) delete merged[path]
      else merged[path] = text
    }
    return merged
  }
  const treeOf = (repository: string, ref: string): Tree | undefined => {
    if (repository !== study) return undefined
    const branch = ref.replace(/@$/, '')
    const commit = commits.get(branches.get(branch) ?? ref)
    return commit && (ref.endsWith('@') ? commit.tree : merge(commit.tree, staged.get(branch)))
  }
  const objectOf = (ref: string, path: string, text: string) => {
    const checksum = createHash('md5').update(text).digest('hex')
    const places = commits.get(branches.get(ref.replace(/@$/, '')) ?? ref)?.places
    const physicalAddress = places?.[path] ?? `s3://lake/lakefs/${study}/${checksum}`
    return { type: 'object' as const, path, checksum, size: Buffer.byteLength(text), physicalAddress }
  }
  const expectTree = (repository: string, ref: string): Tree => {
    const tree = treeOf(repository, ref)
    if (!tree) throw new Error(`${repository} has no ref ${ref}`)
    return tree
  }
  const byName = <Item>(items: Iterable<[string, Item]>) => [...items].sort(([a], [b]) => (a < b ? -1 : 1))
  function* differences(left: Tree, right: Tree) {
    for (const path of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
      const [before, after] = [left[path], right[path]]
      if (before === after) continue
      yield { type: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed', path }
    }
  }

  const served = {
    async getBranch(repository: string, branch: string) {
      calls.push(`getBranch ${branch}`)
      const commitId = repository === study ? branches.get(branch) : undefined
      return commitId === undefined ? undefined : { id: branch, commitId }
    },
    async getCommit(repository: string, ref: string) {
      calls.push(`getCommit ${ref}`)
      const commit = repository === study ? commits.get(branches.get(ref) ?? ref) : undefined
      return commit && { id: ref, parents: commit.parents }
    },
    async getObject(repository: string, ref: string, path: string) {
      calls.push(`getObject ${ref} ${path}`)
      const text = treeOf(repository, ref)?.[path]
      return text === undefined ? undefined : new TextEncoder().encode(text)
    },
    async statObject(repository: string, ref: string, path: string) {
      calls.push(`statObject ${ref} ${path}`)
      const text = treeOf(repository, ref)?.[path]
      return text === undefined ? undefined : objectOf(ref, path, text)
    },
    async *listObjects(repository: string, ref: string, { prefix = '' }: { prefix?: string } = {}) {
      calls.push(`listObjects ${ref} ${prefix}`.trim())
      for (const [path, text] of byName(Object.entries(expectTree(repository, ref))))
        if (path.startsWith(prefix)) yield objectOf(ref, path, text)
    },
    async *diffRefs(repository: string, left: string, right: string, { type }: { type: string }) {
      calls.push(`diffRefs ${left} ${right} ${type}`)
      yield* differences(expectTree(repository, left), expectTree(repository, right))
    },
    async *diffUncommitted(repository: string, branch: string) {
      calls.push(`diffUncommitted ${branch}`)
      yield* differences(expectTree(repository, `${branch}@`), expectTree(repository, branch))
    },
    async *listBranches(_repository: string, { hidden = false }: { hidden?: boolean } = {}) {
      for (const [id, commitId] of byName(branches)) if (hidden || !id.startsWith('_')) yield { id, commitId }
    },
    async *listRepositories() {
      yield { id: study }
    },
  }

  return {
    lakefs: served as unknown as Lakefs,
    calls,
    branches,
    commits,
    commit(tree, { parents = [], branch, places = {} } = {}) {
      const id = `c${commits.size + 1}`
      commits.set(id, { tree, parents, places })
      if (branch !== undefined) {
        branches.set(branch, id)
        staged.delete(branch)
      }
      return id
    },
    stage(branch, path, text) {
      const changes = staged.get(branch) ?? new Map<string, string | undefined>()
      staged.set(branch, changes.set(path, text))
    },
  }
}
