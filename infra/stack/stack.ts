/**
 * The local stack: MinIO or the AWS emulator's S3, lakeFS, Trino, and the functions as the project's own CDK app deploys them into the
 * emulator. Everything listens on loopback, everything it keeps lies in one data directory.
 */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Rescan } from '../../events/landing.ts'
import type { Environment } from '../../lib/environment.ts'
import type { Log } from '../../lib/log.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import type { TrinoCatalogOptions } from '../../lib/trino-catalog.ts'
import { takeLock } from '../local/lock.ts'
import { openLogFile } from '../local/log-file.ts'
import { createS3Client } from './aws.ts'
import { bootstrapAccount, type DeployOptions, deployApp, destroyApp } from './deploy.ts'
import { countMessages, type QueueDepth } from './depths.ts'
import { isDockerUp, startContainers } from './docker.ts'
import type { Door } from './door.ts'
import { chooseEmulator, type EmulatorKind } from './emulator.ts'
import { createStackEnvironment } from './environment.ts'
import { prepareBuckets } from './minio.ts'
import { findFunctionUrls, findQueueUrls, type Outputs } from './outputs.ts'
import type { ServerError } from './processes.ts'
import { putSecrets } from './secrets.ts'
import { type Landing, type StackServers, startProcesses } from './servers.ts'
import { ensureStackSettings, type StackSettings } from './settings.ts'
import { endLeftovers, openState } from './state.ts'
import type { Trino } from './trino.ts'

/** Trino's name for the catalog of all studies. */
export const catalogName = 'studylake'

export const buckets = { landing: 'studylake-landing', lake: 'studylake-lake' }

export interface StackOptions {
  /** The data directory; made where it is not there. */
  folder: string
  /** Where studies arrive, and where the lake lies. */
  landing?: Landing
  /** Default: `$AWS_EMULATOR`, or the one that runs functions as processes. */
  emulator?: EmulatorKind
  /** Default: where a Docker engine answers. */
  containers?: boolean
  /** False leaves Trino out. */
  sql?: boolean
  /** Seconds for which no file of a version may have changed before it is taken. */
  settleSeconds?: number
  /** Further context of the CDK app. */
  context?: Record<string, string>
  /** Of downloads. */
  cache?: string
  /** Told what is going on. */
  tell?: (text: string) => void
  /** What our own part of the work logs; default: lines of JSON in `studylake.log`. */
  log?: Log
}

export interface Stack {
  folder: string
  landing: Landing
  settings: StackSettings
  /** Addresses by name: emulator, lakefs, gate, and minio, bridge, catalog, trino where they are there. */
  endpoints: Record<string, string>
  /** What the functions work with, from outside. */
  environment: Environment
  /** Of the CDK app's stacks. */
  outputs: Outputs
  /** To stop and start single ones; what the functions call through the door can be shut there by name: `check`, `bridge`. */
  servers: StackServers
  door: Door
  /** Messages in all queues of the emulator. */
  depths(): Promise<QueueDepth[]>
  /** Has the SQL catalog as `studylake`. */
  trino: Trino | undefined
  /** The SQL catalog, as clients on this machine reach it. */
  catalog: TrinoCatalogOptions
  /** Deploys the app again: with further context, an update of it. */
  deploy(context?: Record<string, string>): Promise<Outputs>
  /** Takes the functions away again, and leaves the servers. */
  destroy(): Promise<void>
  /** Resolves when a server ends though nobody asked for it. */
  crashed: Promise<ServerError>
  /** Ends everything. */
  close(): Promise<void>
}

/** Starts the stack of a data directory. Throws LockedError, MissingError and ServerError, and then leaves nothing running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = resolve(options.folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const ignore = join(folder, '.gitignore')
  if (!existsSync(ignore)) await writeFile(ignore, '*\n')
  const opened: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    return await open(folder, options, opened, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function open(
  folder: string,
  {
    landing = 'minio',
    emulator = chooseEmulator(),
    containers,
    sql = true,
    settleSeconds = 1,
    context = {},
    cache,
    tell = () => {},
    log = openLogFile(join(folder, 'studylake.log'), { now: () => new Date() }),
  }: StackOptions,
  opened: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Stack> {
  const lock = await takeLock(folder, { command: 'stack', now: () => new Date() })
  opened.push(() => lock.release())
  for (const name of endLeftovers(folder)) tell(`ended ${name}, which an earlier stack had left`)
  const state = openState(folder)
  opened.push(() => state.clear())
  const settings = await ensureStackSettings(folder)
  const start = (containers ?? (await isDockerUp())) ? startContainers : startProcesses
  const servers = await start({
    folder,
    landing,
    emulator,
    sql,
    settings,
    buckets,
    cache,
    tell,
    onSpawn: state.noteProcess,
    onContainers: state.noteContainers,
  })
  opened.push(() => servers.stop())
  if (landing === 'minio') await prepareBuckets(createS3Client(servers.objectStore), buckets)

  const { objectStore, lakefs, inside, door } = servers
  const isMinio = landing === 'minio'
  const secretArns = await putSecrets(servers.emulator, {
    lakefs,
    objectStore: isMinio ? objectStore : undefined,
    settings,
  })
  const deployOptions: DeployOptions = {
    access: servers.emulator,
    folder: join(folder, 'deployment'),
    logFile: join(folder, 'logs', 'cdk.log'),
    context: {
      landing,
      ...(isMinio
        ? { landingBucket: buckets.landing, lakeBucket: buckets.lake, objectStoreEndpoint: inside.objectStore }
        : { newLandingBucketName: buckets.landing, newLakeBucketName: buckets.lake }),
      lakefsEndpoint: inside.lakefs,
      gateUrl: `${inside.door}/check`,
      catalogS3Endpoint: objectStore.endpoint,
      catalogS3Region: objectStore.region,
      ...secretArns,
      bundleSdk: 'true',
      removalPolicy: 'destroy',
      settleSeconds: String(settleSeconds),
      // What a function that died held is handed out again after six times this.
      maxTimeoutSeconds: '120',
      ...context,
    },
  }
  await mkdir(deployOptions.folder, { recursive: true })
  tell('preparing the emulated account')
  await bootstrapAccount(deployOptions)

  async function deploy(more: Record<string, string> = {}): Promise<Outputs> {
    tell('deploying the functions')
    const outputs = await deployApp({ ...deployOptions, context: { ...deployOptions.context, ...more } })
    for (const [name, { host }] of Object.entries(findFunctionUrls(outputs))) {
      await door.open(name, { endpoint: inside.emulator, host })
    }
    return outputs
  }
  const outputs = await deploy()
  const { region, accessKeyId, secretAccessKey } = objectStore
  const catalogAt = (door: string, endpoint: string): TrinoCatalogOptions => ({
    url: `${door}/catalog`,
    token: settings.catalogToken,
    objectStore: { endpoint, region, credentials: { accessKeyId, secretAccessKey } },
  })
  const trino = await servers.trino
  await trino?.createCatalog(catalogName, catalogAt(inside.door, inside.objectStore))
  const endpoints = {
    ...(isMinio && { minio: objectStore.endpoint }),
    emulator: servers.emulator.endpoint,
    lakefs: lakefs.endpoint,
    ...Object.fromEntries(Object.keys(findFunctionUrls(outputs)).map(name => [name, `${door.endpoint}/${name}`])),
    ...(trino && { trino: trino.endpoint }),
  }
  state.noteEndpoints(endpoints)
  const environment = createStackEnvironment({
    objectStore,
    emulator: servers.emulator,
    lakefs,
    buckets,
    queueUrls: findQueueUrls(outputs, servers.emulator.endpoint),
    gate: { url: `${inside.door}/check`, token: settings.gateToken },
    settings: { SETTLE_SECONDS: String(settleSeconds) },
    log,
  })
  // The emulator's queues are empty at each start; the object store need not be.
  if (await holdsAnything(environment.landing)) {
    const rescan: Rescan = { rescan: { cause: `start ${new Date().toISOString()}` } }
    await environment.queues.landing.send([{ body: JSON.stringify(rescan) }])
  }

  const processes = [...Object.values(servers.processes), trino].filter(server => server !== undefined)
  return {
    folder,
    landing,
    settings,
    endpoints,
    outputs,
    servers,
    door,
    trino,
    catalog: catalogAt(door.endpoint, objectStore.endpoint),
    environment,
    depths: () => countMessages(servers.emulator),
    deploy,
    destroy: () => destroyApp(deployOptions),
    crashed: Promise.race(processes.map(server => server.crashed)),
    close,
  }
}

async function holdsAnything(store: ObjectStore): Promise<boolean> {
  for await (const _ of store.list('')) return true
  return false
}
