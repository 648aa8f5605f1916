import { type RawCommit, readCommit } from './refs.ts'
import { apiPath, type LakefsSend } from './request.ts'
import type { Commit } from './types.ts'

/** What makes or moves commits. None of these is sent twice: see createLakefs on how to tell whether one was done. */
export function createVersioning({ send }: LakefsSend) {
  const onBranch = (repository: string, branch: string) => apiPath('repositories', repository, 'branches', branch)

  return {
    /** 400 (no changes) where nothing is uncommitted, 403 on a protected branch, 412 where a hook refused. */
    async commit(
      repository: string,
      branch: string,
      {
        message,
        metadata = {},
        date,
        allowEmpty = false,
      }: {
        message: string
        metadata?: Record<string, string> /** Seconds since 1970. */
        date?: number
        allowEmpty?: boolean
      },
    ): Promise<Commit> {
      const json = {
        message,
        metadata,
        ...(date === undefined ? {} : { date }),
        ...(allowEmpty ? { allow_empty: true } : {}),
      }
      const response = await send(`${onBranch(repository, branch)}/commits`, { method: 'POST', json, retry: false })
      return readCommit((await response.json()) as RawCommit)
    },

    /**
     * Three-way merge of `source` (any ref) into the branch `destination`, whole or not at all: the compare-and-swap of the project.
     * 409 on a conflict, 400 where the destination has uncommitted objects or there is nothing to merge, 412 where a hook refused.
     */
    async merge(
      repository: string,
      source: string,
      destination: string,
      {
        message,
        metadata = {},
        strategy,
        squash = false,
        allowEmpty = false,
      }: {
        message?: string
        metadata?: Record<string, string>
        strategy?: 'dest-wins' | 'source-wins'
        squash?: boolean
        allowEmpty?: boolean
      } = {},
    ): Promise<{ reference: string }> {
      const json = {
        metadata,
        ...(message ? { message } : {}),
        ...(strategy ? { strategy } : {}),
        ...(squash ? { squash_merge: true } : {}),
        ...(allowEmpty ? { allow_empty: true } : {}),
      }
      const path = apiPath('repositories', repository, 'refs', source, 'merge', destination)
      const response = await send(path, { method: 'POST', json, retry: false })
      return { reference: ((await response.json()) as { reference: string }).reference }
    },

    /** Discards what is uncommitted on the branch: all of it, or one object, or all objects below a prefix. */
    async resetBranch(
      repository: string,
      branch: string,
      { path, prefix }: { path?: string; prefix?: string } = {},
    ): Promise<void> {
      const json =
        path !== undefined
          ? { type: 'object', path }
          : prefix !== undefined
            ? { type: 'common_prefix', path: prefix }
            : { type: 'reset' }
      await send(onBranch(repository, branch), { method: 'PUT', json })
    },

    /** Makes the branch point at another commit. 400 where something is uncommitted, 403 on a protected branch. */
    async hardReset(repository: string, branch: string, ref: string): Promise<void> {
      await send(`${onBranch(repository, branch)}/hard_reset`, { method: 'PUT', query: { ref } })
    },

    /** Undoes what the commit `ref` changed, in a new commit. `parent` (from 1) says relative to which parent, for a merge commit. */
    async revert(
      repository: string,
      branch: string,
      { ref, parent = 0, allowEmpty = false }: { ref: string; parent?: number; allowEmpty?: boolean },
    ): Promise<void> {
      const json = { ref, parent_number: parent, ...(allowEmpty ? { allow_empty: true } : {}) }
      await send(`${onBranch(repository, branch)}/revert`, { method: 'POST', json, retry: false })
    },

    /** Repeats what the commit `ref` changed, in a new commit. */
    async cherryPick(
      repository: string,
      branch: string,
      { ref, parent }: { ref: string; parent?: number },
    ): Promise<Commit> {
      const json = { ref, ...(parent === undefined ? {} : { parent_number: parent }) }
      const path = `${onBranch(repository, branch)}/cherry-pick`
      const response = await send(path, { method: 'POST', json, retry: false })
      return readCommit((await response.json()) as RawCommit)
    },
  }
}
