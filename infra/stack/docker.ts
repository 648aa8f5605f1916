/** The servers as containers, where a Docker engine answers. */
import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AwsAccess } from './aws.ts'
import { runProgram } from './cache.ts'
import type { Door, DoorTarget } from './door.ts'
import { emulatorAccount, emulatorRegion } from './emulator.ts'
import { findGivenLakefs } from './lakefs.ts'
import { loopback } from './ports.ts'
import { plainEnvironment, type Server } from './processes.ts'
import type { ServersOptions, StackServers } from './servers.ts'
import type { StackSettings } from './settings.ts'
import { createTrinoClient } from './trino.ts'

const composeFile = join(import.meta.dirname, '..', 'compose.yaml')

/** True where a Docker engine answers, and has Compose. */
export async function isDockerUp(ask = runProgram): Promise<boolean> {
  try {
    await ask('docker', ['info'])
    await ask('docker', ['compose', 'version'])
    return true
  } catch {
    return false
  }
}

/** The variables of the compose file. */
export function formatVariables(
  { ports, secretAccessKey, lakefs, gateToken, bridgeToken }: StackSettings,
  { objectStore, doorFolder, network }: { objectStore: string; doorFolder: string; network: string },
): Record<string, string> {
  return {
    STACK_MINIO_PORT: String(ports.minio),
    STACK_EMULATOR_PORT: String(ports.emulator),
    STACK_LAKEFS_PORT: String(ports.lakefs),
    STACK_DOOR_PORT: String(ports.door),
    STACK_TRINO_PORT: String(ports.trino),
    STACK_ACCESS_KEY_ID: emulatorAccount,
    STACK_SECRET_ACCESS_KEY: secretAccessKey,
    STACK_LAKEFS_ACCESS_KEY_ID: lakefs.accessKeyId,
    STACK_LAKEFS_SECRET_ACCESS_KEY: lakefs.secretAccessKey,
    STACK_GATE_TOKEN: gateToken,
    STACK_BRIDGE_TOKEN: bridgeToken,
    STACK_OBJECT_STORE: objectStore,
    STACK_DOOR_FOLDER: doorFolder,
    STACK_NETWORK: network,
  }
}

/** Starts the servers of `infra/compose.yaml` and waits for their health checks. Throws an Error with what Docker says. */
export async function startContainers(options: ServersOptions): Promise<StackServers> {
  const { folder, landing, sql, settings, tell, onContainers } = options
  const { ports, secretAccessKey } = settings
  const given = await findGivenLakefs()
  const profiles = [...(landing === 'minio' ? ['minio'] : []), ...(given ? [] : ['lakefs']), ...(sql ? ['trino'] : [])]
  const objectStoreInside = landing === 'minio' ? 'http://minio:9000' : 'http://emulator:4566'
  const doorFolder = join(folder, 'door')
  await mkdir(doorFolder, { recursive: true })
  // The volumes hold what only this directory's keys open.
  const project = `studylake-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`
  const env = {
    ...plainEnvironment(),
    DOCKER_HOST: process.env.DOCKER_HOST,
    DOCKER_CONTEXT: process.env.DOCKER_CONTEXT,
    ...formatVariables(settings, { objectStore: objectStoreInside, doorFolder, network: project }),
  }
  const compose = (...args: string[]): Promise<string> => {
    const chosen = profiles.flatMap(profile => ['--profile', profile])
    return runProgram('docker', ['compose', '--project-name', project, '--file', composeFile, ...chosen, ...args], {
      env,
    })
  }
  onContainers(project)
  // The emulator holds its buckets in memory: what lakeFS wrote down of objects in them is no longer true.
  if (landing === 's3') await compose('down', '--volumes')
  tell('starting the containers of infra/compose.yaml')
  try {
    await compose('up', '--detach', '--wait')
  } catch (error) {
    await compose('down').catch(() => '')
    throw error
  }
  const at = (name: keyof typeof ports): string => `http://${loopback}:${ports[name]}`
  const access = (endpoint: string): AwsAccess => ({
    endpoint,
    region: emulatorRegion,
    accessKeyId: emulatorAccount,
    secretAccessKey,
  })
  const handle = (name: string): Server => createHandle(name, compose)
  return {
    processes: {
      emulator: handle('emulator'),
      ...(landing === 'minio' && { minio: handle('minio') }),
      ...(!given && { lakefs: handle('lakefs') }),
    },
    objectStore: access(at(landing === 'minio' ? 'minio' : 'emulator')),
    emulator: access(at('emulator')),
    lakefs: given ?? { endpoint: at('lakefs'), ...settings.lakefs },
    inside: {
      objectStore: objectStoreInside,
      lakefs: given?.endpoint ?? 'http://lakefs:8000',
      door: 'http://door:8080',
      emulator: 'http://emulator:4566',
    },
    door: createFileDoor({ endpoint: at('door'), file: join(doorFolder, 'targets.json') }),
    trino: Promise.resolve(sql ? { ...handle('trino'), ...createTrinoClient(at('trino')) } : undefined),
    async stop() {
      await compose('down')
    },
  }
}

/** One container as a server. Docker has its log, and no news of its end comes. */
function createHandle(name: string, compose: (...args: string[]) => Promise<string>): Server {
  let running = true
  const change = async (to: boolean, ...args: string[]): Promise<void> => {
    await compose(...args, name)
    running = to
  }
  return {
    name,
    logFile: `docker compose logs ${name}`,
    pid: () => undefined,
    isRunning: () => running,
    start: () => change(true, 'up', '--detach', '--wait'),
    stop: () => change(false, 'stop'),
    kill: () => change(false, 'kill'),
    crashed: new Promise(() => {}),
  }
}

/** A door in a container, which is told its targets through a file. */
function createFileDoor({ endpoint, file }: { endpoint: string; file: string }): Door {
  const targets = new Map<string, DoorTarget>()
  async function write(): Promise<void> {
    await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(targets)))
    await rename(`${file}.new`, file)
  }
  return {
    endpoint,
    open(name, target) {
      targets.set(name, target)
      return write()
    },
    shut(name) {
      targets.delete(name)
      return write()
    },
    async close() {},
  }
}
