import { createHash } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { chmod, copyFile, type FileHandle, link, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NotFoundError, PreconditionError, TransientError } from '../errors.ts'
import { codeOf, orAbsent, translateFileError } from './directory-errors.ts'
import { etagOf, hashFile, isSameState, readPieces, recordEtag, recordedEtag } from './directory-etags.ts'
import { walkFolder } from './directory-listing.ts'
import { createPaths } from './directory-paths.ts'
import { sweepTempFiles, withTempFile } from './directory-temp.ts'
import type { ObjectInfo, ObjectStore, ObjectWritten } from './object-store.ts'
import { checkKey, pathOfKey } from './path-names.ts'

const infoOf = (key: string, etag: string, { size, mtimeNs }: BigIntStats): ObjectInfo => ({
  key,
  size: Number(size),
  etag,
  lastModified: new Date(Math.round(Number(mtimeNs) / 1e6)),
})

/**
 * An object store in a folder. An ordinary key is its path: `study/v1/dm.csv` lies at `<folder>/study/v1/dm.csv`; `path-names.ts` has the
 * rule for the others. Files that a person copies in, edits or removes are objects as well. ETags are MD5 hex, as S3's are for an object
 * put in one piece; they are kept in `<folder>/.meta`, which may be deleted at any time. `lastModified` is the file's own time, set to
 * `now()`. Writers in several processes may share the folder: a write appears whole, and of several with `ifAbsent` one wins.
 */
export function createDirectoryStore({
  folder,
  bucket,
  now,
}: {
  folder: string
  bucket: string
  now: () => Date
}): ObjectStore {
  sweepTempFiles(folder, now())
  const { isFile, pathsOf, locate, isInTheWay, remove } = createPaths(folder)

  async function head(key: string): Promise<ObjectInfo | undefined> {
    const path = await locate(key)
    if (path === undefined) return undefined
    const stats = await orAbsent(lstat(join(folder, path), { bigint: true }))
    if (stats === undefined) return undefined
    const recorded = await recordedEtag(folder, path, stats)
    if (recorded !== undefined) return infoOf(key, recorded, stats)
    const file = await orAbsent(open(join(folder, path), 'r'))
    if (file === undefined) return undefined
    try {
      const current = await etagOf(folder, path, file)
      return infoOf(key, current.etag, current.stats)
    } finally {
      await file.close()
    }
  }

  /** The object's file, open: what is written to its path later does not touch it. The caller closes it. */
  async function openObject(key: string): Promise<{ file: FileHandle; path: string }> {
    const path = await locate(key)
    const file = path === undefined ? undefined : await orAbsent(open(join(folder, path), 'r'))
    if (path === undefined || file === undefined) throw new NotFoundError(`s3://${bucket}/${key} does not exist`)
    return { file, path }
  }

  function requireEtag(key: string, found: string, ifMatch: string | undefined): void {
    if (ifMatch !== undefined && found !== ifMatch) {
      throw new PreconditionError(`s3://${bucket}/${key} has ETag ${found}, expected ${ifMatch}`)
    }
  }

  const refuse = (key: string): PreconditionError => new PreconditionError(`s3://${bucket}/${key} exists already`)

  async function refuseExisting(key: string, ifAbsent: boolean): Promise<void> {
    if (ifAbsent && (await locate(key)) !== undefined) throw refuse(key)
  }

  const writing = (write: (file: FileHandle, temp: string) => Promise<ObjectWritten>): Promise<ObjectWritten> =>
    withTempFile(folder, write).catch(error => {
      throw translateFileError(error)
    })

  /** Gives the finished temporary file its place, and makes that last through a power cut. */
  async function place(
    key: string,
    file: FileHandle,
    temp: string,
    etag: string,
    ifAbsent: boolean,
  ): Promise<ObjectWritten> {
    const path = pathOfKey(key)
    const target = join(folder, path)
    const time = now()
    await file.utimes(time, time)
    await file.sync()
    // A delete may prune the folder that is being made.
    const pruned = async (error: unknown) => codeOf(error) === 'ENOENT' && (await orAbsent(lstat(temp))) !== undefined
    let oldest = dirname(target)
    for (;;) {
      try {
        const made = await mkdir(dirname(target), { recursive: true })
        if (made !== undefined) oldest = dirname(made)
        // Unlike rename, link refuses to replace: the file system decides which of several writers is first.
        await (ifAbsent ? link(temp, target) : rename(temp, target))
        break
      } catch (error) {
        if (ifAbsent && (await isFile(path))) throw refuse(key)
        if (!(await pruned(error)) && codeOf(error) !== 'EEXIST') throw error
        if (await isInTheWay(path)) throw error
      }
    }
    for (let parent = dirname(target); parent.length >= oldest.length; parent = dirname(parent))
      await syncFolder(parent)
    for await (const other of pathsOf(key)) if (other !== path) await remove(other)
    // The name that link has left changes the file's state when it goes.
    await rm(temp, { force: true })
    const stats = await file.stat({ bigint: true })
    await recordEtag(folder, path, etag, stats)
    return { etag, size: Number(stats.size) }
  }

  return {
    bucket,
    head: async key => {
      checkKey(key)
      return head(key)
    },

    async get(key, { start = 0, end = Number.POSITIVE_INFINITY, ifMatch } = {}) {
      checkKey(key)
      const { file, path } = await openObject(key)
      try {
        if (ifMatch !== undefined) requireEtag(key, (await etagOf(folder, path, file)).etag, ifMatch)
        const { size } = await file.stat()
        const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start))
        let filled = 0
        while (filled < bytes.length) {
          const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return bytes.subarray(0, filled)
      } finally {
        await file.close()
      }
    },

    async stream(key, { ifMatch } = {}) {
      checkKey(key)
      const { file, path } = await openObject(key)
      try {
        const { etag, stats } = await etagOf(folder, path, file)
        requireEtag(key, etag, ifMatch)
        return { info: infoOf(key, etag, stats), body: readAndClose(file, Number(stats.size)) }
      } catch (error) {
        await file.close()
        throw error
      }
    },

    async *list(prefix, { startAfter } = {}) {
      for await (const key of walkFolder(folder, prefix, startAfter)) {
        const info = await head(key)
        if (info) yield info
      }
    },

    async put(key, body, { ifAbsent = false } = {}) {
      checkKey(key)
      await refuseExisting(key, ifAbsent)
      return writing(async (file, temp) => {
        const hash = createHash('md5')
        for await (const piece of body instanceof Uint8Array ? [body] : body) {
          hash.update(piece)
          await file.appendFile(piece)
        }
        return await place(key, file, temp, hash.digest('hex'), ifAbsent)
      })
    },

    async compose(key, { source, append, ifMatch }, { ifAbsent = false } = {}) {
      checkKey(key)
      await refuseExisting(key, ifAbsent)
      const { file: original, path } = await openObject(source)
      try {
        const { etag, stats } = await etagOf(folder, path, original)
        requireEtag(source, etag, ifMatch)
        return await writing(async (_, temp) => {
          await copyFile(join(folder, path), temp, constants.COPYFILE_FICLONE)
          // The copy goes by path: the file there must still be the one that was judged.
          const after = await orAbsent(lstat(join(folder, path), { bigint: true }))
          if (!after || !isSameState(stats, after)) {
            throw new TransientError(`s3://${bucket}/${source} changed while it was copied`, { retryAfterSeconds: 0 })
          }
          await chmod(temp, 0o644)
          const file = await open(temp, 'a+')
          try {
            await file.appendFile(append)
            return await place(key, file, temp, await hashFile(file), ifAbsent)
          } finally {
            await file.close()
          }
        })
      } finally {
        await original.close()
      }
    },

    async delete(key) {
      checkKey(key)
      for await (const path of pathsOf(key)) await remove(path)
    },
  }
}

/** Makes the names in a folder last. A folder that is gone again has none, and not every system can do it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await orAbsent(open(path, 'r'))
  await folder
    ?.sync()
    .catch(() => undefined)
    .finally(() => folder.close())
}

/** An open file's bytes; the file is closed when they end or the reader stops. */
async function* readAndClose(file: FileHandle, size: number): AsyncGenerator<Uint8Array> {
  try {
    yield* readPieces(file, size)
  } finally {
    await file.close()
  }
}
