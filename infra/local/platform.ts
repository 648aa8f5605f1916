/**
 * The embedded platform: what S3, SQS, Lambda, EventBridge and lakeFS are in the cloud, in one process, on loopback, with all state
 * in one folder. The functions are the same, and so is the shape of what they are called with.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Rescan } from '../../events/landing.ts'
import { createCatalogFunction } from '../../functions/catalog.ts'
import { createHandlers as createRealHandlers } from '../../functions/handlers.ts'
import type { Environment, Queues } from '../../lib/environment.ts'
import { createLakefs } from '../../lib/lakefs/client.ts'
import type { Log } from '../../lib/log.ts'
import { inspectVersion } from '../../lib/pipeline/status.ts'
import { type DeadLetter, listDeadLetters, type Redriven, redriveDeadLetters } from '../../lib/queue/dead-letters.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { configureCatalog, configureLocal, openBuckets } from './buckets.ts'
import { type Mapping, startMapping } from './event-source-mapping.ts'
import {
  type CreateHandlers,
  catalogTimeoutSeconds,
  checkTimeoutSeconds,
  type Handlers,
  queueFedFunctions,
} from './functions.ts'
import { invokeFunction } from './invoke.ts'
import { startLakefsServer } from './lakefs/server.ts'
import { announceUploads } from './landing.ts'
import { takeLock } from './lock.ts'
import { openLogFile } from './log-file.ts'
import { endFetchWith, endQueueWith, endStoreWith, type Life } from './mortal.ts'
import { type DeadLetters, openPlatformQueues, visibilitySeconds } from './queues.ts'
import { startSchedule } from './schedule.ts'
import { type Control, startServer } from './server.ts'
import { type CompleteSettings, ensureSettings, explainListenError, loopback, type Settings } from './settings.ts'
import { deliverOne, type Step } from './step.ts'
import { createWorkload } from './workload.ts'

export interface PlatformOptions {
  /** The data directory; made where it is not there. */
  folder: string
  /** Named to whoever finds the folder in use. */
  command?: string
  /** False: the servers run, the functions are not invoked until `start`. */
  start?: boolean
  /** Seconds for which no file of a version may have changed before it is taken. */
  settleSeconds?: number
  /** Seconds between two rescans of the landing folder; 0 = only at the start. */
  scheduleSeconds?: number
  now?: () => Date
  /** Default: lines of JSON in `studylake.log`. */
  log?: Log
  createHandlers?: CreateHandlers
}

export interface RedriveScope {
  queue?: string
  messageId?: string
}

export interface Platform {
  folder: string
  settings: CompleteSettings
  environment: Environment
  /** The landing bucket; each upload is announced. */
  landing: ObjectStore
  handlers: Handlers
  /** Starts the functions and the schedule, which looks at the whole landing folder first. */
  start(): void
  /** Asks for a second look at one version, one study, or everything. */
  rescan(scope?: { study?: string; version?: string }): Promise<void>
  /** With the functions not started: works on one message, of the named queues, and says which; undefined when there is none. */
  step(options?: { queues?: (keyof Queues)[] }): Promise<Step | undefined>
  isIdle(): boolean
  /** Resolves when no message waits and nothing runs; true, or false after `timeoutMs`. */
  idle(options?: { timeoutMs?: number }): Promise<boolean>
  /** What was given up after too many tries. */
  deadLetters(): DeadLetters[]
  /** The same, message by message, with the reasons. */
  listDeadLetters(): Promise<DeadLetter[]>
  /** Sends what was given up to its work queue again: all, that of one queue (`add-keys`), or one message. */
  redrive(scope?: RedriveScope): Promise<Redriven[]>
  /** Ends what is being worked on, then everything else. */
  close(): Promise<void>
  /** Ends everything at once, as a killed process does. */
  kill(): Promise<void>
}

/** Opens the platform in a data directory, and goes on where it was. Throws LockedError where another process is at it. */
export async function openPlatform({
  folder: path,
  command = 'dev',
  start = true,
  settleSeconds = 1,
  scheduleSeconds = 60,
  now = () => new Date(),
  log: givenLog,
  createHandlers = createRealHandlers,
}: PlatformOptions): Promise<Platform> {
  const folder = resolve(path)
  await makeFolder(folder)
  const life: Life = { ended: false }
  // In the order of opening; whatever fails half-way, what was opened before is closed again.
  const opened: { close(): unknown; kill?(): unknown }[] = []
  try {
    return await open()
  } catch (error) {
    for (const { close } of opened.reverse()) await close()
    throw error
  }

  async function open(): Promise<Platform> {
    const lock = await takeLock(folder, { command, now })
    opened.push({ close: lock.release })
    const log = givenLog ?? openLogFile(join(folder, 'studylake.log'), { now })
    const settings = await ensureSettings(folder)
    const queues = openPlatformQueues({ folder, now })
    opened.push({ close: queues.close })
    const workload = createWorkload({ countMessages: queues.count })

    const { landing: landingStore, lake } = openBuckets({ folder, now })
    const landing = announceUploads({
      store: landingStore,
      queue: queues.bySource.landing,
      now,
      onLost: (key, error) => log.warn('upload not announced', { key, error: String(error) }),
    })

    const lakefsServer = await listen('lakefs', port =>
      startLakefsServer({
        folder: join(folder, 'lakefs'),
        store: lake,
        port,
        host: loopback,
        credentials: settings.lakefs,
        env: { LAKEFSACTION_GATE_TOKEN: settings.gateToken },
        now,
        randomId: () => randomBytes(16).toString('hex'),
      }),
    )
    opened.push(lakefsServer)

    const config = configureLocal(settings, { settleSeconds, scheduleSeconds })
    const environment: Environment = {
      config,
      landing: endStoreWith(landing, life),
      lake: endStoreWith(lake, life),
      lakefs: createLakefs({ ...config.lakefs, fetch: endFetchWith(fetch, life) }),
      queues: Object.fromEntries(
        Object.entries(queues.bySource).map(([source, queue]) => [source, endQueueWith(queue, life)]),
      ) as unknown as Queues,
      now,
      log,
    }
    const handlers = createHandlers(environment)
    const catalog = createCatalogFunction({ environment, catalog: configureCatalog(settings) })

    const mappings = queueFedFunctions.map(work => ({
      queue: queues.bySource[work.source],
      handler: handlers[work.handler].bind(handlers),
      source: work.source,
      name: work.name,
      batchSize: work.batchSize,
      maximumConcurrency: work.maximumConcurrency,
      timeoutSeconds: work.timeoutSeconds,
      visibilitySeconds: visibilitySeconds(work),
      log,
    }))
    const running: Mapping[] = []
    let schedule: { stop(): Promise<void> } | undefined

    async function rescan({ study, version }: { study?: string; version?: string } = {}): Promise<void> {
      const message: Rescan = { rescan: { study, version, cause: randomUUID() } }
      await queues.bySource.landing.send([{ body: JSON.stringify(message) }])
    }

    const listLetters = () => listDeadLetters({ pairs: queues.pairs, lake: environment.lake })
    const redrive = ({ queue, messageId }: RedriveScope = {}): Promise<Redriven[]> => {
      const pairs = queues.pairs.filter(({ name }) => queue === undefined || name === queue)
      return workload.track(() => redriveDeadLetters({ pairs, messageId, cause: randomUUID() }))
    }

    const control: Control = {
      upload: (key, body) => workload.track(() => landing.put(key, body)),
      rescan,
      status: ({ study, version }) => inspectVersion(environment, study, version),
      idle: async () => ({
        // Short enough that a platform that stops is not kept, long enough that nobody asks in a circle.
        idle: await workload.waitUntilIdle({ timeoutMs: 500 }),
        deadLetters: queues.deadLetters(),
      }),
      deadLetters: listLetters,
      redrive,
      about: () => ({ pid: process.pid, command, folder }),
    }
    const server = await listen('functions', port =>
      startServer({
        port,
        functions: {
          check: { handler: (event, context) => handlers.check(event, context), timeoutSeconds: checkTimeoutSeconds },
          catalog: { handler: catalog, timeoutSeconds: catalogTimeoutSeconds },
        },
        control,
        controlToken: settings.controlToken,
        log,
      }),
    )
    opened.push(server)

    async function listen<Server>(
      name: keyof Settings['ports'],
      work: (port: number) => Promise<Server>,
    ): Promise<Server> {
      const port = settings.ports[name]
      return work(port).catch((error: unknown) => {
        throw explainListenError(error, { folder, name, port })
      })
    }

    const woken = (name: string) => ({ name, timeoutSeconds: 60 })
    const wake = (what: string, invoke: () => Promise<unknown>) =>
      invoke().catch((error: unknown) => {
        if (!life.ended) log.error(`scheduled ${what} failed`, { error: String(error) })
      })

    function startFunctions(): void {
      if (running.length > 0) return
      for (const mapping of mappings) running.push(startMapping(mapping))
      schedule = startSchedule({
        everySeconds: scheduleSeconds,
        now,
        invoke: event =>
          workload.track(async () => {
            await wake('rescan', () => invokeFunction(handlers.receive.bind(handlers), event, woken('receive')))
            await wake('sweep', () => invokeFunction(catalog, event, woken('catalog')))
          }),
      })
    }
    if (start) startFunctions()

    let closing: Promise<void> | undefined
    return {
      folder,
      settings,
      environment,
      landing: environment.landing,
      handlers,
      start: startFunctions,
      rescan,
      step: ({ queues: chosen } = {}) =>
        workload.track(() => deliverOne(mappings.filter(({ source }) => chosen?.includes(source) ?? true))),
      isIdle: workload.isIdle,
      idle: workload.waitUntilIdle,
      deadLetters: queues.deadLetters,
      listDeadLetters: listLetters,
      redrive,
      close() {
        closing ??= (async () => {
          await schedule?.stop()
          await Promise.all(running.map(mapping => mapping.stop()))
          life.ended = true
          for (const { close } of opened.reverse()) await close()
        })()
        return closing
      },
      kill() {
        closing ??= (async () => {
          life.ended = true
          for (const mapping of running) mapping.kill()
          void schedule?.stop()
          for (const { close, kill = close } of opened.reverse()) await kill()
        })()
        return closing
      },
    }
  }
}

/** Studies are confidential: the folder is its owner's alone, and never goes into a repository by accident. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const ignore = join(folder, '.gitignore')
  if (!existsSync(ignore)) await writeFile(ignore, '*\n')
}
