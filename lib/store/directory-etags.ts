import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TransientError } from '../errors.ts'
import { metaFolder } from './path-names.ts'

/** What tells one state of a file from another without reading it. */
interface Identity {
  size: number
  /** ns, in decimal. */
  modified: string
  /** ns, in decimal: the time of the last change of any kind, which nobody can set. */
  changed: string
  /** A file that was renamed into place is another file than the one before, though size and times may be equal. */
  inode: string
}

interface Recorded extends Identity {
  etag: string
}

const identify = ({ size, mtimeNs, ctimeNs, ino }: BigIntStats): Identity => ({
  size: Number(size),
  modified: mtimeNs.toString(),
  changed: ctimeNs.toString(),
  inode: ino.toString(),
})
const sameFile = (a: Identity, b: Identity): boolean =>
  a.size === b.size && a.modified === b.modified && a.changed === b.changed && a.inode === b.inode

/** The file that records the ETag of the object at that path, relative to the store's folder. */
export const recordPath = (path: string): string => join(metaFolder, 'etags', path)

/** True where two looks at a file saw the same bytes. */
export const isSameState = (a: BigIntStats, b: BigIntStats): boolean => sameFile(identify(a), identify(b))

/** The bytes of an open file from its start, in pieces. */
export async function* readPieces(file: FileHandle, size = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < size; ) {
    // A new buffer each time: the reader may keep the piece.
    const buffer = Buffer.allocUnsafe(Math.min(256 * 1024, size - position))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/**
 * Records the ETag of the file that had these stats. It is a cache that repairs itself: a record that is lost, torn or older than its file
 * is made again by reading the file, so a failure to write one is no failure.
 */
export async function recordEtag(folder: string, path: string, etag: string, stats: BigIntStats): Promise<void> {
  const target = join(folder, recordPath(path))
  const record: Recorded = { etag, ...identify(stats) }
  await mkdir(dirname(target), { recursive: true })
    .then(() => writeFile(target, JSON.stringify(record)))
    .catch(() => undefined)
}

async function readRecord(folder: string, path: string): Promise<Recorded | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, recordPath(path)), 'utf8')) as Recorded
  } catch {
    return undefined
  }
}

/** The recorded ETag of the file with these stats, or undefined where there is none or the file has changed. */
export async function recordedEtag(folder: string, path: string, stats: BigIntStats): Promise<string | undefined> {
  const record = await readRecord(folder, path)
  return record && sameFile(record, identify(stats)) ? record.etag : undefined
}

/**
 * The ETag and stats of an open file, read from its record or made by hashing. Throws TransientError where the file changes all the while:
 * somebody is copying it in.
 */
export async function etagOf(
  folder: string,
  path: string,
  file: FileHandle,
): Promise<{ etag: string; stats: BigIntStats }> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const stats = await file.stat({ bigint: true })
    const recorded = await recordedEtag(folder, path, stats)
    if (recorded !== undefined) return { etag: recorded, stats }
    const etag = await hashFile(file)
    if (!isSameState(stats, await file.stat({ bigint: true }))) continue
    await recordEtag(folder, path, etag, stats)
    return { etag, stats }
  }
  throw new TransientError(`${path} is being written`, { retryAfterSeconds: 1 })
}

/** MD5 of an open file's bytes in hex: the ETag that S3 gives an object that was put in one piece. */
export async function hashFile(file: FileHandle): Promise<string> {
  const hash = createHash('md5')
  for await (const piece of readPieces(file)) hash.update(piece)
  return hash.digest('hex')
}
