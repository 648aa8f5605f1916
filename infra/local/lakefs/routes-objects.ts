import { createHash } from 'node:crypto'
import { NotFoundError } from '../../../lib/errors.ts'
import { type ByteRange, checkRange, parseRange, UnservableRange } from './byte-range.ts'
import type { Core } from './core.ts'
import { defaultContentType, type Entry } from './entries.ts'
import { ApiError, notFound, notImplemented, pathExists } from './errors.ts'
import { checkBranch, checkPath, checkRef } from './names.ts'
import { createReader, objectKey } from './reader.ts'
import type { RepositoryRecord } from './repository.ts'
import { type ApiRequest, pageOf, type Reply, readFlag, readPage, requireQuery, take } from './request.ts'
import type { Route } from './router.ts'
import { readMetadata, writeUpload } from './upload.ts'
import { isProtected } from './versioning.ts'

interface CommonPrefix {
  path: string
  commonPrefix: true
}

/** Content types that a browser may show; it is told to save others. */
const inlineTypes = new Set([
  ...['jpeg', 'jpg', 'png', 'gif', 'webp', 'svg+xml'].map(type => `image/${type}`),
  ...['plain', 'markdown', 'x-markdown', 'html', 'css', 'javascript', 'xml'].map(type => `text/${type}`),
  ...['pdf', 'javascript', 'json', 'xml'].map(type => `application/${type}`),
  ...['video/mp4', 'video/webm', 'audio/mpeg', 'audio/wav', 'audio/webm'],
])

const isPrefix = (item: Entry | CommonPrefix): item is CommonPrefix => 'commonPrefix' in item

export function objectRoutes(core: Core): Route[] {
  const { repositories, commits, trees, staging, store, now, randomId, database } = core
  const reader = createReader(core)
  const repositoryOf = ({ params }: ApiRequest): RepositoryRecord => repositories.getRepository(params.repository!)
  const partition = newName()

  function newName(): string {
    return createHash('sha256').update(randomId()).digest('hex').slice(0, 20)
  }

  function toJson({ namespace }: RepositoryRecord, entry: Entry) {
    return {
      path: entry.path,
      path_type: 'object',
      physical_address: `${namespace.replace(/\/+$/, '')}/${entry.address}`,
      checksum: entry.checksum,
      mtime: Math.floor(entry.mtime / 1000),
      size_bytes: entry.size,
      content_type: entry.contentType,
      metadata: entry.metadata,
    }
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
    return { status: 201, json: { ...toJson(repository, entry), content_type: blob.contentType } }
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

  function headersOf(entry: Entry): Record<string, string | number> {
    return {
      ETag: `"${entry.checksum}"`,
      'Last-Modified': new Date(entry.mtime).toUTCString(),
      'Content-Type': entry.contentType,
      'Cache-Control': 'no-store, must-revalidate',
      Expires: '0',
    }
  }

  function findObject(request: ApiRequest): { repository: RepositoryRecord; entry: Entry } {
    const path = requireQuery(request, 'path')
    const repository = repositoryOf(request)
    checkRef(request.params.ref!)
    checkPath(path)
    return { repository, entry: reader.getEntry(repository, request.params.ref!, path) }
  }

  const rangeHeaders = ({ start, end }: ByteRange, size: number) => ({
    'Content-Range': `bytes ${start}-${end}/${size}`,
    'Content-Length': end - start + 1,
  })

  async function getObject(request: ApiRequest): Promise<Reply> {
    const { headers } = request.raw
    if (headers.range !== undefined) checkRange(headers.range)
    const { repository, entry } = findObject(request)
    if (headers['if-none-match'] === `"${entry.checksum}"`) return { status: 304 }
    const common = {
      ...headersOf(entry),
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'SAMEORIGIN',
      'Content-Security-Policy': "default-src 'none'",
      'Content-Disposition': inlineTypes.has(entry.contentType) ? 'inline' : 'attachment',
    }
    const key = objectKey(repository, entry.address)
    try {
      if (headers.range === undefined) {
        const { body } = await store.stream(key)
        return { status: 200, headers: { ...common, 'Content-Length': entry.size }, body }
      }
      const range = parseRange(headers.range, entry.size)
      const body = await store.get(key, { start: range.start, end: range.end + 1 })
      return { status: 206, headers: { ...common, ...rangeHeaders(range, entry.size) }, body }
    } catch (error) {
      if (error instanceof NotFoundError) throw new ApiError(410, 'No data')
      if (!(error instanceof UnservableRange)) throw error
      const whole: Record<string, string> = error.size === undefined ? {} : { 'Content-Range': `bytes */${error.size}` }
      const reply = { ...common, ...whole, 'Content-Type': 'application/json' }
      return { status: 416, headers: reply, json: { message: error.message } }
    }
  }

  function headObject(request: ApiRequest): Reply {
    const { range } = request.raw.headers
    if (range !== undefined) checkRange(range)
    let headers: Record<string, string | number> | undefined
    try {
      const { entry } = findObject(request)
      headers = { ...headersOf(entry), 'Accept-Ranges': 'bytes' }
      if (range === undefined) return { status: 200, headers: { ...headers, 'Content-Length': entry.size } }
      return { status: 206, headers: { ...headers, ...rangeHeaders(parseRange(range, entry.size), entry.size) } }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { status: error.status, ...(headers && error.status === 416 ? { headers } : {}) }
    }
  }

  function statObject(request: ApiRequest): Reply {
    const { repository, entry } = findObject(request)
    const json = toJson(repository, entry)
    return { status: 200, json: readFlag(request, 'user_metadata') === false ? { ...json, metadata: {} } : json }
  }

  /** Entries below `prefix`, those with the delimiter in the rest of their path drawn together, after `after`. */
  function* listing(
    repository: RepositoryRecord,
    ref: string,
    { prefix, after, delimiter }: { prefix: string; after: string; delimiter: string },
  ): Generator<Entry | CommonPrefix> {
    let folder: string | undefined
    for (const entry of reader.listEntries(repository, ref, { prefix, from: after })) {
      if (folder !== undefined && entry.path.startsWith(folder)) continue
      const at = delimiter ? entry.path.indexOf(delimiter, prefix.length) : -1
      if (at >= 0) folder = entry.path.slice(0, at + delimiter.length)
      const item = at < 0 ? entry : { path: folder!, commonPrefix: true as const }
      if (item.path !== after) yield item
    }
  }

  function listObjects(request: ApiRequest): Reply {
    const page = readPage(request)
    const repository = repositoryOf(request)
    checkRef(request.params.ref!)
    const withMetadata = readFlag(request, 'user_metadata') !== false
    const items = take(listing(repository, request.params.ref!, page), page.amount + 1)
    return pageOf(
      items,
      page.amount,
      ({ path }) => path,
      item => {
        if (isPrefix(item)) {
          return { path: item.path, path_type: 'common_prefix', checksum: '', mtime: 0, physical_address: '' }
        }
        const { metadata, ...json } = toJson(repository, item)
        return withMetadata && Object.keys(metadata).length > 0 ? { ...json, metadata } : json
      },
    )
  }

  return [
    ['POST', '/repositories/:repository/branches/:branch/objects', upload],
    ['DELETE', '/repositories/:repository/branches/:branch/objects', deleteObject],
    ['GET', '/repositories/:repository/refs/:ref/objects', getObject],
    ['HEAD', '/repositories/:repository/refs/:ref/objects', headObject],
    ['GET', '/repositories/:repository/refs/:ref/objects/stat', statObject],
    ['GET', '/repositories/:repository/refs/:ref/objects/ls', listObjects],
  ]
}
