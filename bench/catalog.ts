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
/** Loads in a row before the next scenario's turn, and turns: what disturbs the machine for a while disturbs all. */
const loadsInTurn = 50
const turns = 40
/** Times that a table is loaded of which the catalog knows nothing. */
const firstLoads = 25

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

async function ask({ settings }: Platform, path: string): Promise<void> {
  const address = `${catalogAddress(settings)}/v1/namespaces/${study}%40${branch}%1Fwork/${path}`
  const response = await fetch(address, { headers: { authorization: `Bearer ${settings.catalogToken}` } })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`the catalog answered ${response.status} for ${path}`)
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
        // Makes the connection, and finds the branch's commit good; no table is read for it.
        await ask(platform, 'tables')
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
  for (let turn = -1; turn < turns; turn++) {
    for (const [which, platform] of platforms.entries()) {
      for (let at = 0; at < loadsInTurn; at++) {
        const time = await load(platform, pickTable(scenarios[which]!, at, loadsInTurn))
        // The turn before the first makes all warm.
        if (turn >= 0) times[which]!.push(time)
      }
    }
  }
  return times
}

const ratio = (value: number, peer: number): string => `${(value / peer).toFixed(2)} ×`

export const benchmark: Benchmark = {
  title:
    'Loading a table through the catalog of the embedded platform, over HTTP, ms: for the first time, and again.\n' +
    'Compared with one table on one branch.',
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
      onProgress(`loading ${turns * loadsInTurn} times in each`)
      const again = await measureAgain(platforms)
      const folders = platforms.map(({ folder }) => folder)
      await close()
      onProgress(`loading for the first time, ${firstLoads} times in each`)
      const first = await measureFirst(folders)
      const rows = scenarios.map((scenario, at) => ({
        ...scenario,
        first50: percentile(first[at]!, 0.5),
        p50: percentile(again[at]!, 0.5),
        p99: percentile(again[at]!, 0.99),
      }))
      const peer = rows[0]!
      return rows.map(({ tables, branches, first50, p50, p99 }) => ({
        tables,
        branches,
        'first p50': first50.toFixed(2),
        '': ratio(first50, peer.first50),
        p50: p50.toFixed(2),
        ' ': ratio(p50, peer.p50),
        p99: p99.toFixed(2),
        '  ': ratio(p99, peer.p99),
      }))
    } finally {
      await close()
      await rm(root, { recursive: true, force: true })
    }
  },
}
