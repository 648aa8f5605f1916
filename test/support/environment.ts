import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHandlers, type Handlers } from '../../functions/handlers.ts'
import { toSqsEvent } from '../../infra/local/event-source-mapping.ts'
import { answerByFunction, type UrlHandler } from '../../infra/local/function-url.ts'
import { startLakefsServer } from '../../infra/local/lakefs/server.ts'
import { announceUploads } from '../../infra/local/landing.ts'
import type { Config } from '../../lib/config.ts'
import type { Environment, Queues } from '../../lib/environment.ts'
import { createLakefs, type LakefsConnection } from '../../lib/lakefs/client.ts'
import { landingKey, reportKey } from '../../lib/layout.ts'
import { createLog, type LogFields } from '../../lib/log.ts'
import { type Report, reportSchema } from '../../lib/report.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { gateToken } from '../contract/lakefs-tokens.ts'
import { type Fault, injectFault } from './faults.ts'
import { type MemoryQueue, memoryQueue } from './memory-queue.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'

export type Files = Record<string, string | Uint8Array>

/** Time that passes only when it is told to. */
export interface Clock {
  now(): Date
  advance(seconds: number): void
  /** Goes on to that many seconds after the start. Throws where it is later already. */
  advanceTo(seconds: number): void
}

export interface LogLine extends LogFields {
  level: string
  message: string
}

/** A whole platform: what the functions reach, and a hand that feeds them. The lakeFS server and the lake are whichever there are. */
export interface TestBed {
  environment: Environment
  landing: MemoryStore
  queues: Record<keyof Queues, MemoryQueue>
  clock: Clock
  /** What the functions logged. */
  logged: LogLine[]
  /** The gate's answers since `reset`, by status; and a switch that makes it fail. */
  gate: { answers: number[]; broken: boolean }
  /** Puts files into the landing bucket, in their order, and announces each. */
  upload(options: { study: string; version: string; files: Files; order?: string[] }): Promise<void>
  /** Works on messages until there are none, and says how many it were. Throws where messages keep failing. */
  drain(options?: DrainOptions): Promise<number>
  /** Handles one message of that queue; false where there is none to handle. */
  step(source: keyof Queues, options?: { handlers?: Handlers; max?: number }): Promise<boolean>
  readReport(study: string, version: string): Promise<Report | undefined>
  /** Every object of a ref by its path: its text. */
  readRef(study: string, ref: string): Promise<Map<string, string>>
  listBranches(study: string): Promise<string[]>
  close(): Promise<void>
}

/** A platform in memory but for the lakeFS server's database. */
export interface TestEnvironment extends TestBed {
  lake: MemoryStore
  /** Forgets everything; the servers go on. */
  reset(): Promise<void>
}

/** lakeFS and its lake, as a test bed uses them. lakeFS has to know `gateToken` as `LAKEFSACTION_GATE_TOKEN`. */
export interface LakefsServers {
  lakefs: LakefsConnection
  lake: ObjectStore
  close(): Promise<void>
}

export interface DrainOptions {
  /** Calls made by the functions go wrong there. */
  fault?: Fault
  /** Which of the queues that have a message is next; the first of them by default. */
  pick?: (sources: (keyof Queues)[]) => keyof Queues
  /** Learns the calls that the functions made, in order. */
  onCalls?: (names: string[]) => void
  /** Before each message: what happens in the meantime. */
  between?: (source: keyof Queues) => Promise<void> | void
}

const start = Date.parse('2026-01-02T03:04:05.678Z')
/** In the order of a study's way, with the function that each feeds. */
const ways: [keyof Queues, Exclude<keyof Handlers, 'check'>, string][] = [
  ['landing', 'receive', 'landing'],
  ['convert', 'convert', 'convert'],
  ['register', 'register', 'register.fifo'],
  ['keys', 'assignKeys', 'keys.fifo'],
  ['addKeys', 'addKeys', 'add-keys'],
  ['commit', 'commit', 'commit.fifo'],
]
const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }
const mostSteps = 600

interface SetClock extends Clock {
  /** Goes to that time, in ms. */
  set(time: number): void
}

function makeClock(): SetClock {
  let time = start
  return {
    set(to) {
      time = to
    },
    now: () => new Date(time),
    advance(seconds) {
      time += seconds * 1000
    },
    advanceTo(seconds) {
      if (start + seconds * 1000 < time) throw new Error(`it is later than ${seconds} s after the start`)
      time = start + seconds * 1000
    },
  }
}

/** Starts the embedded lakeFS server and the gate, and wires everything. Close it in `afterAll`. */
export async function makeEnvironment(overrides: Partial<Config> = {}): Promise<TestEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), 'studylake-unit-'))
  const clock = makeClock()
  const lake = memoryStore({ bucket: 'lake', now: () => clock.now() })
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const server = await startLakefsServer({
    folder: join(folder, 'lakefs'),
    store: lake,
    credentials,
    env: { LAKEFSACTION_GATE_TOKEN: gateToken },
    now: () => clock.now(),
  })
  const bed = await makeBed({
    overrides,
    clock,
    lake,
    lakefs: { endpoint: server.endpoint, ...credentials },
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  })
  return {
    ...bed,
    lake,
    async reset() {
      const { lakefs } = bed.environment
      for await (const { id } of lakefs.listRepositories()) await lakefs.deleteRepository(id, { force: true })
      bed.landing.objects.clear()
      lake.objects.clear()
      for (const queue of Object.values(bed.queues)) queue.clear()
      bed.logged.length = 0
      Object.assign(bed.gate, { answers: [], broken: false })
      clock.set(start)
    },
  }
}

/** Starts the gate, and wires everything to a lakeFS that is there. Close it in `afterAll`, which closes the servers too. */
export async function makeBed({
  overrides = {},
  clock = makeClock(),
  lakefs: connection,
  lake,
  close,
}: LakefsServers & { overrides?: Partial<Config>; clock?: SetClock }): Promise<TestBed> {
  const now = () => clock.now()
  const landing = memoryStore({ bucket: 'landing', now })
  const queues = Object.fromEntries(
    ways.map(([source, , name]) => [source, memoryQueue(name, { now })]),
  ) as TestEnvironment['queues']
  const logged: LogLine[] = []
  const gate: TestEnvironment['gate'] = { answers: [], broken: false }

  const gateServer = createServer((request, response) => {
    const check: UrlHandler = async (event, of) => {
      if (gate.broken) throw new Error('the gate is broken')
      const result = await handlers.check(event, of)
      gate.answers.push(result.statusCode)
      return result
    }
    answerByFunction(check, request, response, { name: 'check', rawPath: '/', timeoutSeconds: 30 }).catch(() => {})
  })
  await new Promise<void>(resolve => gateServer.listen(0, '127.0.0.1', resolve))
  const environment: Environment = {
    config: {
      landingBucket: landing.bucket,
      lakeBucket: lake.bucket,
      lakefs: connection,
      gate: { url: `http://127.0.0.1:${(gateServer.address() as AddressInfo).port}/`, token: gateToken },
      settleSeconds: 0,
      waitReportSeconds: 900,
      scheduleSeconds: 300,
      rowGroupRows: 1000,
      rowGroupBytes: 1_048_576,
      maxCellBytes: 65_536,
      ...overrides,
    },
    landing: announceUploads({ store: landing, queue: queues.landing, now, onLost: () => {} }),
    lake,
    lakefs: createLakefs(connection),
    queues,
    now,
    log: createLog({ write: line => logged.push(JSON.parse(line) as LogLine), now, level: 'debug' }),
  }
  const { lakefs } = environment
  const handlers = createHandlers(environment)

  async function step(
    source: keyof Queues,
    { handlers: used = handlers, max = 1 }: { handlers?: Handlers; max?: number } = {},
  ): Promise<boolean> {
    const queue = queues[source]
    const messages = await queue.receive({ max })
    if (messages.length === 0) return false
    const [, handler] = ways.find(([name]) => name === source)!
    const { batchItemFailures } = await used[handler](toSqsEvent(queue, messages), context)
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    for (const { messageId, receiptHandle } of messages) if (!failed.has(messageId)) await queue.delete(receiptHandle)
    return true
  }

  async function drain({ fault, pick = ([first]) => first!, onCalls, between }: DrainOptions = {}): Promise<number> {
    const injector = injectFault(environment, fault)
    const injected = createHandlers(injector.environment)
    let dead = fault?.kind === 'death'
    for (let steps = 0; ; steps++) {
      if (steps > mostSteps) throw new Error(`there is still work after ${mostSteps} messages`)
      const visible = ways.filter(([source]) => (queues[source].nextVisibleAt() ?? Infinity) <= now().getTime())
      if (visible.length === 0) {
        const next = Math.min(...ways.map(([source]) => queues[source].nextVisibleAt() ?? Infinity))
        if (next === Infinity) {
          onCalls?.(injector.names)
          return steps
        }
        clock.set(next)
        continue
      }
      const source = pick(visible.map(([name]) => name))
      await between?.(source)
      await step(source, { handlers: injected })
      if (dead && injector.calls() >= (fault?.at ?? 0)) {
        dead = false
        injector.revive()
        for (const [name] of ways) queues[name].releaseInFlight()
      }
    }
  }

  return {
    environment,
    landing,
    queues,
    clock,
    logged,
    gate,
    async upload({ study, version, files, order = Object.keys(files) }) {
      for (const file of order)
        await environment.landing.put(landingKey(study, version, file), new Uint8Array(Buffer.from(files[file]!)))
    },
    drain,
    step,
    async readReport(study, version) {
      const stored = landing.objects.get(reportKey(study, version))
      return stored && reportSchema.parse(JSON.parse(new TextDecoder().decode(stored.bytes)))
    },
    async readRef(study, ref) {
      const content = new Map<string, string>()
      for await (const { path } of lakefs.listObjects(study, ref))
        content.set(path, new TextDecoder().decode(await lakefs.getObject(study, ref, path)))
      return content
    },
    async listBranches(study) {
      const names: string[] = []
      for await (const { id } of lakefs.listBranches(study, { hidden: true })) names.push(id)
      return names
    },
    async close() {
      await close()
      await new Promise<void>(resolve => {
        gateServer.close(() => resolve())
        gateServer.closeAllConnections()
      })
    },
  }
}
