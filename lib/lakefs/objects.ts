import { apiPath, type LakefsSend } from './request.ts'
import type { CommonPrefix, Difference, ObjectStats } from './types.ts'

interface RawObject {
  path: string
  path_type: 'object' | 'common_prefix'
  physical_address: string
  checksum: string
  size_bytes?: number
  mtime: number
  content_type?: string
  metadata?: Record<string, string> | null
}

interface RawDifference {
  type: Difference['type']
  path: string
  path_type: Difference['pathType']
  size_bytes?: number
}

const readObject = (raw: RawObject): ObjectStats => ({
  type: 'object',
  path: raw.path,
  physicalAddress: raw.physical_address,
  checksum: raw.checksum,
  size: raw.size_bytes ?? 0,
  mtime: raw.mtime,
  contentType: raw.content_type ?? '',
  metadata: raw.metadata ?? {},
})

const readDifference = (raw: RawDifference): Difference => ({
  type: raw.type,
  path: raw.path,
  pathType: raw.path_type,
  size: raw.size_bytes,
})

interface Listing {
  prefix?: string
  delimiter?: string
  after?: string
}

/**
 * Objects on refs, and what differs between refs. A ref is a branch (with its uncommitted objects), `<branch>@` (without), a tag, a commit
 * id. A missing repository or ref reads as a missing object (undefined) and is a LakefsError (404) in listings.
 */
export function createObjects({ send, find, pages }: LakefsSend) {
  const atRef = (repository: string, ref: string) => apiPath('repositories', repository, 'refs', ref)
  const onBranch = (repository: string, branch: string) => apiPath('repositories', repository, 'branches', branch)

  return {
    /** The bytes, or those of [start, end), cut at the object's end. */
    async getObject(
      repository: string,
      ref: string,
      path: string,
      { range }: { range?: { start: number; end?: number } } = {},
    ): Promise<Uint8Array | undefined> {
      if (range?.end !== undefined && range.end <= range.start) return new Uint8Array()
      const headers: Record<string, string> = range
        ? { range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}` }
        : {}
      const query = { path }
      const response = await send(`${atRef(repository, ref)}/objects`, { query, headers, accept: [404, 416] })
      if (response.ok) return new Uint8Array(await response.arrayBuffer())
      await response.body?.cancel()
      return response.status === 416 ? new Uint8Array() : undefined
    },

    async statObject(repository: string, ref: string, path: string): Promise<ObjectStats | undefined> {
      const raw = await find<RawObject>(`${atRef(repository, ref)}/objects/stat`, { query: { path } })
      return raw && readObject(raw)
    },

    /**
     * Writes an uncommitted object to a branch. With `ifAbsent`, 412 where the branch has one at that path. 403 on a protected branch. Metadata
     * names are lower-case; they and the content type count when lakeFS compares objects.
     */
    async uploadObject(
      repository: string,
      branch: string,
      path: string,
      bytes: Uint8Array,
      {
        ifAbsent = false,
        contentType = 'application/octet-stream',
        metadata = {},
      }: { ifAbsent?: boolean; contentType?: string; metadata?: Record<string, string> } = {},
    ): Promise<ObjectStats> {
      const headers: Record<string, string> = { 'content-type': contentType }
      if (ifAbsent) headers['if-none-match'] = '*'
      for (const [name, value] of Object.entries(metadata)) headers[`x-lakefs-meta-${name}`] = value
      const response = await send(`${onBranch(repository, branch)}/objects`, {
        method: 'POST',
        query: { path },
        headers,
        body: bytes,
        // A second try of a conditional write would find the first one's object and call it another writer's.
        retry: !ifAbsent,
      })
      return readObject((await response.json()) as RawObject)
    },

    /** Nothing happens where there is no such object. */
    async deleteObject(repository: string, branch: string, path: string): Promise<void> {
      await send(`${onBranch(repository, branch)}/objects`, { method: 'DELETE', query: { path } })
    },

    /** In the order of their paths' bytes. */
    async *listObjects(
      repository: string,
      ref: string,
      { prefix, delimiter, after }: Listing = {},
    ): AsyncGenerator<ObjectStats | CommonPrefix> {
      const query = { prefix, delimiter, after }
      for await (const raw of pages<RawObject>(`${atRef(repository, ref)}/objects/ls`, query)) {
        yield raw.path_type === 'common_prefix' ? { type: 'common_prefix', path: raw.path } : readObject(raw)
      }
    },

    /** What a commit of the branch would change. */
    async *diffUncommitted(
      repository: string,
      branch: string,
      { prefix, delimiter }: Listing = {},
    ): AsyncGenerator<Difference> {
      const path = `${onBranch(repository, branch)}/diff`
      for await (const raw of pages<RawDifference>(path, { prefix, delimiter })) yield readDifference(raw)
    },

    /**
     * `two_dot`: what `right` has otherwise than `left`. `three_dot`: what merging `right` into `left` would change, conflicts as such.
     * Both compare commits; what is uncommitted on a branch does not count.
     */
    async *diffRefs(
      repository: string,
      left: string,
      right: string,
      { type = 'three_dot', prefix, delimiter }: Listing & { type?: 'two_dot' | 'three_dot' } = {},
    ): AsyncGenerator<Difference> {
      const path = `${atRef(repository, left)}/diff${apiPath(right)}`
      for await (const raw of pages<RawDifference>(path, { type, prefix, delimiter })) yield readDifference(raw)
    },
  }
}
