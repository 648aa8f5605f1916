import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compareUtf8, decodeName, decodeSegment, goesOn, metaFolder } from './path-names.ts'

/** A file or folder that the walk has seen and not yet dealt with. */
interface Pending {
  /** Relative to the store's folder. */
  path: string
  /** A file's key; a folder's: what the keys of all its objects start with. */
  key: string
  folder: boolean
  /** Where a long segment is not whole yet: its names so far, and the key before it. */
  open?: { names: string[]; before: string }
}

const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

async function readFolder(folder: string, parent: Pending): Promise<Pending[]> {
  const entries = await readdir(join(folder, parent.path), { withFileTypes: true }).catch(error => {
    // Pruned since its parent was read.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return []
    throw error
  })
  const { names = [], before = parent.key } = parent.open ?? {}
  const found: Pending[] = []
  for (const entry of entries) {
    const isFolder = entry.isDirectory()
    if (entry.name === metaFolder || !(isFolder || entry.isFile())) continue
    const path = parent.path === '' ? entry.name : `${parent.path}/${entry.name}`
    const all = [...names, entry.name]
    if (isFolder && goesOn(entry.name)) {
      found.push({ path, key: parent.key + decodeName(entry.name), folder: true, open: { names: all, before } })
      continue
    }
    const segment = decodeSegment(all, isFolder ? 'folder' : 'file')
    if (segment !== undefined) found.push({ path, key: before + segment + (isFolder ? '/' : ''), folder: isFolder })
  }
  return found
}

/** Last in order first, so that the next one is popped. */
const lastFirst = (a: Pending, b: Pending): number => compareUtf8(b.key, a.key)

/**
 * Keys of the files in a directory store whose key starts with `prefix` and comes after `startAfter`, in the order of the keys'
 * UTF-8 bytes. Folders are read when the walk reaches them; those that cannot hold such a key are not read.
 */
export async function* walkFolder(folder: string, prefix: string, startAfter?: string): AsyncGenerator<string> {
  const mayHold = ({ key, folder: isFolder }: Pending): boolean => {
    if (!isFolder) return key.startsWith(prefix) && (startAfter === undefined || compareUtf8(key, startAfter) > 0)
    if (!key.startsWith(prefix) && !prefix.startsWith(key)) return false
    return startAfter === undefined || startAfter.startsWith(key) || compareUtf8(key, startAfter) > 0
  }
  const pending: Pending[] = [{ path: '', key: '', folder: true }]
  let last: string | undefined
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.folder) {
      const found = (await readFolder(folder, next)).filter(mayHold).sort(lastFirst)
      const overlap = found.length > 0 && pending.length > 0 && lastFirst(pending.at(-1)!, found[0]!) > 0
      for (const entry of found) pending.push(entry)
      if (overlap) pending.sort(lastFirst)
    } else if (next.key !== last) {
      last = next.key
      yield next.key
    }
  }
}
