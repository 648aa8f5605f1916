import { NotFoundError } from '../../../lib/errors.ts'
import { type ByteRange, checkRange, parseRange, UnservableRange } from './byte-range.ts'
import type { Core } from './core.ts'
import type { Entry } from './entries.ts'
import { ApiError } from './errors.ts'
import { checkPath, checkRef } from './names.ts'
import { createReader, objectKey } from './reader.ts'
import type { RepositoryRecord } from './repository.ts'
import { type ApiRequest, pageOf, type Reply, readFlag, readPage, requireQuery, take } from './request.ts'
import type { Route } from './router.ts'

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

/** An object as the API shows it. */
export const objectToJson = ({ namespace }: RepositoryRecord, entry: Entry) => ({
  path: entry.path,
  path_type: 'object',
  physical_address: `${namespace.replace(/\/+$/, '')}/${entry.address}`,
  checksum: entry.checksum,
  mtime: Math.floor(entry.mtime / 1000),
  size_bytes: entry.size,
  content_type: entry.contentType,
  metadata: entry.metadata,
})

const isPrefix = (item: Entry | CommonPrefix): item is CommonPrefix => 'commonPrefix' in item

/** Objects as refs show them. */
export function objectRoutes(core: Core): Route[] {
  const { repositories, store } = core
  const reader = createReader(core)
  const repositoryOf = ({ params }: ApiRequest): RepositoryRecord => repositories.getRepository(params.repository!)
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
    const json = objectToJson(repository, entry)
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
        const { metadata, ...json } = objectToJson(repository, item)
        return withMetadata && Object.keys(metadata).length > 0 ? { ...json, metadata } : json
      },
    )
  }

  return [
    ['GET', '/repositories/:repository/refs/:ref/objects', getObject],
    ['HEAD', '/repositories/:repository/refs/:ref/objects', headObject],
    ['GET', '/repositories/:repository/refs/:ref/objects/stat', statObject],
    ['GET', '/repositories/:repository/refs/:ref/objects/ls', listObjects],
  ]
}
