import { lstat, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { orAbsent } from './directory-errors.ts'
import { recordPath } from './directory-etags.ts'
import { alternativesOfKey, pathOfKey } from './path-names.ts'

/** Finds and removes the files of a directory store. Paths are relative to its folder, with slashes. */
export function createPaths(folder: string) {
  /** True for a file that is no link. */
  const isFile = async (path: string): Promise<boolean> =>
    (await orAbsent(lstat(join(folder, path))))?.isFile() ?? false

  /** The existing files that hold that key, the store's own path first; more than one only where a person made another. */
  async function* pathsOf(key: string): AsyncGenerator<string> {
    const own = pathOfKey(key)
    if (await isFile(own)) yield own
    const alternatives = alternativesOfKey(key)
    if (alternatives.every(({ length }) => length === 1)) return
    let parents = ['']
    for (const [index, names] of alternatives.entries()) {
      const paths = parents.flatMap(parent => names.map(name => (parent === '' ? name : `${parent}/${name}`)))
      parents = []
      for (const path of paths) if (await orAbsent(lstat(join(folder, path)))) parents.push(path)
      if (index === alternatives.length - 1)
        for (const path of parents) if (path !== own && (await isFile(path))) yield path
    }
  }

  /** The first of them. */
  async function locate(key: string): Promise<string | undefined> {
    for await (const path of pathsOf(key)) return path
    return undefined
  }

  /** True where something that a person made stands where a file of that path or one of its folders has to be. */
  async function isInTheWay(path: string): Promise<boolean> {
    const there = await orAbsent(lstat(join(folder, path)))
    if (there && !there.isFile()) return true
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      const above = await orAbsent(lstat(join(folder, parent)))
      if (above && !above.isDirectory()) return true
    }
    return false
  }

  /** Removes a file, its record, and the folders that it leaves empty: S3 has none. */
  async function remove(path: string): Promise<void> {
    for (const name of [path, recordPath(path)]) {
      await orAbsent(rm(join(folder, name), { force: true }))
      for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) {
        const removed = rmdir(join(folder, parent)).then(
          () => true,
          () => false,
        )
        if (!(await removed)) break
      }
    }
  }

  return { isFile, pathsOf, locate, isInTheWay, remove }
}
