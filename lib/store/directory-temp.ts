import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { metaFolder } from './path-names.ts'

const day = 24 * 60 * 60 * 1000
const tempFolder = join(metaFolder, 'temp')
let counter = 0

/** A new file beside the objects, in their file system; `use` moves it or leaves it, what is left is removed. */
export async function withTempFile<T>(folder: string, use: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
  const { file, path } = await createTempFile(folder)
  try {
    return await use(file, path)
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

async function createTempFile(folder: string): Promise<{ file: FileHandle; path: string }> {
  for (;;) {
    const path = join(folder, tempFolder, `${hostname()}.${process.pid}.${threadId}.${counter++}`)
    try {
      return { path, file: await open(path, 'wx+') }
    } catch (error) {
      // A process of an earlier boot may have had this id.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Makes the folder for temporary files and removes from it what writers left behind: files of processes of this host that are gone, and
 * those of other processes that are older than a day.
 */
export function sweepTempFiles(folder: string, now: Date): void {
  const temp = join(folder, tempFolder)
  mkdirSync(temp, { recursive: true })
  for (const name of readdirSync(temp)) {
    const [, host, id] = /^(.*)\.(\d+)\.\d+\.\d+$/.exec(name) ?? []
    const pid = Number(id)
    if (host === hostname() && pid === process.pid) continue
    const path = join(temp, name)
    const gone = host === hostname() && !isRunning(pid)
    const age = now.getTime() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now.getTime())
    if (gone || age > day) rmSync(path, { force: true })
  }
}
