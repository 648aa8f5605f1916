import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LockedError } from '../../../infra/local/lock.ts'
import { ensureStackSettings } from '../../../infra/stack/settings.ts'
import { endLeftovers, endStack, openState, readState } from '../../../infra/stack/state.ts'

let folder: string
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-state-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

function startProcess(script = 'setInterval(() => {}, 1000)', args: string[] = []): ChildProcess {
  const child = spawn(process.execPath, ['-e', script, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

test('what a killed stack left is ended, by name', async () => {
  const server = startProcess()
  const ended = once(server, 'exit')
  const state = openState(folder)
  state.noteProcess('minio', server.pid!)
  state.noteEndpoints({ minio: 'http://127.0.0.1:1' })
  expect(readState(folder)).toMatchObject({
    endpoints: { minio: 'http://127.0.0.1:1' },
    processes: { minio: { pid: server.pid } },
  })
  expect(endLeftovers(folder)).toEqual(['minio'])
  expect((await ended)[1]).toBe('SIGKILL')
  expect(readState(folder)).toBeUndefined()
  expect(endLeftovers(folder)).toEqual([])
})

test('another process that has the number by now is left alone', async () => {
  const stranger = startProcess()
  const state = openState(folder)
  state.noteProcess('minio', stranger.pid!)
  const path = join(folder, 'stack.json')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace(/"started": ".*"/, '"started": "Thu Jan  1 00:00:00 1970"'))
  expect(endLeftovers(folder)).toEqual([])
  expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
})

/** A process that holds the folder's lock, as a stack does. */
async function startHolder(onTerm: string): Promise<ChildProcess> {
  const lock = join(import.meta.dirname, '..', '..', '..', 'infra', 'local', 'lock.ts')
  const holder = startProcess(
    `import(process.argv[1]).then(async ({ takeLock }) => {
      globalThis.lock = await takeLock(process.argv[2], { command: 'stack', now: () => new Date() })
      setInterval(() => {}, 1000)
      process.on('SIGTERM', () => { ${onTerm} })
      console.log('held')
    })`,
    [lock, folder],
  )
  await once(holder.stdout!, 'data')
  return holder
}

test('a running stack is asked to end, and waited for', async () => {
  const holder = await startHolder('setTimeout(() => process.exit(0), 200)')
  const ended = once(holder, 'exit')
  expect(await endStack(folder)).toEqual({ stopped: true, leftovers: [] })
  expect((await ended)[0]).toBe(0)
  expect(await endStack(folder)).toEqual({ stopped: false, leftovers: [] })
})

test('one that does not end is said to be there', async () => {
  await startHolder('')
  await expect(endStack(folder, { patienceSeconds: 0.3 })).rejects.toThrow(LockedError)
})

test('there is nothing to end in a folder that is not there', async () => {
  expect(await endStack(join(folder, 'missing'))).toEqual({ stopped: false, leftovers: [] })
})

test('ports, keys and tokens are made once, for the owner alone', async () => {
  const settings = await ensureStackSettings(folder)
  expect(await ensureStackSettings(folder)).toEqual(settings)
  expect(new Set(Object.values(settings.ports)).size).toBe(5)
  const path = join(folder, 'stack-settings.json')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await writeFile(path, '{"ports": {}}')
  await expect(ensureStackSettings(folder)).rejects.toThrow(/stack-settings\.json is not what it should be/)
})
