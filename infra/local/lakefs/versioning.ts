import { setTimeout as sleep } from 'node:timers/promises'
import type { NewCommit } from './commits.ts'
import type { Core } from './core.ts'
import { ApiError, dirtyBranch, noChanges, tooManyTries, withPrefix } from './errors.ts'
import { matchesGlob } from './globs.ts'
import { mergeTrees, type Strategy } from './merge.ts'
import type { BranchRecord, RepositoryRecord } from './repository.ts'

export interface CommitOverrides {
  message?: string
  metadata?: Record<string, string>
}

/** A lost race is tried again so often, as in lakeFS. */
const branchUpdateTries = 10

export function isProtected(repository: RepositoryRecord, branch: string): boolean {
  return (JSON.parse(repository.protection) as string[]).some(pattern => matchesGlob(pattern, branch))
}

/** Commit, merge, revert, cherry-pick and resets. Each moves a branch by compare-and-swap, so hooks may be called again after a lost race. */
export function createVersioning(core: Core) {
  const { database, repositories, commits, trees, staging, resolver, actions, now } = core
  const treeOf = (repository: RepositoryRecord, commit: string): string =>
    commits.getCommit(repository.uid, commit).metaRangeId

  const isClean = (repository: RepositoryRecord, branch: BranchRecord, tokens: number[]): boolean =>
    staging.diffStaged(treeOf(repository, branch.commit_id), tokens).length === 0

  /** From here on writes to the branch go to a new token: what was staged before is what a commit takes up. */
  function seal(repository: RepositoryRecord, name: string, { refuseDirty = false } = {}): void {
    const branch = repositories.getBranch(repository.uid, name)
    if (refuseDirty && !isClean(repository, branch, staging.tokensOf(branch))) throw dirtyBranch()
    if (staging.changesOf([branch.token]).size === 0) return
    const sealed = [branch.token, ...branch.sealed]
    repositories.updateBranch(repository.uid, branch, { ...branch, token: repositories.newToken(), sealed })
  }

  function checkSealed(repository: RepositoryRecord, branch: BranchRecord): void {
    if (!isClean(repository, branch, branch.sealed)) throw dirtyBranch().prefixed(branch.id)
  }

  /** Puts the commit on the branch; false where the branch has moved meanwhile. */
  function advance(repository: RepositoryRecord, from: BranchRecord, commitId: string): boolean {
    return database.transaction(() => {
      const done = repositories.updateBranch(repository.uid, from, { ...from, commit_id: commitId, sealed: [] })
      if (done) staging.dropTokens(from.sealed)
      return done
    })
  }

  async function retrying<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 1; tries <= branchUpdateTries; tries++) {
      const result = await attempt()
      if (result !== undefined) return result
      await sleep(Math.random() * 50)
    }
    throw tooManyTries()
  }

  async function commit(
    repository: RepositoryRecord,
    name: string,
    {
      message,
      metadata,
      date,
      allowEmpty = false,
    }: { message: string; metadata: Record<string, string>; date?: number; allowEmpty?: boolean },
  ): Promise<string> {
    if (isProtected(repository, name)) throw new ApiError(403, 'cannot commit to protected branch')
    const created = date === undefined ? commits.nextTime(now()) : date * 1000
    const draft: NewCommit = {
      committer: core.user,
      message,
      metadata,
      created,
      metaRangeId: '',
      parents: [],
      generation: 0,
    }
    const event = { repository, sourceRef: name, branchId: name, commit: draft }
    await actions.run({ ...event, eventType: 'prepare-commit' })
    seal(repository, name)
    const { id, preRunId } = await retrying(async () => {
      const branch = repositories.getBranch(repository.uid, name)
      const preRunId = await actions.run({ ...event, eventType: 'pre-commit' })
      const parent = commits.getCommit(repository.uid, branch.commit_id)
      const changes = staging.diffStaged(parent.metaRangeId, branch.sealed)
      if (changes.length === 0 && !allowEmpty) throw noChanges().prefixed('commit')
      const tree = trees.applyChanges(parent.metaRangeId, new Map(changes.map(({ path, right }) => [path, right])))
      const record = { ...draft, metaRangeId: tree, parents: [parent.id], generation: parent.generation + 1 }
      const { id } = commits.addCommit(repository.uid, record)
      return advance(repository, branch, id) ? { id, preRunId } : undefined
    })
    actions.setCommit(repository, preRunId, id)
    actions.runLater({ ...event, eventType: 'post-commit', sourceRef: id, commitId: id })
    return id
  }

  async function merge(
    repository: RepositoryRecord,
    source: string,
    destination: string,
    {
      message,
      metadata,
      strategy,
      squash = false,
      allowEmpty = false,
    }: {
      message: string
      metadata: Record<string, string>
      strategy: Strategy
      squash?: boolean
      allowEmpty?: boolean
    },
  ): Promise<string> {
    seal(repository, destination, { refuseDirty: true })
    const prefix = `update branch ${destination}`
    const { id, event } = await retrying(async () => {
      const branch = repositories.getBranch(repository.uid, destination)
      const { from, record } = withPrefix(prefix, () => {
        checkSealed(repository, branch)
        const { source: from, destination: to, base } = findMergeBase(repository, source, destination)
        const all = { destination: to.metaRangeId, source: from.metaRangeId, base: base.metaRangeId }
        const record: NewCommit = {
          committer: core.user,
          message: message || `Merge '${source}' into '${destination}'`,
          metadata: { ...metadata, '.lakefs.merge.strategy': strategy },
          metaRangeId: mergeTrees(trees, all, { strategy, allowEmpty }),
          created: commits.nextTime(now()),
          parents: squash ? [to.id] : [to.id, from.id],
          generation: Math.max(to.generation, from.generation) + 1,
        }
        return { from, record }
      })
      // The hook may read the commit before the branch has it, and after a refusal too.
      const { id } = commits.addCommit(repository.uid, record)
      const event = { repository, branchId: destination, mergeSource: source, commit: record, commitId: id }
      await actions.run({ ...event, eventType: 'pre-merge', sourceRef: from.id, errorPrefix: prefix })
      return advance(repository, branch, id) ? { id, event } : undefined
    })
    actions.runLater({ ...event, eventType: 'post-merge', sourceRef: id })
    return id
  }

  /** Lays the change from the tree `base` to the tree `source` on the branch, as a new commit: what revert and cherry-pick have in common. */
  async function applyPatch(
    repository: RepositoryRecord,
    name: string,
    kind: 'revert' | 'cherry-pick',
    patch: { source: string; base: string; allowEmpty?: boolean; refuseEmpty?: boolean },
    content: { message: string; metadata: Record<string, string> },
  ): Promise<string> {
    const branch = repositories.getBranch(repository.uid, name)
    const record = withPrefix('update branch', (): NewCommit => {
      checkSealed(repository, branch)
      const head = commits.getCommit(repository.uid, branch.commit_id)
      const all = { destination: head.metaRangeId, source: patch.source, base: patch.base }
      const tree = mergeTrees(trees, all, { allowEmpty: patch.allowEmpty ?? false })
      if (patch.refuseEmpty && tree === head.metaRangeId) throw noChanges()
      const created = commits.nextTime(now())
      const parents = [head.id]
      return { ...content, committer: core.user, metaRangeId: tree, created, parents, generation: head.generation + 1 }
    })
    const event = { repository, branchId: name, commit: record }
    const pre = { ...event, eventType: `pre-${kind}`, sourceRef: name, errorPrefix: 'update branch' } as const
    const preRunId = await actions.run(pre)
    const { id } = commits.addCommit(repository.uid, record)
    if (!advance(repository, branch, id)) throw new ApiError(500, 'update branch: predicate failed')
    if (kind === 'revert') actions.setCommit(repository, preRunId, id)
    actions.runLater({ ...event, eventType: `post-${kind}`, sourceRef: id, commitId: id })
    return id
  }

  async function revert(
    repository: RepositoryRecord,
    name: string,
    {
      ref,
      parent,
      allowEmpty,
      overrides,
    }: { ref: string; parent: number; allowEmpty: boolean; overrides?: CommitOverrides },
  ): Promise<void> {
    const reverted = withPrefix(`get commit from ref ${ref}`, () => resolver.resolveCommit(repository.uid, ref))
    if (reverted.parents.length > 1 && parent <= 0) {
      throw new ApiError(409, 'must specify 1-based parent number for reverting merge commit')
    }
    if (parent > reverted.parents.length) {
      throw new ApiError(400, `given commit does not have the given parent number: parent ${parent}`)
    }
    seal(repository, name, { refuseDirty: true })
    const parentId = reverted.parents[Math.max(parent, 1) - 1]
    const source = parentId === undefined ? '' : treeOf(repository, parentId)
    const content = { message: overrides?.message || `Revert ${ref}`, metadata: overrides?.metadata ?? {} }
    const patch = { source, base: reverted.metaRangeId, allowEmpty, refuseEmpty: !allowEmpty }
    await applyPatch(repository, name, 'revert', patch, content)
  }

  async function cherryPick(
    repository: RepositoryRecord,
    name: string,
    { ref, parent, overrides }: { ref: string; parent?: number; overrides?: CommitOverrides },
  ): Promise<string> {
    const picked = withPrefix(`get commit from ref ${ref}`, () => resolver.resolveCommit(repository.uid, ref))
    if (parent === undefined && picked.parents.length > 1) {
      throw new ApiError(400, 'must specify 1-based parent number for cherry-picking merge commit')
    }
    const parentId = picked.parents[(parent ?? 1) - 1]
    if (parentId === undefined) {
      throw new ApiError(400, `parent ${parent ?? 1}: given commit does not have the given parent number`)
    }
    seal(repository, name, { refuseDirty: true })
    const content = {
      message: overrides?.message || picked.message,
      metadata: {
        ...(overrides?.metadata ?? picked.metadata),
        'cherry-pick-origin': picked.id,
        'cherry-pick-committer': picked.committer,
      },
    }
    const patch = { source: picked.metaRangeId, base: treeOf(repository, parentId) }
    return applyPatch(repository, name, 'cherry-pick', patch, content)
  }

  function hardReset(repository: RepositoryRecord, name: string, ref: string): void {
    if (isProtected(repository, name)) throw new ApiError(403, 'protected branch')
    const branch = repositories.getBranch(repository.uid, name)
    checkSealed(repository, branch)
    const { id } = withPrefix(`hard-reset ${name} to ${ref}`, () => resolver.resolveCommit(repository.uid, ref))
    repositories.updateBranch(repository.uid, branch, { ...branch, commit_id: id })
  }

  /** The commits of a merge: both sides and their base. Throws 404 for a ref that is not there. */
  function findMergeBase(repository: RepositoryRecord, source: string, destination: string) {
    const find = (ref: string, as: string) =>
      withPrefix(`get commit by ${as} ${ref}`, () => resolver.resolveCommit(repository.uid, ref))
    const from = find(source, 'ref')
    const to = find(destination, 'branch')
    const base = commits.findMergeBase(repository.uid, from.id, to.id)
    if (!base) throw new ApiError(500, 'no merge base')
    return { source: from, destination: to, base }
  }

  return { commit, merge, revert, cherryPick, hardReset, findMergeBase }
}

export type Versioning = ReturnType<typeof createVersioning>
