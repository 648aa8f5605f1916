import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listChildren } from '../../../infra/stack/children.ts'
import { findFreePort } from '../../../infra/stack/ports.ts'
import {
  answersOk,
  plainEnvironment,
  readTail,
  runToEnd,
  type Server,
  ServerError,
  type ServerOptions,
  startServer,
} from '../../../infra/stack/processes.ts'

let folder: string
const servers: Server[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-processes-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill()
  await rm(folder, { recursive: true })
})

async function optionsOf(script: string, more: Partial<ServerOptions> = {}): Promise<ServerOptions> {
  const port = await findFreePort()
  return {
    name: 'a server',
    command: process.execPath,
    args: ['-e', script, String(port)],
    env: plainEnvironment(),
    cwd: folder,
    logFile: join(folder, 'server.log'),
    isUp: () => answersOk(`http://127.0.0.1:${port}/`),
    ...more,
  }
}

async function start(options: ServerOptions): Promise<Server> {
  const server = await startServer(options)
  servers.push(server)
  return server
}

const listens = `require('http').createServer((_, r) => r.end('ok')).listen(Number(process.argv[1]), '127.0.0.1', () => console.log('listening'))`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 200) throw new Error('it never came to be')
    await sleep(25)
  }
}

describe('a server', () => {
  test('is up when it answers, can be stopped and started again, and logs to its file', async () => {
    const spawned: number[] = []
    const options = await optionsOf(`setTimeout(() => { ${listens} }, 300)`, { onSpawn: pid => spawned.push(pid) })
    const server = await start(options)
    expect(await options.isUp()).toBe(true)
    expect(server.isRunning()).toBe(true)
    await server.stop()
    expect(server.isRunning()).toBe(false)
    await expect(options.isUp()).rejects.toThrow()
    await server.start()
    expect(await options.isUp()).toBe(true)
    expect(spawned).toHaveLength(2)
    expect(server.pid()).toBe(spawned[1])
    await server.kill()
    expect(await readFile(server.logFile, 'utf8')).toBe('listening\nlistening\n')
  })

  test('that ends while it starts is an error with the end of its log', async () => {
    const options = await optionsOf(`console.error('no such disk'); process.exit(3)`)
    await expect(startServer(options)).rejects.toThrow(ServerError)
    await expect(startServer(options)).rejects.toThrow(
      /^a server ended with exit code 3; the end of .*server\.log:\n {2}no such disk/,
    )
  })

  test('whose program is not there is an error', async () => {
    const options = await optionsOf('', { command: join(folder, 'missing') })
    await expect(startServer(options)).rejects.toThrow(/a server cannot be started: .*ENOENT/)
  })

  test('that never answers is ended, and so is one that nobody waits for any more', async () => {
    const pids: number[] = []
    const hangs = await optionsOf('setInterval(() => {}, 1000)', { startSeconds: 0.3, onSpawn: pid => pids.push(pid) })
    await expect(startServer(hangs)).rejects.toThrow('a server was not up after 0.3 s')
    const abort = new AbortController()
    const waiting = startServer({ ...hangs, startSeconds: 60, signal: abort.signal })
    abort.abort()
    await expect(waiting).rejects.toThrow('was ended while it was starting')
    expect(pids.map(isAlive)).toEqual([false, false])
  })

  test('that ends though nobody asked reports it, with what it has started', async () => {
    const script = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).on('spawn', function () { console.log(this.pid) }); ${listens}`
    const server = await start(await optionsOf(script))
    await waitFor(async () => /^\d+$/m.test(await readFile(server.logFile, 'utf8')))
    const grandchild = Number(/^\d+$/m.exec(await readFile(server.logFile, 'utf8'))![0])
    expect(isAlive(grandchild)).toBe(true)
    process.kill(server.pid()!, 'SIGKILL')
    expect((await server.crashed).message).toMatch(/^a server ended with SIGKILL; the end of /)
    expect(server.isRunning()).toBe(false)
    await waitFor(() => !isRunningProcess(grandchild))
  })

  test('that does not end when asked is made to', async () => {
    const server = await start(await optionsOf(`process.on('SIGTERM', () => {}); ${listens}`, { stopSeconds: 0.2 }))
    const pid = server.pid()!
    await server.stop()
    expect(isAlive(pid)).toBe(false)
  })

  test('ends with the process that started it', async () => {
    const module = join(import.meta.dirname, '..', '..', '..', 'infra', 'stack', 'processes.ts')
    const options = await optionsOf(listens)
    await writeFile(
      join(folder, 'parent.ts'),
      `import { startServer, answersOk } from ${JSON.stringify(module)}
const server = await startServer({ ...${JSON.stringify({ ...options, isUp: undefined })}, isUp: () => answersOk('http://127.0.0.1:${options.args![2]}/') })
console.log(server.pid())
process.exit(0)`,
    )
    const parent = spawn(process.execPath, [join(folder, 'parent.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    parent.stdout.on('data', chunk => {
      text += chunk
    })
    await once(parent, 'close')
    expect(Number(text)).toBeGreaterThan(0)
    await waitFor(() => !isRunningProcess(Number(text)))
  })
})

/** In a container nobody may ask for the exit code of an orphan: it stays in the list, and runs no more. */
function isRunningProcess(pid: number): boolean {
  if (!isAlive(pid)) return false
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

describe('a program', () => {
  test('runs to its end, and fails with the end of its log', async () => {
    const { isUp: _, ...options } = await optionsOf('console.log("done")')
    await runToEnd(options)
    expect(await readTail(options.logFile)).toBe('  done')
    await expect(runToEnd({ ...options, args: ['-e', 'process.exit(7)'] })).rejects.toThrow(
      /a server ended with exit code 7; the end of .*:\n {2}done/,
    )
    await expect(runToEnd({ ...options, command: join(folder, 'missing') })).rejects.toThrow('cannot be started')
  })
})

test('the tail of a long log is its last lines', async () => {
  const path = join(folder, 'long.log')
  await writeFile(path, `${Array.from({ length: 5000 }, (_, index) => `line ${index}`).join('\n')}\n`)
  const lines = (await readTail(path)).split('\n')
  expect(lines).toHaveLength(20)
  expect(lines.at(-1)).toBe('  line 4999')
  expect(await readTail(join(folder, 'missing'))).toBe('')
})

test('a server sees no credentials of ours', () => {
  expect(plainEnvironment({ PATH: '/bin', AWS_SECRET_ACCESS_KEY: 'x', HOME: '' })).toEqual({ PATH: '/bin' })
})

test('the children of a process are found', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  expect(listChildren(process.pid)).toContain(child.pid)
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  expect(listChildren(process.pid)).not.toContain(child.pid)
})
