import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { ObjectStore } from '../../../lib/store/object-store.ts'
import { ApiError } from './errors.ts'
import { readParts } from './multipart.ts'
import { readBytes } from './request.ts'

/** Bytes that now lie in the block store. */
export interface Blob {
  /** MD5 in hex. */
  checksum: string
  size: number
  /** As the request gave it; may be empty. */
  contentType: string
}

const internal = (what: string) => new ApiError(500, what)

/** Writes an upload's bytes under a new key: the body itself or, of a `multipart/form-data` body, its part `content`. */
export async function writeUpload(raw: IncomingMessage, store: ObjectStore, key: string): Promise<Blob> {
  const contentType = raw.headers['content-type'] || 'application/octet-stream'
  const mediaType = contentType.split(';')[0]!.trim().toLowerCase()
  if (!/^[^\s/;]+(\/[^\s/;]+)?$/.test(mediaType)) throw internal('mime: no media type')
  if (mediaType !== 'multipart/form-data') return { contentType, ...(await writeHashed(raw, store, key)) }
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)?.slice(1).find(Boolean)
  if (!boundary) throw internal('no multipart boundary param in Content-Type')
  for (const part of readParts(await readBytes(raw), boundary)) {
    if (part.name !== 'content') continue
    return { contentType: part.contentType, ...(await writeHashed([part.bytes], store, key)) }
  }
  throw internal("multipart upload missing key 'content': http: no such file")
}

async function writeHashed(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, store: ObjectStore, key: string) {
  const hash = createHash('md5')
  let size = 0
  async function* pass(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      hash.update(chunk)
      size += chunk.length
      yield chunk
    }
  }
  await store.put(key, pass(), { ifAbsent: true })
  return { checksum: hash.digest('hex'), size }
}

const userPrefix = 'x-lakefs-meta-'
const internalPrefix = 'x-lakefs-internal-'

/** The user metadata of an upload's headers. Names are lower-case. */
export function readMetadata({ headersDistinct }: IncomingMessage): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [name, [value = ''] = []] of Object.entries(headersDistinct)) {
    if (name.startsWith(userPrefix)) metadata[name.slice(userPrefix.length)] = value
    else if (name.startsWith(internalPrefix)) metadata[`::lakefs::${name.slice(internalPrefix.length)}`] = value
  }
  return metadata
}
