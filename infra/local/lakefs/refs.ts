import type { Commits } from './commits.ts'
import { ApiError, invalidRef, notFound } from './errors.ts'
import type { BranchRecord, Repositories } from './repository.ts'

/** What a ref names: a commit and, for a plain branch, what is uncommitted on it. */
export interface ResolvedRef {
  commitId: string
  /** Set where the ref reads the branch's uncommitted objects too. */
  branch?: BranchRecord
  /** The ref asks for the staging area itself (`main$`): it names no commit. */
  staging?: boolean
}

interface Modifier {
  kind: string
  amount: number
}

/** `main`, `main@` (committed only), `main~2`, `main^2`, `main$` (staged); see lakeFS, pkg/graveler/ref. */
function parseRef(ref: string): { base: string; modifiers: Modifier[] } {
  const [base = '', ...parts] = ref.match(/(^|[~^@$])[^^~@$]*/g) ?? []
  if (base === '') throw invalidRef()
  const modifiers = parts.map(part => {
    const kind = part[0]!
    const amount = part.slice(1)
    if (!/[~^@$]/.test(kind) || ('@$'.includes(kind) && amount !== '')) throw invalidRef()
    if (amount !== '' && !/^[+-]?\d+$/.test(amount)) throw invalidRef().prefixed(`could not parse modifier ${part}`)
    return { kind, amount: amount === '' ? 1 : Number(amount) }
  })
  return { base, modifiers }
}

/** Finds what refs name. */
export function createResolver(repositories: Repositories, commits: Commits) {
  /** A full commit id goes before a branch, a branch before a tag, a tag before the start of a commit id. */
  function resolveBase(repository: number, base: string): ResolvedRef {
    if (/^[0-9a-fA-F]{64}$/.test(base) && commits.findCommit(repository, base)) return { commitId: base }
    const branch = repositories.findBranch(repository, base)
    if (branch) return { commitId: branch.commit_id, branch }
    const tag = repositories.findTag(repository, base)
    if (tag) return { commitId: tag.commit_id }
    const commitId = /^[0-9a-fA-F]{1,64}$/.test(base) ? commits.findByPrefix(repository, base) : undefined
    if (commitId === undefined) throw notFound()
    return { commitId }
  }

  function goBack(repository: number, start: string, { kind, amount }: Modifier): string {
    let id = start
    if (kind === '^') {
      if (amount === 0) return id
      const parent = commits.getCommit(repository, id).parents[amount - 1]
      if (parent === undefined) throw invalidRef()
      return parent
    }
    for (let step = 0; step < amount; step++) {
      const [parent] = commits.getCommit(repository, id).parents
      if (parent === undefined) throw notFound()
      id = parent
    }
    return id
  }

  /** Throws 404 where nothing has that name, 400 where it is no ref. */
  function resolve(repository: number, ref: string): ResolvedRef {
    const { base, modifiers } = parseRef(ref)
    const resolved = resolveBase(repository, base)
    if (modifiers.length === 0) return resolved
    let commitId = resolved.commitId
    for (const modifier of modifiers) {
      if ('@$'.includes(modifier.kind)) {
        if (!resolved.branch || modifiers.length !== 1) throw invalidRef()
        return modifier.kind === '@' ? { commitId } : { ...resolved, staging: true }
      }
      commitId = goBack(repository, commitId, modifier)
    }
    return { commitId }
  }

  /** The commit that a ref names. Throws as `resolve`, and 400 for a staging area. */
  function resolveCommit(repository: number, ref: string) {
    const { commitId, staging } = resolve(repository, ref)
    if (staging) throw new ApiError(400, `reference '${ref}': reference to staging area with $ is not a commit`)
    return commits.getCommit(repository, commitId)
  }

  /** The same for calls that lakeFS words otherwise. */
  function resolveCommitId(repository: number, ref: string): string {
    const { commitId, staging } = resolve(repository, ref)
    if (staging) throw new ApiError(400, `${invalidRef().message}: should point to a commit`)
    return commitId
  }

  return { resolve, resolveCommit, resolveCommitId }
}

export type Resolver = ReturnType<typeof createResolver>
