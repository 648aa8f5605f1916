import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { PreconditionError, TransientError } from '../errors.ts'
import type { ObjectInfo, ObjectStore, ObjectWritten } from './object-store.ts'
import { checkKey } from './path-names.ts'
import { isBeyondEnd, isConflict, isMissing, translateS3Error, translating } from './s3-errors.ts'
import { cutBody, cutRanges, minPartSize, uploadParts } from './s3-multipart.ts'

const unquote = (etag: string | undefined): string => (etag ?? '').replace(/^"|"$/g, '')
const quote = (etag: string | undefined): string | undefined => (etag === undefined ? undefined : `"${etag}"`)

/** With `EncodingType: 'url'` a key that XML could not hold arrives whole. */
const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '))

/**
 * One bucket of S3, or of a server that speaks its API, as an object store. `partSize` (bytes, at least 5 MiB) is how much of a streamed
 * body is held in memory: a longer one becomes a multipart upload. `copyPartSize` (5 MiB to 2.5 GiB) is the least that one server-side copy
 * moves; several run at once. The client's own retries come first; what fails after them is TransientError. Throws RangeError for sizes
 * that S3 would refuse.
 */
export function createS3Store({
  client,
  bucket,
  partSize = 8 * 1024 * 1024,
  copyPartSize = 256 * 1024 * 1024,
}: {
  client: S3Client
  bucket: string
  partSize?: number
  copyPartSize?: number
}): ObjectStore {
  for (const [name, size] of Object.entries({ partSize, copyPartSize })) {
    if (size < minPartSize) throw new RangeError(`${name} is ${size} bytes, expected at least ${minPartSize}`)
  }
  const address = (key: string): string => `s3://${bucket}/${key}`

  async function head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
      return {
        key,
        size: found.ContentLength ?? 0,
        etag: unquote(found.ETag),
        lastModified: found.LastModified ?? new Date(0),
      }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw translateS3Error(error, address(key))
    }
  }

  /**
   * S3 answers a conditional write with 409 where another write of the key is under way, and asks to try again (PutObject,
   * "If-None-Match"). The body may be gone, so what stands there now decides.
   */
  async function settleWrite(key: string, ifAbsent: boolean, work: Promise<ObjectWritten>): Promise<ObjectWritten> {
    try {
      return await work
    } catch (error) {
      if (ifAbsent && isConflict(error) && (await head(key)) !== undefined) {
        throw new PreconditionError(`${address(key)} exists already`, { cause: error })
      }
      throw translateS3Error(error, address(key))
    }
  }

  interface WriteOptions {
    ifAbsent?: boolean
    contentType?: string
  }

  async function putBytes(
    key: string,
    bytes: Uint8Array,
    { ifAbsent, contentType }: WriteOptions,
  ): Promise<ObjectWritten> {
    const { ETag } = await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentLength: bytes.length,
        ContentType: contentType,
        IfNoneMatch: ifAbsent ? '*' : undefined,
      }),
    )
    return { etag: unquote(ETag), size: bytes.length }
  }

  async function putStream(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<ObjectWritten> {
    const pieces = cutBody(body, partSize)
    try {
      const first = (await pieces.next()).value as Uint8Array
      const second = await pieces.next()
      if (second.done) return await putBytes(key, first, options)
      let size = 0
      const { contentType, ifAbsent = false } = options
      const target = { bucket, key, contentType, ifAbsent, checksums: true }
      const etag = await uploadParts(client, target, async parts => {
        const upload = async (piece: Uint8Array) => {
          await parts.upload(piece)
          size += piece.length
        }
        await upload(first)
        await upload(second.value)
        for await (const piece of pieces) await upload(piece)
      })
      return { etag: unquote(etag), size }
    } finally {
      await pieces.return(undefined)
    }
  }

  async function get(
    key: string,
    { start, end, ifMatch }: { start?: number; end?: number; ifMatch?: string } = {},
  ): Promise<Uint8Array> {
    const whole = start === undefined && end === undefined
    const from = start ?? 0
    // HTTP has no empty range; the first byte is asked for so that a missing object or a failed condition still shows.
    const empty = end !== undefined && end <= from
    const Range = whole ? undefined : empty ? 'bytes=0-0' : `bytes=${from}-${end === undefined ? '' : end - 1}`
    try {
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, Range, IfMatch: quote(ifMatch) }),
      )
      const bytes = await Body!.transformToByteArray()
      return empty ? bytes.subarray(0, 0) : bytes
    } catch (error) {
      if (isBeyondEnd(error)) return new Uint8Array(0)
      throw translateS3Error(error, address(key))
    }
  }

  async function composeLarge(
    key: string,
    source: ObjectInfo,
    append: Uint8Array,
    { ifAbsent = false, contentType }: WriteOptions,
  ): Promise<ObjectWritten> {
    const etag = await uploadParts(client, { bucket, key, contentType, ifAbsent, checksums: false }, async parts => {
      await parts.copy(source, cutRanges(source.size, copyPartSize)).catch(error => {
        const failure = translateS3Error(error, address(source.key))
        // Nobody asked for that ETag: the source was replaced after it was looked at.
        if (!(failure instanceof PreconditionError)) throw failure
        throw new TransientError(`${address(source.key)} changed while it was copied`, { cause: error })
      })
      for (let i = 0; i < append.length; i += partSize) await parts.upload(append.subarray(i, i + partSize))
    })
    return { etag: unquote(etag), size: source.size + append.length }
  }

  return {
    bucket,
    async head(key) {
      checkKey(key)
      return head(key)
    },

    async get(key, options) {
      checkKey(key)
      return get(key, options)
    },

    async stream(key, { ifMatch } = {}) {
      checkKey(key)
      const { Body, ContentLength, ETag, LastModified } = await translating(
        address(key),
        client.send(new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: quote(ifMatch) })),
      )
      return {
        info: { key, size: ContentLength ?? 0, etag: unquote(ETag), lastModified: LastModified ?? new Date(0) },
        body: readBody(Body as AsyncIterable<Uint8Array>, address(key)),
      }
    },

    async *list(prefix, { startAfter } = {}) {
      let ContinuationToken: string | undefined
      do {
        const page = await translating(
          address(prefix),
          client.send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: prefix,
              StartAfter: startAfter,
              ContinuationToken,
              EncodingType: 'url',
            }),
          ),
        )
        for (const { Key = '', Size = 0, ETag, LastModified = new Date(0) } of page.Contents ?? []) {
          const key = page.EncodingType === 'url' ? decodeKey(Key) : Key
          yield { key, size: Size, etag: unquote(ETag), lastModified: LastModified }
        }
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
    },

    async put(key, body, options = {}) {
      checkKey(key)
      const work = body instanceof Uint8Array ? putBytes(key, body, options) : putStream(key, body, options)
      return settleWrite(key, options.ifAbsent ?? false, work)
    },

    async compose(key, { source, append, ifMatch }, options = {}) {
      checkKey(key)
      const found = await head(source)
      if (found === undefined || found.size < minPartSize) {
        const start = await get(source, { ifMatch })
        return settleWrite(key, options.ifAbsent ?? false, putBytes(key, Buffer.concat([start, append]), options))
      }
      if (ifMatch !== undefined && found.etag !== ifMatch) {
        throw new PreconditionError(`${address(source)} has ETag ${found.etag}, expected ${ifMatch}`)
      }
      return settleWrite(key, options.ifAbsent ?? false, composeLarge(key, found, append, options))
    },

    async delete(key) {
      checkKey(key)
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
      } catch (error) {
        if (!isMissing(error)) throw translateS3Error(error, address(key))
      }
    },
  }
}

async function* readBody(body: AsyncIterable<Uint8Array>, subject: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw translateS3Error(error, subject)
  }
}
