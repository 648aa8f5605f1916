import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Pinned together: which emulator works depends on its boto3. */
const packages = ['ministack==1.5.33', 'boto3==1.43.106']

/** A running emulator of AWS, and what a client's environment needs to reach it. */
export interface Emulator {
  env: Record<string, string>
  /** Ends the process that was started and waits for it. */
  stop(): Promise<void>
}

/** Thrown where the emulator cannot be had on this machine; the message says why. */
export class EmulatorUnavailable extends Error {
  override name = 'EmulatorUnavailable'
}

async function findPython(): Promise<string> {
  for (const name of ['python3', 'python']) {
    const found = await run(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']).catch(() => undefined)
    if (found) return name
  }
  throw new EmulatorUnavailable('there is no Python 3.10 or newer')
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Installs the emulator into the cache folder, once for each set of versions; returns the folder of its commands. */
async function install(cache: string): Promise<string> {
  const folder = join(cache, packages.join('-').replaceAll('==', '-'))
  const commands = join(folder, process.platform === 'win32' ? 'Scripts' : 'bin')
  const complete = join(folder, 'complete')
  if (await exists(complete)) return commands
  const python = await findPython()
  console.log(`installing ${packages.join(' and ')} into ${folder}`)
  await mkdir(cache, { recursive: true })
  try {
    await run(python, ['-m', 'venv', '--clear', folder])
    await run(join(commands, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new EmulatorUnavailable(`it could not be installed: ${stderr.trim().split('\n').at(-1)}`, { cause: error })
  }
  // Written last, so that an installation that was broken off is made again.
  await writeFile(complete, '')
  return commands
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function waitUntilHealthy(endpoint: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null || child.signalCode !== null) break
    const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(200)
  }
  throw new EmulatorUnavailable('it did not start')
}

/**
 * Starts the emulator on a free port of the loopback interface and waits until it answers. Its packages are kept in `$STUDYLAKE_CACHE`, or
 * `~/.cache/studylake`. Throws EmulatorUnavailable.
 */
export async function startEmulator(): Promise<Emulator> {
  const commands = await install(process.env.STUDYLAKE_CACHE ?? join(homedir(), '.cache', 'studylake'))
  const folder = await mkdtemp(join(tmpdir(), 'studylake-aws-'))
  const port = await findFreePort()
  const child = spawn(join(commands, 'ministack'), {
    cwd: folder,
    stdio: 'ignore',
    env: {
      ...process.env,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: 'local',
      IOT_MTLS_ENABLED: '0',
    },
  })
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const stop = async () => {
    child.kill('SIGTERM')
    const hurry = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(hurry)
    await rm(folder, { recursive: true, force: true })
  }
  const endpoint = `http://127.0.0.1:${port}`
  try {
    await waitUntilHealthy(endpoint, child)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    stop,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  }
}
