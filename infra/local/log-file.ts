import { appendFileSync, renameSync, statSync } from 'node:fs'
import { createLog, type Log } from '../../lib/log.ts'

/** Bytes after which a new log begins; the former one is kept beside it. */
const largestLog = 20 * 2 ** 20

/** A log of one line of JSON an entry at `path`, readable by its owner alone. Written at once, so that a crash loses nothing. */
export function openLogFile(path: string, { now }: { now: () => Date }): Log {
  try {
    if (statSync(path).size > largestLog) renameSync(path, `${path}.1`)
  } catch {
    // There is no log yet.
  }
  return createLog({ now, write: line => appendFileSync(path, `${line}\n`, { mode: 0o600 }) })
}
