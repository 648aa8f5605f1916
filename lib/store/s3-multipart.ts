import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { settle } from '../settle.ts'

/** Bytes: S3 refuses a smaller part unless it is the last (Amazon S3 user guide, "multipart upload limits"). */
export const minPartSize = 5 * 1024 * 1024
/** S3 takes no more parts in one upload. */
const maxParts = 10_000
/** Copies that one upload has under way. */
const parallelCopies = 8

export interface UploadTarget {
  bucket: string
  key: string
  contentType?: string
  ifAbsent: boolean
  /** True where no part is copied: only then can every part have a checksum on every server (MinIO makes none for a copied one). */
  checksums: boolean
}

/** Adds parts to an upload, in order. */
export interface PartWriter {
  /** Every part but the last has at least 5 MiB. */
  upload(bytes: Uint8Array): Promise<void>
  /** Adds ranges, both ends included, of another object that must still have that ETag. */
  copy(source: { key: string; etag: string }, ranges: [first: number, last: number][]): Promise<void>
}

/**
 * Makes one object of the parts that `write` adds and returns its quoted ETag. Whatever fails, the upload is aborted, so no part stays
 * behind, and the error of the SDK or of `write` is thrown.
 */
export async function uploadParts(
  client: S3Client,
  { bucket: Bucket, key: Key, contentType, ifAbsent, checksums }: UploadTarget,
  write: (parts: PartWriter) => Promise<void>,
): Promise<string> {
  // S3 refuses a part whose kind of checksum was not announced, and one without where one was.
  const ChecksumAlgorithm = checksums ? 'CRC32' : undefined
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ContentType: contentType, ChecksumAlgorithm }),
  )
  const parts: CompletedPart[] = []
  const nextNumber = (): number => {
    if (parts.length === maxParts) throw new RangeError(`s3://${Bucket}/${Key} needs more than ${maxParts} parts`)
    // The place is taken now and filled when the part is there.
    return parts.push({})
  }
  const fill = (PartNumber: number, { ETag, ChecksumCRC32 }: CompletedPart = {}): void => {
    parts[PartNumber - 1] = { PartNumber, ETag, ChecksumCRC32 }
  }
  try {
    await write({
      async upload(bytes) {
        const PartNumber = nextNumber()
        const command = new UploadPartCommand({
          Bucket,
          Key,
          UploadId,
          PartNumber,
          Body: bytes,
          ChecksumAlgorithm,
          ContentMD5: checksums ? undefined : createHash('md5').update(bytes).digest('base64'),
        })
        if (!checksums) leaveOutChecksum(command)
        fill(PartNumber, await client.send(command))
      },
      async copy({ key, etag }, ranges) {
        for (let i = 0; i < ranges.length; i += parallelCopies) {
          const copies = ranges.slice(i, i + parallelCopies).map(async ([first, last]) => {
            const PartNumber = nextNumber()
            const { CopyPartResult } = await client.send(
              new UploadPartCopyCommand({
                Bucket,
                Key,
                UploadId,
                PartNumber,
                CopySource: `${Bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
                CopySourceIfMatch: `"${etag}"`,
                CopySourceRange: `bytes=${first}-${last}`,
              }),
            )
            fill(PartNumber, CopyPartResult)
          })
          await settle(copies)
        }
      },
    })
    const { ETag } = await client.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: parts },
        IfNoneMatch: ifAbsent ? '*' : undefined,
      }),
    )
    return ETag!
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined)
    throw error
  }
}

/** By itself the SDK sends a CRC-32 with every part, and a client's setting cannot be changed for one request. */
function leaveOutChecksum(command: UploadPartCommand): void {
  command.middlewareStack.add(
    next => args => {
      const { headers } = args.request as { headers: Record<string, string> }
      for (const name of Object.keys(headers)) if (/^x-amz-(sdk-)?checksum-/.test(name)) delete headers[name]
      return next(args)
    },
    { step: 'build', priority: 'low', name: 'leaveOutChecksum' },
  )
}

/** Cuts `size` bytes into ranges of `length` to just below twice that, so that none is too small to be a part. */
export function cutRanges(size: number, length: number): [first: number, last: number][] {
  const count = Math.max(1, Math.floor(size / length))
  return Array.from({ length: count }, (_, i) => [i * length, i === count - 1 ? size - 1 : (i + 1) * length - 1])
}

/** The body's bytes in pieces of `size` bytes; only the last may be smaller, and an empty body is one empty piece. */
export async function* cutBody(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let piece = Buffer.allocUnsafe(size)
  let filled = 0
  let first = true
  for await (const chunk of body) {
    for (let taken = 0; taken < chunk.length; ) {
      if (filled === size) {
        yield piece
        first = false
        // The reader may still hold the last piece.
        piece = Buffer.allocUnsafe(size)
        filled = 0
      }
      const more = chunk.subarray(taken, taken + size - filled)
      piece.set(more, filled)
      filled += more.length
      taken += more.length
    }
  }
  if (filled > 0 || first) yield piece.subarray(0, filled)
}
