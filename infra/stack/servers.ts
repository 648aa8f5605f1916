import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AwsAccess } from './aws.ts'
import { MissingError } from './cache.ts'
import { type Door, openDoor } from './door.ts'
import { type EmulatorKind, emulatorAccount, installEmulator, runsFunctions, startEmulator } from './emulator.ts'
import { findGivenLakefs, type LakefsAccess, startLakefs, startRealLakefs } from './lakefs.ts'
import { installMinio, startMinio } from './minio.ts'
import type { Server } from './processes.ts'
import type { StackSettings } from './settings.ts'
import { installTrino, startTrino, type Trino, type TrinoProgram } from './trino.ts'

export type Landing = 's3' | 'minio'

/** The servers of a running stack. What each is reached at stands twice: by us, and by the functions and the other servers. */
export interface StackServers {
  /** To stop and start single ones. lakeFS is missing where it was given, and Trino where it is left out. */
  processes: { minio?: Server; emulator?: Server; lakefs?: Server }
  /** MinIO, or the emulator's S3. */
  objectStore: AwsAccess
  emulator: AwsAccess
  lakefs: LakefsAccess
  /** Where the functions find what they call. */
  inside: { objectStore: string; lakefs: string; door: string; emulator: string }
  /** The functions' stable address. */
  door: Door
  /** Takes longest and is needed by none of the others, so it is not waited for. Undefined where it is left out. */
  trino: Promise<Trino | undefined>
  stop(): Promise<void>
}

export interface ServersOptions {
  /** The data directory. */
  folder: string
  landing: Landing
  emulator: EmulatorKind
  /** Whether Trino is wanted. */
  sql: boolean
  settings: StackSettings
  buckets: { landing: string; lake: string }
  cache?: string
  tell: (text: string) => void
  /** Told of each process before it is waited for. */
  onSpawn: (name: string, pid: number) => void
  /** Told of the Compose project that containers belong to. */
  onContainers: (project: string) => void
}

/** Trino, or undefined with the reason told: the rest of the stack does not need it. */
async function installTrinoIfPossible(options: ServersOptions): Promise<TrinoProgram | undefined> {
  if (!options.sql) return undefined
  try {
    return await installTrino(options)
  } catch (error) {
    if (!(error instanceof MissingError)) throw error
    options.tell(`SQL is left out: ${error.message}`)
    return undefined
  }
}

/**
 * Starts the servers as processes of this machine, each once those are up that it needs. Throws MissingError and ServerError, and then
 * leaves none running.
 */
export async function startProcesses(options: ServersOptions): Promise<StackServers> {
  const { folder, landing, emulator: kind, settings, buckets, cache, tell, onSpawn } = options
  if (!runsFunctions(kind)) {
    throw new MissingError(
      `${kind} runs functions in containers, and no Docker engine answers. Start Docker, or set AWS_EMULATOR=ministack`,
    )
  }
  const given = await findGivenLakefs()
  const trinoProgram = await installTrinoIfPossible(options)
  const commands = await installEmulator(kind, { cache, tell })
  const minioBinary = landing === 'minio' ? await installMinio({ cache, tell }) : undefined

  const { ports, secretAccessKey } = settings
  const ending = new AbortController()
  const placeOf = (name: 'trino' | keyof StackServers['processes']) => ({
    folder: join(folder, name),
    port: ports[name],
    supervision: {
      logFile: join(folder, 'logs', `${name}.log`),
      onSpawn: (pid: number) => onSpawn(name, pid),
      signal: ending.signal,
    },
  })
  const started: Server[] = []
  const keep = async <S extends Server>(server: Promise<S>): Promise<S> => {
    const running = await server
    started.push(running)
    return running
  }
  const stop = async (): Promise<void> => {
    ending.abort()
    await trino.catch(() => {})
    await Promise.all(started.splice(0).map(server => server.stop()))
    await door.close()
  }
  const door = await openDoor({ port: ports.door })
  const trino = trinoProgram
    ? keep(startTrino({ program: trinoProgram, ...placeOf('trino') }))
    : Promise.resolve(undefined)
  trino.catch(() => {})
  try {
    const emulatorStart = keep(startEmulator({ kind, commands, secretAccessKey, ...placeOf('emulator') }))
    const minioStart = minioBinary
      ? keep(
          startMinio({
            binary: minioBinary,
            // Functions have one pair of keys for all that speaks S3.
            accessKeyId: emulatorAccount,
            secretAccessKey,
            webhook: { endpoint: `${door.endpoint}/bridge`, token: settings.bridgeToken },
            ...placeOf('minio'),
          }),
        )
      : undefined
    const [emulator, minio] = await Promise.all([emulatorStart, minioStart]).catch(async error => {
      // The other has to be ended, too.
      ending.abort()
      await Promise.allSettled([emulatorStart, minioStart])
      throw error
    })
    const objectStore: AwsAccess = minio ? { ...emulator.access, endpoint: minio.endpoint } : emulator.access
    if (given) {
      tell(
        `lakeFS is that of LAKEFS_ENDPOINT; it needs its blocks in ${objectStore.endpoint}, and in its environment the ` +
          'LAKEFSACTION_GATE_TOKEN that stack-settings.json has as gateToken',
      )
    }
    const lakefsFolder = join(folder, `${process.env.LAKEFS_BINARY ? 'real-' : ''}lakefs-${landing}`)
    // The emulator holds its buckets in memory: what lakeFS wrote down of objects in them is no longer true.
    if (landing === 's3') await rm(lakefsFolder, { recursive: true, force: true })
    const lakefsOptions = {
      credentials: settings.lakefs,
      gateToken: settings.gateToken,
      bucket: buckets.lake,
      access: objectStore,
      ...placeOf('lakefs'),
      // What it knows is of one object store's objects.
      folder: lakefsFolder,
    }
    const binary = process.env.LAKEFS_BINARY
    const lakefs = given
      ? undefined
      : await keep(binary ? startRealLakefs({ binary, ...lakefsOptions }) : startLakefs(lakefsOptions))
    const lakefsAccess = given ?? lakefs!.access
    return {
      processes: { minio, emulator, lakefs },
      objectStore,
      emulator: emulator.access,
      lakefs: lakefsAccess,
      inside: {
        objectStore: objectStore.endpoint,
        lakefs: lakefsAccess.endpoint,
        door: door.endpoint,
        emulator: emulator.access.endpoint,
      },
      door,
      trino,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
