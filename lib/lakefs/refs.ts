import { apiPath, type LakefsSend } from './request.ts'
import type { Commit, MergeBase, Ref } from './types.ts'

interface RawRef {
  id: string
  commit_id: string
}

export interface RawCommit {
  id: string
  parents: string[] | null
  committer: string
  message: string
  creation_date: number
  meta_range_id: string
  metadata?: Record<string, string> | null
  generation?: number
}

interface RawMergeBase {
  source_commit_id: string
  destination_commit_id: string
  base_commit_id: string
}

/** lakeFS (1.84) gives each of the two commits under the other's name. Should it mend that, a ref that is a commit id tells. */
function readMergeBase(raw: RawMergeBase, source: string, destination: string): MergeBase {
  const named = raw.source_commit_id === source || raw.destination_commit_id === destination
  const [from, to] = [raw.source_commit_id, raw.destination_commit_id]
  return {
    sourceCommitId: named ? from : to,
    destinationCommitId: named ? to : from,
    baseCommitId: raw.base_commit_id,
  }
}

const readRef = (raw: RawRef): Ref => ({ id: raw.id, commitId: raw.commit_id })

/** A commit as the rest of the project knows it. */
export const readCommit = (raw: RawCommit): Commit => ({
  id: raw.id,
  parents: raw.parents ?? [],
  committer: raw.committer,
  message: raw.message,
  creationDate: raw.creation_date,
  metaRangeId: raw.meta_range_id,
  metadata: raw.metadata ?? {},
  generation: raw.generation ?? 0,
})

/** Branches, tags, and commits as they are found by a ref. */
export function createRefs({ send, find, pages }: LakefsSend) {
  const branches = (repository: string) => apiPath('repositories', repository, 'branches')
  const tags = (repository: string) => apiPath('repositories', repository, 'tags')

  return {
    async getBranch(repository: string, branch: string): Promise<Ref | undefined> {
      const raw = await find<RawRef>(`${branches(repository)}${apiPath(branch)}`)
      return raw && readRef(raw)
    },

    /**
     * Makes a branch at the commit that `source` names at this moment; give a commit id where it matters which. Resolves with the
     * commit's id. A hidden branch is left out of listings. 409 where a branch, tag or commit has that name.
     */
    async createBranch(
      repository: string,
      { name, source, hidden = false }: { name: string; source: string; hidden?: boolean },
    ): Promise<Ref> {
      const json = { name, source, ...(hidden ? { hidden } : {}) }
      const response = await send(branches(repository), { method: 'POST', json, retry: false })
      return { id: name, commitId: (await response.text()).trim() }
    },

    async deleteBranch(repository: string, branch: string): Promise<void> {
      await send(`${branches(repository)}${apiPath(branch)}`, { method: 'DELETE', accept: [404] })
    },

    /** In the order of their names. Hidden ones only with `hidden: true`. */
    async *listBranches(
      repository: string,
      { prefix, after, hidden }: { prefix?: string; after?: string; hidden?: boolean } = {},
    ): AsyncGenerator<Ref> {
      const query = { prefix, after, show_hidden: hidden || undefined }
      for await (const raw of pages<RawRef>(branches(repository), query)) yield readRef(raw)
    },

    async getTag(repository: string, tag: string): Promise<Ref | undefined> {
      const raw = await find<RawRef>(`${tags(repository)}${apiPath(tag)}`)
      return raw && readRef(raw)
    },

    async createTag(repository: string, { name, ref }: { name: string; ref: string }): Promise<Ref> {
      const response = await send(tags(repository), { method: 'POST', json: { id: name, ref }, retry: false })
      return readRef((await response.json()) as RawRef)
    },

    async deleteTag(repository: string, tag: string): Promise<void> {
      await send(`${tags(repository)}${apiPath(tag)}`, { method: 'DELETE', accept: [404] })
    },

    async *listTags(
      repository: string,
      { prefix, after }: { prefix?: string; after?: string } = {},
    ): AsyncGenerator<Ref> {
      for await (const raw of pages<RawRef>(tags(repository), { prefix, after })) yield readRef(raw)
    },

    /** The commit that any ref names: a commit id or a unique start of one, a branch, a tag, `main~1`. */
    async getCommit(repository: string, ref: string): Promise<Commit | undefined> {
      const raw = await find<RawCommit>(apiPath('repositories', repository, 'commits', ref))
      return raw && readCommit(raw)
    },

    /** Commits from `ref` back, newest first, at most `amount`, only those after the commit `after` in that order. */
    async *log(
      repository: string,
      ref: string,
      {
        amount = Number.POSITIVE_INFINITY,
        after,
        firstParent,
      }: { amount?: number; after?: string; firstParent?: boolean } = {},
    ): AsyncGenerator<Commit> {
      const path = apiPath('repositories', repository, 'refs', ref, 'commits')
      const query = { after, first_parent: firstParent || undefined, amount: Math.max(1, Math.min(amount, 1000)) }
      let left = amount
      if (left <= 0) return
      for await (const raw of pages<RawCommit>(path, query)) {
        yield readCommit(raw)
        if (--left <= 0) return
      }
    },

    /** The best common ancestor. Undefined where the repository or one of the refs is not there. */
    async findMergeBase(repository: string, source: string, destination: string): Promise<MergeBase | undefined> {
      const path = apiPath('repositories', repository, 'refs', source, 'merge', destination)
      const raw = await find<RawMergeBase>(path)
      return raw && readMergeBase(raw, source, destination)
    },
  }
}
