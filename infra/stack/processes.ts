/**
 * The servers of the stack as child processes: each in a process group of its own, so that its own children end with it and Ctrl-C
 * reaches only us, who end them in order. A server is up when it answers, never after a pause.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server could not be started, or ended by itself; the message has the end of its log. */
export class ServerError extends Error {
  override name = 'ServerError'
}

/** What whoever starts a server keeps of it. */
export interface Supervision {
  /** What the server prints is appended. */
  logFile: string
  /** Called with each process before it is waited for: the one to end when we are killed. */
  onSpawn?: (pid: number) => void
  /** Ends a server that is starting. */
  signal?: AbortSignal
}

export interface ServerOptions extends Supervision {
  /** In messages. */
  name: string
  command: string
  args?: readonly string[]
  /** All that the process sees of variables. */
  env: Record<string, string | undefined>
  cwd: string
  /** True once the server does its work. Called until it is; a rejection counts as no. */
  isUp: () => Promise<boolean>
  /** How long it may take until it is up. */
  startSeconds?: number
  /** How long it may take to end when asked, before it is made to. */
  stopSeconds?: number
}

export interface Server {
  name: string
  logFile: string
  /** Undefined while it is stopped. */
  pid(): number | undefined
  isRunning(): boolean
  /** Starts it again with the same options, after a `stop` or `kill`, and waits until it is up. Throws ServerError. */
  start(): Promise<void>
  /** Asks it to end and waits; makes it end when it takes too long. */
  stop(): Promise<void>
  /** Ends it at once, with all that it has started (SIGKILL). */
  kill(): Promise<void>
  /** Resolves when it ends though nobody asked for it, with the error that says so. */
  crashed: Promise<ServerError>
}

/** ms between two looks at a server that is starting. */
const pollMs = 100
/** Bytes of a log that are shown. */
const tailBytes = 4096
const tailLines = 20

const groups = new Set<number>()

/** However this process ends, short of SIGKILL, its servers end too. */
process.on('exit', () => {
  for (const group of groups) endGroup(group, 'SIGKILL')
})

/** Sends a signal to a process and all that it has started; false where there is none. */
export function endGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}

/** The last lines of a log, indented; empty where there is none. */
export async function readTail(logFile: string): Promise<string> {
  const file = await open(logFile).catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - tailBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
    const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n')
    return lines
      .slice(-tailLines)
      .filter(line => line !== '')
      .map(line => `  ${line}`)
      .join('\n')
  } finally {
    await file.close()
  }
}

async function describeFailure(what: string, logFile: string): Promise<string> {
  const tail = await readTail(logFile)
  return tail === '' ? `${what}; ${logFile} is empty` : `${what}; the end of ${logFile}:\n${tail}`
}

/** Starts a server and waits until it is up. Throws ServerError where it ends before, or takes too long. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const {
    name,
    command,
    args = [],
    env,
    cwd,
    logFile,
    isUp,
    onSpawn,
    signal,
    startSeconds = 60,
    stopSeconds = 10,
  } = options
  const { promise: crashed, resolve: reportCrash } = Promise.withResolvers<ServerError>()
  let child: ChildProcess | undefined
  let ended: Promise<string> = Promise.resolve('was not started')
  let asked = false

  async function start(): Promise<void> {
    if (child) return
    asked = false
    mkdirSync(cwd, { recursive: true })
    mkdirSync(dirname(logFile), { recursive: true })
    const log = openSync(logFile, 'a', 0o600)
    const started = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    child = started
    const group = started.pid
    if (group !== undefined) {
      groups.add(group)
      onSpawn?.(group)
    }
    ended = new Promise(resolve => {
      started.once('error', error => resolve(`cannot be started: ${error.message}`))
      started.once('exit', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`))
    })
    let up = false
    void ended.then(async how => {
      // What it has started may outlive it.
      if (group !== undefined) {
        endGroup(group, 'SIGKILL')
        groups.delete(group)
      }
      if (child === started) child = undefined
      if (up && !asked) reportCrash(new ServerError(await describeFailure(`${name} ${how}`, logFile)))
    })
    await waitUntilUp(ended)
    up = true
  }

  async function waitUntilUp(end: Promise<string>): Promise<void> {
    let how: string | undefined
    void end.then(text => {
      how = text
    })
    const deadline = performance.now() + startSeconds * 1000
    for (;;) {
      const up = await isUp().catch(() => false)
      // Another program may have answered in its place.
      if (how === undefined && up) return
      if (how !== undefined) throw new ServerError(await describeFailure(`${name} ${how}`, logFile))
      if (signal?.aborted) {
        await kill()
        throw new ServerError(`${name} was ended while it was starting`)
      }
      if (performance.now() > deadline) {
        await kill()
        throw new ServerError(await describeFailure(`${name} was not up after ${startSeconds} s`, logFile))
      }
      await Promise.race([sleep(pollMs), end])
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    asked = true
    const group = child?.pid
    if (group === undefined) return
    endGroup(group, signal)
    const hurry = setTimeout(() => endGroup(group, 'SIGKILL'), stopSeconds * 1000)
    await ended
    clearTimeout(hurry)
    child = undefined
  }

  const kill = (): Promise<void> => end('SIGKILL')
  await start()
  return {
    name,
    logFile,
    pid: () => child?.pid,
    isRunning: () => child !== undefined,
    start,
    stop: () => end('SIGTERM'),
    kill,
    crashed,
  }
}

/**
 * Runs a program to its end, with what it prints appended to a log. It ends when this process does. Throws ServerError with the log's end
 * where it fails.
 */
export async function runToEnd(
  options: Pick<ServerOptions, 'name' | 'command' | 'args' | 'env' | 'cwd' | 'logFile'>,
): Promise<void> {
  const { name, command, args = [], env, cwd, logFile } = options
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const group = child.pid
  if (group !== undefined) groups.add(group)
  const failure = await new Promise<string | undefined>(resolve => {
    child.once('error', error => resolve(`cannot be started: ${error.message}`))
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    )
  })
  if (group !== undefined) groups.delete(group)
  if (failure) throw new ServerError(await describeFailure(`${name} ${failure}`, logFile))
}

/** True where an address answers a GET with 2xx. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
  await response.body?.cancel()
  return response.ok
}

/** The variables that every server gets of ours: where programs and folders are, never a credential or an endpoint. */
export function plainEnvironment(
  variables: Record<string, string | undefined> = process.env,
): Record<string, string | undefined> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'LANG', 'LC_ALL', 'TZ', 'USER', 'SystemRoot']
  return Object.fromEntries(names.filter(name => variables[name]).map(name => [name, variables[name]]))
}
