/**
 * Which processes a data directory's stack has, on disk: so that another terminal can end them, and the next start those that were left
 * behind when a stack was killed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { LockedError, readHolder, takeLock } from '../local/lock.ts'
import { endGroup } from './processes.ts'

/** The data directory, where no other is named. */
export const defaultFolder = '.studylake-stack'

const schema = z.object({
  endpoints: z.record(z.string(), z.string()),
  /** The project of Compose, where the servers are containers. */
  containers: z.string().optional(),
  /** By name. `started` tells the process from another one that has its number by now. */
  processes: z.record(z.string(), z.object({ pid: z.number(), started: z.string() })),
})

export type StackState = z.infer<typeof schema>

const statePath = (folder: string): string => join(folder, 'stack.json')

/** The state of a data directory, or undefined where no stack was started, or it was ended in order. */
export function readState(folder: string): StackState | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(statePath(folder), 'utf8')))
  } catch {
    return undefined
  }
}

/** Keeps the state of a running stack. Only the holder of the folder's lock may call this. */
export function openState(folder: string): {
  noteProcess(name: string, pid: number): void
  noteContainers(project: string): void
  noteEndpoints(endpoints: Record<string, string>): void
  clear(): void
} {
  const state: StackState = { endpoints: {}, processes: {} }
  // At once, so that no process is started that is not written down.
  function write(): void {
    const path = statePath(folder)
    writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  write()
  return {
    noteProcess(name, pid) {
      state.processes[name] = { pid, started: findStart(pid) ?? '' }
      write()
    },
    noteContainers(project) {
      state.containers = project
      write()
    },
    noteEndpoints(endpoints) {
      state.endpoints = endpoints
      write()
    },
    clear: () => rmSync(statePath(folder), { force: true }),
  }
}

/** When a process was started, as `ps` has it; undefined where there is none, or only what nobody has asked for its exit code. */
function findStart(pid: number): string | undefined {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [, state = 'Z', started] = /^(\S+)\s+(.+)$/.exec(text.toString().trim()) ?? []
    return state.startsWith('Z') ? undefined : started
  } catch {
    return undefined
  }
}

/** Ends what a killed stack left behind; only while nobody holds the folder's lock. Returns the names. */
export function endLeftovers(folder: string): string[] {
  const { processes = {}, containers } = readState(folder) ?? {}
  const left = Object.entries(processes).filter(([, { pid, started }]) => started !== '' && findStart(pid) === started)
  for (const [, { pid }] of left) endGroup(pid, 'SIGKILL')
  if (containers) execFileSync('docker', ['compose', '--project-name', containers, 'down'], { stdio: 'ignore' })
  rmSync(statePath(folder), { force: true })
  return [...left.map(([name]) => name), ...(containers ? ['the containers'] : [])]
}

/**
 * Ends the stack of a data directory, whoever runs it: asks its process and waits, then ends what is left. Resolves with whether one ran,
 * and the names of the servers that a killed one had left. Throws LockedError where it does not end in time.
 */
export async function endStack(
  folder: string,
  { patienceSeconds = 60 }: { patienceSeconds?: number } = {},
): Promise<{ stopped: boolean; leftovers: string[] }> {
  if (!existsSync(folder)) return { stopped: false, leftovers: [] }
  const end = performance.now() + patienceSeconds * 1000
  let asked: number | undefined
  for (;;) {
    try {
      const lock = await takeLock(folder, { command: 'stack:down', now: () => new Date() })
      try {
        return { stopped: asked !== undefined, leftovers: endLeftovers(folder) }
      } finally {
        lock.release()
      }
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
      if (performance.now() > end) throw error
      const pid = readHolder(folder)?.pid
      if (pid !== undefined && pid !== asked) {
        asked = pid
        process.kill(pid, 'SIGTERM')
      }
      await sleep(100)
    }
  }
}
