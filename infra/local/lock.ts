/**
 * One process at a time works in a data directory. The lock is the operating system's, taken through SQLite: it ends with the
 * process that holds it however that process ends, so there is no stale lock to judge and no process id that another program has by
 * now. A file beside it says who holds it, for people and for other commands.
 */
import { readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Who works in a data directory. */
export interface Holder {
  pid: number
  /** The command: `dev`, `run` … */
  command: string
  since: string
}

/** The data directory is in use by another process. */
export class LockedError extends Error {
  override name = 'LockedError'
  /** Undefined in the moment between a start and its first note. */
  readonly holder: Holder | undefined

  constructor(folder: string, holder: Holder | undefined) {
    const who = holder ? `"${holder.command}" (process ${holder.pid}, since ${holder.since})` : 'another process'
    super(`${folder} is in use by ${who}. Stop it, or choose another folder with --data`)
    this.holder = holder
  }
}

export interface Lock {
  release(): void
}

const holderFile = (folder: string): string => join(folder, 'lock.json')

/** Takes the lock of an existing folder, or throws LockedError, which says who holds it. */
export async function takeLock(folder: string, { command, now }: { command: string; now: () => Date }): Promise<Lock> {
  const database = new DatabaseSync(join(folder, 'lock'))
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new LockedError(folder, readHolder(folder))
  }
  const holder: Holder = { pid: process.pid, command, since: now().toISOString() }
  await writeFile(holderFile(folder), `${JSON.stringify(holder)}\n`)
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      rmSync(holderFile(folder), { force: true })
      database.close()
    },
  }
}

/** What the holder wrote of itself; may be of one that is gone. */
export function readHolder(folder: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(holderFile(folder), 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function isBusy(error: unknown): boolean {
  const sqliteBusy = 5
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === sqliteBusy
}
