/**
 * The folder outside the checkout that keeps what the stack downloads: `$STUDYLAKE_CACHE`, or `~/.cache/studylake`. Each thing lies in a folder
 * named after its version, and counts once it is complete.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LockedError, takeLock } from '../local/lock.ts'

const execute = promisify(execFile)

/** Something that the stack needs is not on this machine; the message says how to get it. */
export class MissingError extends Error {
  override name = 'MissingError'
}

export const cacheFolder = (variables: Record<string, string | undefined> = process.env): string =>
  variables.STUDYLAKE_CACHE || join(homedir(), '.cache', 'studylake')

/**
 * The folder of a thing in the cache, made by `build` at the first call. A build that was broken off is made again; of several processes
 * one builds and the others wait for it.
 */
export async function installOnce({
  name,
  cache = cacheFolder(),
  tell = () => {},
  what = name,
  build,
}: {
  /** With the version. */
  name: string
  cache?: string
  /** Told what is going on, when something is. */
  tell?: (text: string) => void
  /** In that message. */
  what?: string
  build: (folder: string) => Promise<void>
}): Promise<string> {
  const folder = join(cache, name)
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return folder
  const locks = join(cache, 'locks', name)
  await mkdir(locks, { recursive: true })
  const lock = await waitForLock(locks)
  try {
    if (existsSync(complete)) return folder
    tell(`installing ${what} into ${folder}`)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await build(folder)
    await writeFile(complete, '')
    return folder
  } finally {
    lock.release()
  }
}

async function waitForLock(folder: string) {
  for (;;) {
    try {
      return await takeLock(folder, { command: 'install', now: () => new Date() })
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
      await sleep(500)
    }
  }
}

/** What a program prints to both streams. Throws an Error with the last line that it printed. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { env = process.env, cwd }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<string> {
  try {
    const { stdout, stderr } = await execute(command, args, { env, cwd, maxBuffer: 64 * 2 ** 20 })
    return `${stdout}${stderr}`
  } catch (error) {
    const { stderr = '', stdout = '', message } = error as Error & { stderr?: string; stdout?: string }
    const last = `${stdout}\n${stderr}`.trim().split('\n').slice(-5).join('\n')
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed: ${last || message}`, { cause: error })
  }
}
