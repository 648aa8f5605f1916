import { createHash } from 'node:crypto'
import type { Core } from './core.ts'
import { defaultContentType, type Entry } from './entries.ts'
import { ApiError, notFound, notImplemented, pathExists } from './errors.ts'
import { checkBranch, checkPath } from './names.ts'
import { createReader, objectKey } from './reader.ts'
import type { RepositoryRecord } from './repository.ts'
import { type ApiRequest, type Reply, requireQuery } from './request.ts'
import type { Route } from './router.ts'
import { objectToJson } from './routes-objects.ts'
import { readMetadata, writeUpload } from './upload.ts'
import { isProtected } from './versioning.ts'

/** Uncommitted writes and deletes. */
export function uploadRoutes(core: Core): Route[] {
  const { repositories, commits, trees, staging, store, now, randomId, database } = core
  const reader = createReader(core)
  const repositoryOf = ({ params }: ApiRequest): RepositoryRecord => repositories.getRepository(params.repository!)
  const partition = newName()

  function newName(): string {
    return createHash('sha256').update(randomId()).digest('hex').slice(0, 20)
  }

  /** Throws 412 where the branch has an object at the path. */
  function refusePresent(repository: RepositoryRecord, branch: string, path: string): void {
    try {
      reader.getEntry(repository, branch, path)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return
      throw error
    }
    throw pathExists()
  }

  function checkWritable(repository: RepositoryRecord, branch: string): void {
    if (isProtected(repository, branch)) throw new ApiError(403, 'cannot write to protected branch')
  }

  async function upload(request: ApiRequest): Promise<Reply> {
    const path = requireQuery(request, 'path')
    const branch = request.params.branch!
    const repository = repositoryOf(request)
    checkBranch(branch, 'name')
    if (!repositories.findBranch(repository.uid, branch)) throw notFound(`branch '${branch}'`)
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.raw.headers
    const ifAbsent = ifNoneMatch === '*'
    if (ifAbsent) {
      checkPath(path)
      refusePresent(repository, branch, path)
    }
    if (ifMatch !== undefined || (ifNoneMatch !== undefined && !ifAbsent)) throw notImplemented()
    const address = `data/${partition}/${newName()}`
    const metadata = readMetadata(request.raw)
    const blob = await writeUpload(request.raw, store, objectKey(repository, address))
    const contentType = blob.contentType || defaultContentType
    const entry: Entry = { path, address, ...blob, contentType, metadata, mtime: now().getTime() }
    checkPath(path)
    database.transaction(() => {
      checkWritable(repositoryOf(request), branch)
      const { token } = repositories.getBranch(repository.uid, branch)
      if (ifAbsent) refusePresent(repository, branch, path)
      staging.setStaged(token, path, entry)
    })
    return { status: 201, json: { ...objectToJson(repository, entry), content_type: blob.contentType } }
  }

  /** Marks the path as deleted, if there is anything to delete. */
  function deletePath(repository: RepositoryRecord, branch: string, path: string): void {
    const record = repositories.getBranch(repository.uid, branch)
    const tree = commits.getCommit(repository.uid, record.commit_id).metaRangeId
    const known = staging.findStaged(staging.tokensOf(record), path) ?? trees.getEntry(tree, path)
    if (known) staging.setStaged(record.token, path, undefined)
  }

  function deleteObject(request: ApiRequest): Reply {
    const path = requireQuery(request, 'path')
    const branch = request.params.branch!
    checkBranch(branch)
    checkPath(path)
    const repository = repositoryOf(request)
    checkWritable(repository, branch)
    database.transaction(() => deletePath(repository, branch, path))
    return { status: 204 }
  }

  return [
    ['POST', '/repositories/:repository/branches/:branch/objects', upload],
    ['DELETE', '/repositories/:repository/branches/:branch/objects', deleteObject],
  ]
}
