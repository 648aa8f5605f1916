import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { NotFoundError } from '../../lib/errors.ts'
import type { ObjectInfo, ObjectStore } from '../../lib/store/object-store.ts'
import type { StudyFile } from './study-folder.ts'

/** Files of the user's as a bucket, to be read where they lie. Nothing is written, and nothing is read for an ETag. */
export function createFolderStore(files: { key: string; file: StudyFile }[]): ObjectStore {
  const byKey = new Map(files.map(({ key, file }) => [key, file]))
  const find = (key: string): StudyFile => {
    const file = byKey.get(key)
    if (!file) throw new NotFoundError(`${key} does not exist`)
    return file
  }
  async function infoOf(key: string, { path }: StudyFile): Promise<ObjectInfo> {
    const { size, mtimeMs, mtime } = await stat(path)
    return { key, size, etag: `${size}-${mtimeMs}`, lastModified: mtime }
  }
  const refuse = async (): Promise<never> => {
    throw new Error('a folder of the user is only read')
  }
  return {
    bucket: 'folder',
    head: async key => (byKey.has(key) ? infoOf(key, find(key)) : undefined),
    get: async (key, { start = 0, end } = {}) => (await readFile(find(key).path)).subarray(start, end),
    stream: async key => ({ info: await infoOf(key, find(key)), body: createReadStream(find(key).path) }),
    async *list(prefix) {
      for (const [key, file] of [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)))
        if (key.startsWith(prefix)) yield infoOf(key, file)
    },
    put: refuse,
    compose: refuse,
    delete: refuse,
  }
}
