/**
 * A command's hold on a data directory: the platform that another process runs there (a `dev`), or else one of its own for as long as the
 * command takes. Commands need not know which.
 */
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlClient, createControlClient, NotRunningError } from '../../infra/local/control-client.ts'
import { LockedError } from '../../infra/local/lock.ts'
import type { RedriveScope } from '../../infra/local/platform.ts'
import type { DeadLetters } from '../../infra/local/queues.ts'
import { openReader } from '../../infra/local/reader.ts'
import { readSettings, settingsFile } from '../../infra/local/settings.ts'
import type { Environment } from '../../lib/environment.ts'
import type { DeadLetter, Redriven } from '../../lib/queue/dead-letters.ts'
import { CommandError, exitCodes } from './failure.ts'
import { onInterrupt } from './interrupt.ts'
import { commandLine, showPath } from './paths.ts'

export interface Session {
  /** True where another process does the work. */
  attached: boolean
  /** For reading. */
  environment: Environment
  /** Puts a file into the landing bucket. */
  upload(key: string, path: string): Promise<void>
  /** Has all that is landed worked on; resolves when nothing is left, with what had to be given up. */
  finish(): Promise<DeadLetters[]>
}

/** A session on a data directory. */
export interface LocalSession extends Session {
  /** What had to be given up, message by message. */
  listDeadLetters(): Promise<DeadLetter[]>
  /** Sends what was given up to its work queue again. */
  redrive(scope: RedriveScope): Promise<Redriven[]>
}

export interface SessionOptions {
  /** The data directory. */
  data: string
  /** Named to whoever finds the folder in use. */
  command: string
  /** False refuses a folder in which there is nothing. */
  create: boolean
  /** Of a platform of its own; see PlatformOptions. */
  settleSeconds?: number
}

/** How long a process that holds the folder may take to answer: it may be starting, or stopping. */
const patienceMs = 15_000

/**
 * Calls `work` with a session and ends it. Where the process that was attached to stops meanwhile, `work` is called again with another
 * session, so it must be fit to run twice.
 */
export async function withSession<Result>(
  { data, command, create, settleSeconds }: SessionOptions,
  work: (session: LocalSession) => Promise<Result>,
): Promise<Result> {
  if (!create && !existsSync(join(data, settingsFile))) {
    throw new CommandError(
      `there is nothing in ${showPath(data)} yet. Load a study with "${commandLine('run FOLDER --study S --version V', { data })}", ` +
        'or say with --data where it is',
    )
  }
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      return await withOwnPlatform({ data, command, create, settleSeconds }, work)
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
      try {
        return await withRunningPlatform(data, error, work)
      } catch (failure) {
        if (!(failure instanceof NotRunningError)) throw failure
        if (performance.now() > end) throw error
      }
    }
    await sleep(100)
  }
}

async function withOwnPlatform<Result>(
  { data, command, settleSeconds }: SessionOptions,
  work: (session: LocalSession) => Promise<Result>,
): Promise<Result> {
  // Loaded only now: it is most of the program, and who mistypes an option need not wait for it.
  const { openPlatform } = await import('../../infra/local/platform.ts')
  // One look at the landing folder is enough for a command; more of them would only add work to what cannot be done.
  const platform = await openPlatform({ folder: data, command, start: false, settleSeconds, scheduleSeconds: 0 })
  const forget = onInterrupt(() => {
    platform.close().finally(() => process.exit(exitCodes.interrupted))
  })
  try {
    return await work({
      attached: false,
      environment: platform.environment,
      async upload(key, path) {
        await platform.landing.put(key, createReadStream(path))
      },
      async finish() {
        platform.start()
        await platform.idle()
        return platform.deadLetters()
      },
      listDeadLetters: platform.listDeadLetters,
      redrive: platform.redrive,
    })
  } finally {
    forget()
    await platform.close()
  }
}

async function withRunningPlatform<Result>(
  data: string,
  locked: LockedError,
  work: (session: LocalSession) => Promise<Result>,
): Promise<Result> {
  const settings = await readSettings(data)
  if (!settings) throw new NotRunningError(locked.message)
  const control: ControlClient = createControlClient(settings)
  const about = await control.about()
  return work({
    attached: true,
    environment: openReader({ folder: about.folder, settings }),
    upload: control.upload,
    finish: control.idle,
    listDeadLetters: control.listDeadLetters,
    redrive: control.redrive,
  })
}
