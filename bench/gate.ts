import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HookPayload } from '../events/gate.ts'
import { openPlatform, type Platform } from '../infra/local/platform.ts'
import type { Column } from '../lib/columns.ts'
import type { Environment } from '../lib/environment.ts'
import type { Field } from '../lib/fields.ts'
import { answerHook } from '../lib/gate/answer-hook.ts'
import { formatTableMetadata, parseTableMetadata } from '../lib/iceberg/metadata.ts'
import { writeTable } from '../lib/iceberg/write-table.ts'
import { address, dataKey, landingKey, runBranch, sqlBranch, tablePath } from '../lib/layout.ts'
import { silentLog } from '../lib/log.ts'
import { mapConcurrently } from '../lib/map-concurrently.ts'
import { writeParquetFile } from '../lib/parquet/write.ts'
import { describeDataFile } from '../lib/pipeline/data-files.ts'
import { stageTable } from '../lib/pipeline/table-objects.ts'
import type { Benchmark } from './run.ts'

const study = 'bench'
const version = 'v1'
const fields: Field[] = [
  { id: 1, name: 'id', type: { kind: 'integer' }, nullable: false },
  { id: 2, name: 'text', type: { kind: 'string' }, nullable: true },
]

/** A study: datasets with their raw and base tables, loaded from CSV, and tables that people wrote beside them. */
export interface Scenario {
  datasets: number
  work: number
}

export interface Sizes {
  /** The first is what the others are compared with. */
  scenarios: Scenario[]
  rounds: number
  /** Tables that one commit brings, of so many files each. */
  brought: { tables: number; files: number; rounds: number }
}

const sizes: Sizes = {
  scenarios: [
    { datasets: 1, work: 1 },
    { datasets: 200, work: 600 },
  ],
  rounds: 9,
  brought: { tables: 1000, files: 3, rounds: 3 },
}

type Gate = Pick<Environment, 'lake' | 'lakefs' | 'now'>

/** The same with its calls counted, objects that listings gave among them. */
function counted<Subject extends object>(subject: Subject, count: () => void): Subject {
  async function* each(items: AsyncIterable<unknown>) {
    for await (const item of items) {
      count()
      yield item
    }
  }
  return new Proxy(subject, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        count()
        const result: unknown = member.apply(target, given)
        return result && typeof result === 'object' && Symbol.asyncIterator in result
          ? each(result as AsyncIterable<unknown>)
          : result
      }
    },
  })
}

interface Measured {
  /** ms by the clock. */
  wall: number
  /** ms of this process, its lakeFS server among it. */
  user: number
  /** To lakeFS, and to the lake. */
  calls: [lakefs: number, lake: number]
}

/** One answer of the gate, of which it has seen no file before: what it remembers goes with its store. */
async function judge({ environment }: Platform, payload: HookPayload): Promise<Measured> {
  const calls: Measured['calls'] = [0, 0]
  const gate: Gate = {
    ...environment,
    lakefs: counted(environment.lakefs, () => calls[0]++),
    lake: counted({ ...environment.lake }, () => calls[1]++),
  }
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const { problems } = await answerHook(gate, payload)
  const wall = performance.now() - begun
  const user = process.cpuUsage(cpu).user / 1000
  if (problems.length > 0)
    throw new Error(`the gate refused what is good: ${problems[0]!.code} ${problems[0]!.message}`)
  return { wall, user, calls }
}

const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${kind}${at}`)

/** Loads the datasets as a version. */
async function load(platform: Platform, { datasets }: Scenario): Promise<void> {
  const declared = names('d', datasets).map(
    name => `${name},USUBJID,string,Subject,false\n${name},AGE,integer,Age,true\n`,
  )
  const files = Object.fromEntries(
    names('d', datasets).map(name => [`${name}.csv`, 'USUBJID,AGE\nP1,61\nP2,\nP3,47\n']),
  )
  files['contents.csv'] = `dataset,field,type,label,nullable\n${declared.join('')}`
  for (const [name, text] of Object.entries(files))
    await platform.landing.put(landingKey(study, version, name), new TextEncoder().encode(text))
  while (await platform.step()) {}
  if (!(await platform.environment.lakefs.getBranch(study, version))) throw new Error('the study was not loaded')
}

/** The text of tables of the layer work with these files: the same bytes under names of their own. */
async function writeTables({ environment }: Platform, tables: string[], { files }: { files: number }) {
  const { lake, now } = environment
  const ids: Column = { kind: 'int32', values: new Int32Array([1, 2]) }
  const texts: Column = { kind: 'text', values: ['a', 'b'], indices: new Uint32Array([0, 1]) }
  const { bytes } = await writeParquetFile(fields, [{ rows: 2, columns: [ids, texts] }])
  const first = dataKey(study, 'work', 'first', '0')
  await lake.put(first, bytes)
  const entry = await describeDataFile(environment, { key: first, fields })
  return mapConcurrently(tables, 8, async dataset => {
    const keys = Array.from({ length: files }, (_, at) => dataKey(study, 'work', dataset, `${at}`))
    for (const key of keys) await lake.put(key, bytes)
    const entries = keys.map(key => ({ ...entry, address: address(lake.bucket, key) }))
    const what = { store: lake, study, layer: 'work', dataset, fields, mode: 'append', time: now() } as const
    return { dataset, text: (await writeTable({ ...what, files: entries })).text }
  })
}

/** Opens a hidden branch of the version, on which something is staged. */
async function openBranch({ environment }: Platform, name: string, stage: (branch: string) => Promise<unknown>) {
  await environment.lakefs.createBranch(study, { name, source: version, hidden: true })
  await stage(name)
  return name
}

const stageWork =
  ({ environment }: Platform, tables: { dataset: string; text: string }[]) =>
  (branch: string) =>
    mapConcurrently(tables, 8, ({ dataset, text }) => stageTable(environment, study, branch, 'work', dataset, text))

const nameSql = (round: number) => sqlBranch(new Date(), round.toString(16).padStart(8, '0'))

async function fill(platform: Platform, scenario: Scenario): Promise<void> {
  const { lakefs } = platform.environment
  await load(platform, scenario)
  const tables = await writeTables(platform, names('w', scenario.work), { files: 1 })
  const branch = await openBranch(platform, nameSql(0), stageWork(platform, tables))
  await lakefs.commit(study, branch, { message: 'Write' })
  await lakefs.merge(study, branch, version)
}

/** A property of a table is another. */
async function touch({ environment }: Platform, branch: string, [layer, dataset]: ['raw' | 'work', string]) {
  const bytes = await environment.lakefs.getObject(study, branch, tablePath(layer, dataset))
  const metadata = parseTableMetadata(new TextDecoder().decode(bytes))
  metadata.properties = { ...metadata.properties, touched: `${Math.random()}` }
  await stageTable(environment, study, branch, layer, dataset, formatTableMetadata(metadata))
}

const before = { commit: 'pre-commit', merge: 'pre-merge' } as const

/** Both hooks' answers to what a branch holds: first before its commit, then before its merge into the version. */
async function judgeBoth(platform: Platform, branch: string): Promise<{ commit: Measured; merge: Measured }> {
  const payload = { event_type: before.commit, repository_id: study, source_ref: branch, branch_id: branch }
  const commit = await judge(platform, payload)
  const { id } = await platform.environment.lakefs.commit(study, branch, { message: 'Change' })
  // As a candidate is: its parent is the version's head.
  const candidate = {
    event_type: before.merge,
    repository_id: study,
    source_ref: branch,
    commit_id: id,
    branch_id: version,
  }
  const merge = await judge(platform, candidate)
  await platform.environment.lakefs.deleteBranch(study, branch)
  return { commit, merge }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
const round = (value: number): number => Math.round(value * 10) / 10

type Row = Record<string, string | number>

function describe(what: string, hook: string, tables: number, measured: Measured[], peer = measured): Row {
  const wall = median(measured.map(item => item.wall))
  const user = Math.min(...measured.map(item => item.user))
  const [lakefs, lake] = measured.at(-1)!.calls
  return {
    changed: what,
    'tables in all': tables,
    hook,
    'p50 ms': round(wall),
    ratio: round(wall / median(peer.map(item => item.wall))),
    'least user ms': round(user),
    'user ratio': round(user / Math.min(...peer.map(item => item.user))),
    'calls to lakeFS': lakefs,
    'calls to the lake': lake,
  }
}

const countTables = ({ datasets, work }: Scenario): number => 2 * datasets + work

/** One changed table: the scenarios take turns. */
async function measureOne(platforms: Platform[], { scenarios, rounds }: Sizes): Promise<Row[]> {
  const rows: Row[] = []
  const kinds: [string, ['raw' | 'work', string], (round: number) => string][] = [
    ['a delivered table', ['raw', 'd0'], at => runBranch(version, at.toString(16).padStart(12, '0'))],
    ['a table of people', ['work', 'w0'], nameSql],
  ]
  for (const [what, table, nameBranch] of kinds) {
    const measured = scenarios.map((): { commit: Measured; merge: Measured }[] => [])
    // The first round makes all warm, and does not count.
    for (let at = 0; at <= rounds; at++) {
      for (const [which, platform] of platforms.entries()) {
        const branch = await openBranch(platform, nameBranch(at + 1), name => touch(platform, name, table))
        const both = await judgeBoth(platform, branch)
        if (at > 0) measured[which]!.push(both)
      }
    }
    for (const hook of ['commit', 'merge'] as const) {
      const times = measured.map(list => list.map(both => both[hook]))
      for (const [which, scenario] of scenarios.entries())
        rows.push(describe(what, before[hook], countTables(scenario), times[which]!, times[0]))
    }
  }
  return rows
}

/** Many tables of several files at once. */
async function measureMany(platform: Platform, { brought, scenarios }: Sizes): Promise<Row[]> {
  const tables = await writeTables(platform, names('m', brought.tables), brought)
  const measured: { commit: Measured; merge: Measured }[] = []
  for (let at = 0; at < brought.rounds; at++) {
    const branch = await openBranch(platform, nameSql(1000 + at), stageWork(platform, tables))
    measured.push(await judgeBoth(platform, branch))
  }
  const what = `${brought.tables} new tables of ${brought.files} files`
  const all = countTables(scenarios.at(-1)!) + brought.tables
  return (['commit', 'merge'] as const).map(hook =>
    describe(
      what,
      before[hook],
      all,
      measured.map(both => both[hook]),
    ),
  )
}

/** Measures with these sizes; resolves with a row a hook. */
export async function measureGate(given: Sizes, onProgress: (line: string) => void): Promise<Row[]> {
  const root = await mkdtemp(join(tmpdir(), 'studylake-bench-'))
  const platforms: Platform[] = []
  try {
    for (const scenario of given.scenarios) {
      onProgress(`making ${countTables(scenario)} tables`)
      const folder = join(root, String(platforms.length))
      const options = { folder, start: false, settleSeconds: 0, log: silentLog, command: 'bench' }
      platforms.push(await openPlatform(options))
      await fill(platforms.at(-1)!, scenario)
    }
    onProgress('changing one of them')
    const one = await measureOne(platforms, given)
    onProgress(`bringing ${given.brought.tables} tables`)
    return [...one, ...(await measureMany(platforms.at(-1)!, given))]
  } finally {
    for (const platform of platforms) await platform.close()
    await rm(root, { recursive: true, force: true })
  }
}

export const benchmark: Benchmark = {
  title:
    'The gate’s answers to both hooks on the embedded platform, with its stores in folders; no file has been seen before.\n' +
    'Ratios are to the first study. User time is that of the whole process, its lakeFS server among it.',
  measure: ({ onProgress }) => measureGate(sizes, onProgress),
}
