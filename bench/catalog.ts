import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogAddress } from '../infra/local/buckets.ts'
import { openPlatform, type Platform } from '../infra/local/platform.ts'
import { commitEdits } from '../lib/catalog/commit/index.ts'
import type { TableEdit } from '../lib/catalog/table-edit.ts'
import { writeTable } from '../lib/iceberg/write-table.ts'
import { silentLog } from '../lib/log.ts'
import { mapConcurrently } from '../lib/map-concurrently.ts'
import { ensureStudy } from '../lib/study.ts'
import type { Benchmark } from './run.ts'

const study = 'bench'
const branch = 'measured'
const columns = 20
/**
 * Each percentile is taken in that many repeats, and the least counts: whatever else the machine does makes a repeat slower, never faster. Within a repeat
 * the scenarios take turns.
 */
const repeats = 5
const turns = 10
const loadsInTurn = 50
/** Loads, in a repeat, of a table of which the catalog knows nothing. */
const firstLoads = 7

interface Scenario {
  tables: number
  branches: number
}

/** The first is what the others are compared with. */
const scenarios: Scenario[] = [
  { tables: 1, branches: 1 },
  { tables: 100, branches: 1 },
  { tables: 1000, branches: 1 },
  { tables: 1, branches: 1000 },
]

const nameTable = (at: number): string => `t${at}`

/** A study with that many tables, which are all on that many branches. */
async function fill({ environment }: Platform, { tables, branches }: Scenario): Promise<void> {
  const { lakefs, lake } = environment
  await ensureStudy(environment, study)
  await lakefs.createBranch(study, { name: branch, source: 'main' })
  const fields = Array.from({ length: columns }, (_, at) => ({
    id: at + 1,
    name: `column_${at}`,
    type: { kind: 'string' } as const,
    nullable: true,
    label: `What column ${at} holds`,
  }))
  const names = Array.from({ length: tables }, (_, at) => nameTable(at))
  const edits = await mapConcurrently(names, 8, async (table): Promise<TableEdit> => {
    const what = { store: lake, study, layer: 'work', dataset: table } as const
    const { metadata } = await writeTable({ ...what, fields, files: [], mode: 'append', time: new Date() })
    return { layer: 'work', table, edit: () => metadata }
  })
  await commitEdits(environment, { study, branch, edits, author: 'bench', purpose: 'Create' })
  const others = Array.from({ length: branches - 1 }, (_, at) => `other-${at}`)
  await mapConcurrently(others, 8, name => lakefs.createBranch(study, { name, source: branch }))
}

async function ask({ settings }: Platform, path: string, expected = 200): Promise<void> {
  const address = `${catalogAddress(settings)}/v1/namespaces/${study}%40${branch}%1Fwork/${path}`
  const response = await fetch(address, { headers: { authorization: `Bearer ${settings.catalogToken}` } })
  await response.arrayBuffer()
  if (response.status !== expected) throw new Error(`the catalog answered ${response.status} for ${path}`)
}

/** Loads a table over HTTP. Resolves with ms. */
async function load(platform: Platform, table: string): Promise<number> {
  const begun = performance.now()
  await ask(platform, `tables/${table}`)
  return performance.now() - begun
}

/** Evenly spread over the tables. */
const pickTable = ({ tables }: Scenario, at: number, of: number): string =>
  nameTable(Math.floor((at * tables) / of) % tables)

function percentile(times: number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
}

const open = (folder: string) => openPlatform({ folder, start: false, log: silentLog, command: 'bench' })

/** Times of first loads, each scenario in its turn: what was loaded before is forgotten by closing the platform. */
async function measureFirst(folders: string[]): Promise<number[][]> {
  const times = scenarios.map((): number[] => [])
  for (let turn = 0; turn < firstLoads; turn++) {
    for (const [which, folder] of folders.entries()) {
      const platform = await open(folder)
      try {
        // Makes the connection; no table is read for it.
        await ask(platform, 'tables/nothing', 404)
        times[which]!.push(await load(platform, pickTable(scenarios[which]!, turn, firstLoads)))
      } finally {
        await platform.close()
      }
    }
  }
  return times
}

/** Times of loads, each platform in its turn. */
async function measureAgain(platforms: Platform[]): Promise<number[][]> {
  const times = scenarios.map((): number[] => [])
  for (let turn = 0; turn < turns; turn++) {
    for (const [which, platform] of platforms.entries()) {
      for (let at = 0; at < loadsInTurn; at++)
        times[which]!.push(await load(platform, pickTable(scenarios[which]!, at, loadsInTurn)))
    }
  }
  return times
}

/** Measures again and again. Resolves with a function that gives a percentile of a scenario, in the repeat where it is least. */
async function repeat(measure: () => Promise<number[][]>): Promise<(which: number, part: number) => number> {
  const results: number[][][] = []
  while (results.length < repeats) results.push(await measure())
  return (which, part) => Math.min(...results.map(times => percentile(times[which]!, part)))
}

const round = (value: number): number => Math.round(value * 100) / 100

export const benchmark: Benchmark = {
  title:
    'Loading a table through the catalog of the embedded platform, over HTTP: for the first time, and again.\n' +
    'Ratios are to one table on one branch.',
  async measure({ onProgress }) {
    const root = await mkdtemp(join(tmpdir(), 'studylake-bench-'))
    const platforms: Platform[] = []
    const close = async () => {
      for (const platform of platforms.splice(0)) await platform.close()
    }
    try {
      for (const scenario of scenarios) {
        onProgress(`making ${scenario.tables} tables on ${scenario.branches} branches`)
        platforms.push(await open(join(root, String(platforms.length))))
        await fill(platforms.at(-1)!, scenario)
      }
      onProgress(`loading ${repeats * turns * loadsInTurn} times in each`)
      // Once to no purpose: makes all warm.
      await measureAgain(platforms)
      const again = await repeat(() => measureAgain(platforms))
      const folders = platforms.map(({ folder }) => folder)
      await close()
      onProgress(`loading for the first time, ${repeats * firstLoads} times in each`)
      const first = await repeat(() => measureFirst(folders))
      const rows = scenarios.map((scenario, at) => ({
        ...scenario,
        first50: first(at, 0.5),
        p50: again(at, 0.5),
        p99: again(at, 0.99),
      }))
      const peer = rows[0]!
      return rows.map(({ tables, branches, first50, p50, p99 }) => ({
        tables,
        branches,
        'first p50 ms': round(first50),
        'first ratio': round(first50 / peer.first50),
        'p50 ms': round(p50),
        'p50 ratio': round(p50 / peer.p50),
        'p99 ms': round(p99),
        'p99 ratio': round(p99 / peer.p99),
      }))
    } finally {
      await close()
      await rm(root, { recursive: true, force: true })
    }
  },
}
