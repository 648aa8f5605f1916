import { createActions } from './actions.ts'
import { createObjects } from './objects.ts'
import { createRefs } from './refs.ts'
import { createRepositories } from './repositories.ts'
import { createRequest, type LakefsConnection } from './request.ts'
import { createVersioning } from './versioning.ts'

export { hasStatus, LakefsError } from './error.ts'
export type { LakefsConnection } from './request.ts'
export type * from './types.ts'

/**
 * A client of the lakeFS HTTP API (https://docs.lakefs.io/reference/api/). `get…`, `stat…` and `find…` give undefined where the thing is absent;
 * deletes of what is absent do nothing; listings are async iterables that fetch as they go. Everything else throws LakefsError (see
 * its statuses) or, where lakeFS does not answer or answers 5xx or 429, TransientError.
 *
 * **After a TransientError of `commit`, `merge`, `revert`, `cherryPick`, `createBranch`, `createTag`, `createRepository`** (never sent twice by the
 * client itself) the work may have been done. A caller tells so by looking: the branch's head is a commit with the metadata it sent;
 * `findMergeBase(source, destination).baseCommitId` is the source's commit; the branch is there, at the commit asked for. Sending again is
 * harmless too: 400 (no changes) after a commit or merge that was done, 409 after a creation that was.
 */
export function createLakefs(connection: LakefsConnection) {
  const request = createRequest(connection)
  return {
    /** True where the server answers its health check. Throws TransientError where it does not. */
    async health(): Promise<boolean> {
      const response = await request.send('/healthcheck', { accept: [401, 403, 404] })
      await response.body?.cancel()
      return response.ok
    },
    ...createRepositories(request),
    ...createRefs(request),
    ...createObjects(request),
    ...createVersioning(request),
    ...createActions(request),
  }
}

export type Lakefs = ReturnType<typeof createLakefs>
