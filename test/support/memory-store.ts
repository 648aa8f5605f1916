import { createHash } from 'node:crypto'
import { NotFoundError, PreconditionError } from '../../lib/errors.ts'
import type { ObjectInfo, ObjectStore, ObjectWritten } from '../../lib/store/object-store.ts'

interface Stored {
  bytes: Uint8Array
  info: ObjectInfo
}

/** One read or write as the store saw it: tests count them and look at their ranges. */
export interface StoreCall {
  method: 'head' | 'get' | 'stream' | 'list' | 'put' | 'compose' | 'delete'
  key: string
  start?: number
  end?: number
}

/** An ObjectStore in memory. `calls` lists every call in order; `objects` is what it holds. */
export interface MemoryStore extends ObjectStore {
  calls: StoreCall[]
  objects: Map<string, Stored>
}

/** Makes an empty bucket in memory; `objects` fills it. */
export function memoryStore({
  bucket = 'lake',
  objects: initial = {},
  now = () => new Date(),
}: {
  bucket?: string
  objects?: Record<string, Uint8Array | string>
  now?: () => Date
} = {}): MemoryStore {
  const objects = new Map<string, Stored>()
  const calls: StoreCall[] = []

  const find = (key: string, ifMatch?: string): Stored => {
    const stored = objects.get(key)
    if (!stored) throw new NotFoundError(`s3://${bucket}/${key} does not exist`)
    if (ifMatch !== undefined && ifMatch !== stored.info.etag)
      throw new PreconditionError(`s3://${bucket}/${key} has changed since it was seen`)
    return stored
  }
  const write = (key: string, bytes: Uint8Array, ifAbsent = false): ObjectWritten => {
    if (ifAbsent && objects.has(key)) throw new PreconditionError(`s3://${bucket}/${key} exists already`)
    const etag = createHash('md5').update(bytes).digest('hex')
    objects.set(key, { bytes, info: { key, size: bytes.length, etag, lastModified: now() } })
    return { etag, size: bytes.length }
  }
  for (const [key, content] of Object.entries(initial))
    write(key, typeof content === 'string' ? new TextEncoder().encode(content) : content.slice())

  return {
    bucket,
    calls,
    objects,
    async head(key) {
      calls.push({ method: 'head', key })
      const info = objects.get(key)?.info
      return info && { ...info }
    },
    async get(key, { start, end, ifMatch } = {}) {
      calls.push({ method: 'get', key, start, end })
      return find(key, ifMatch).bytes.slice(start ?? 0, end)
    },
    async stream(key, { ifMatch } = {}) {
      calls.push({ method: 'stream', key })
      const { bytes, info } = find(key, ifMatch)
      async function* body() {
        for (let at = 0; at < bytes.length; at += 65_536) yield bytes.slice(at, at + 65_536)
      }
      return { info: { ...info }, body: body() }
    },
    async *list(prefix, { startAfter } = {}) {
      calls.push({ method: 'list', key: prefix })
      const utf8 = (key: string) => Buffer.from(key)
      const after = startAfter === undefined ? undefined : utf8(startAfter)
      const keys = [...objects.keys()]
        .filter(key => key.startsWith(prefix) && (after === undefined || Buffer.compare(utf8(key), after) > 0))
        .sort((a, b) => Buffer.compare(utf8(a), utf8(b)))
      for (const key of keys) {
        const stored = objects.get(key)
        if (stored) yield { ...stored.info }
      }
    },
    async put(key, body, { ifAbsent } = {}) {
      calls.push({ method: 'put', key })
      const chunks: Uint8Array[] = []
      if (body instanceof Uint8Array) chunks.push(body)
      else for await (const chunk of body) chunks.push(chunk)
      return write(key, new Uint8Array(Buffer.concat(chunks)), ifAbsent)
    },
    async compose(key, { source, append, ifMatch }, { ifAbsent } = {}) {
      calls.push({ method: 'compose', key })
      return write(key, new Uint8Array(Buffer.concat([find(source, ifMatch).bytes, append])), ifAbsent)
    },
    async delete(key) {
      calls.push({ method: 'delete', key })
      objects.delete(key)
    },
  }
}
