import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogAddress } from '../../infra/local/buckets.ts'
import type { Platform } from '../../infra/local/platform.ts'
import { contentsFile, keysBranch, landingKey } from '../../lib/layout.ts'
import { allTypesEntities, allTypesLatin1Study, allTypesStudy, makeAllTypesStudy } from '../support/all-types-study.ts'
import { finish, listLake, makeTemporaryFolder, readCommitted, readFolder } from '../support/test-platform.ts'
import {
  type Clock,
  loadVersion,
  makeClock,
  openStudyPlatform,
  readTables,
  type StudyComparison,
} from './committed-study.ts'
import { python, runPython } from './python.ts'

const studies = process.env.STUDYLAKE_STUDIES

interface Source {
  version: string
  /** Of the delivered files. */
  folder: string
  /** The commit to read; by default the version's head. */
  commit?: string
}

/** Gives the tables of committed versions, and the delivered files, to Python. */
async function compareWithPython(
  platform: Platform,
  study: string,
  sources: Source[],
  { encoding = 'utf-8', entities }: { encoding?: string; entities?: Record<string, string[]> } = {},
): Promise<StudyComparison> {
  const versions = []
  for (const { version, folder, commit } of sources) {
    const tables = await readTables(platform, study, commit ?? `${version}@`)
    versions.push({
      name: version,
      folder,
      tables: Object.fromEntries(tables.map(({ name, metadataAddress }) => [name, metadataAddress])),
    })
  }
  const lake = { lake: join(platform.folder, 'lake') }
  return runPython('compare_study.py', { versions, encoding, entities: entities ?? null }, { lake })
}

/** The same, where Python finds the tables itself in the catalog. */
function compareThroughCatalog(platform: Platform, study: string, sources: Source[]): Promise<StudyComparison> {
  const { folder: root, settings } = platform
  const properties = { uri: catalogAddress(settings), token: settings.catalogToken }
  const versions = sources.map(({ version, folder }) => ({ name: version, folder }))
  const request = { versions, encoding: 'utf-8', entities: null, catalog: { study, properties } }
  return runPython('compare_study.py', request, { lake: { lake: join(root, 'lake') } })
}

const cleanUps: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

async function openFresh(options: { clock?: Clock; rowGroupRows?: number }): Promise<Platform> {
  const { folder, cleanUp } = await makeTemporaryFolder()
  cleanUps.push(cleanUp)
  const platform = await openStudyPlatform({ folder, ...options })
  cleanUps.push(platform.close)
  return platform
}

const tablesOf = ({ tables }: StudyComparison, version: string): string[] =>
  Object.keys(tables).filter(name => name.startsWith(`${version} `))

describe.skipIf(!python || !studies)('a real study, cdiscpilot01 (STUDYLAKE_STUDIES and npm run test:interop)', () => {
  const study = 'cdiscpilot01'
  const sources: Source[] = ['v1', 'v2', 'v3', 'v4'].map(version => ({ version, folder: join(studies ?? '', version) }))
  const clock = makeClock()
  let first: Platform
  let commits: Record<string, string>

  /** Versions land a day apart: every data directory gets the same landing times. */
  async function load(platform: Platform, { version, folder }: Source): Promise<string> {
    clock.set(`2026-01-0${version.slice(1)}T09:00:00.000Z`)
    return loadVersion(platform, { study, version, files: await readFolder(folder) })
  }

  beforeAll(async () => {
    first = await openFresh({ clock })
    commits = {}
    for (const source of sources) commits[source.version] = await load(first, source)
  })

  it('has in every table, read by pyiceberg and by pyarrow, what Python reads in the CSV', async () => {
    const comparison = await compareWithPython(first, study, sources)
    expect(comparison.problems).toEqual([])

    for (const [version, datasets] of Object.entries({ v1: 3, v2: 9, v3: 9, v4: 9 })) {
      expect(tablesOf(comparison, version)).toHaveLength(2 * datasets + 3)
    }
    expect(comparison.tables['v4 raw.cm']).toMatchObject({ rows: 7510, cells: 7510 * 21 })
    expect(comparison.tables['v4 keys.patient']!.rows).toBe(306)
    // Every row of every dataset finds its patient in dm.
    expect(Object.keys(comparison.joins)).toHaveLength(2 + 8 + 8 + 8)
    for (const { rows, joined } of Object.values(comparison.joins)) expect(joined).toBe(rows)
    // The CSV of ex is the same in v1 and v4: so is the file.
    expect(comparison.tables['v4 raw.ex']!.files).toEqual(comparison.tables['v1 raw.ex']!.files)
    expect(comparison.tables['v4 base.ex']!.files).toEqual(comparison.tables['v1 base.ex']!.files)
    for (const column of ['USUBJID', 'AGE', 'patient_key']) {
      expect(new Set(sources.map(({ version }) => comparison.ids[`${version} base.dm`]![column])).size).toBe(1)
    }
  })

  it('has the same in every table that pyiceberg finds in the catalog, at every version', async () => {
    const comparison = await compareThroughCatalog(first, study, sources)
    expect(comparison.problems).toEqual([])
    for (const [version, datasets] of Object.entries({ v1: 3, v2: 9, v3: 9, v4: 9 }))
      expect(tablesOf(comparison, version)).toHaveLength(2 * datasets + 3)
    expect(comparison.tables['v4 raw.cm']).toMatchObject({ rows: 7510, cells: 7510 * 21 })
  })

  it('is left as it is when a version is uploaded again, and when its files come under another name', async () => {
    const content = await readCommitted(first, study, 'v1@')
    const data = await listLake(first, 'data/')
    clock.set('2026-02-01T09:00:00.000Z')
    const again = await loadVersion(first, { study, version: 'v1', files: await readFolder(sources[0]!.folder) })
    expect(again).toBe(commits.v1)
    expect((await first.environment.lakefs.getBranch(study, 'v1'))?.commitId).toBe(commits.v1)
    expect(await readCommitted(first, study, 'v1@')).toEqual(content)
    expect(await listLake(first, 'data/')).toEqual(data)

    await loadVersion(first, { study, version: 'v5', files: await readFolder(sources[3]!.folder) })
    expect(await listLake(first, 'data/')).toEqual(data)
  })

  it('gets the same bytes in another data directory, and when a run is done once more', async () => {
    const second = await openFresh({ clock })
    const { lakefs } = second.environment
    for (const source of sources) {
      const { version } = source
      const expected = await readCommitted(first, study, `${version}@`)
      await load(second, source)
      expect(await readCommitted(second, study, `${version}@`)).toEqual(expected)

      const data = await listLake(second, 'data/')
      await lakefs.deleteBranch(study, version)
      await second.rescan({ study, version })
      expect((await finish(second, study, version)).state).toBe('committed')
      expect(await readCommitted(second, study, `${version}@`)).toEqual(expected)
      expect(await listLake(second, 'data/')).toEqual(data)
    }
    const authorities = [first, second].map(platform => readTables(platform, study, keysBranch))
    const [expected, found] = await Promise.all(authorities)
    expect(found).toEqual(expected)
    expect(expected).toHaveLength(3)
  })
})

describe.skipIf(!python)('made-up studies of every declared type', () => {
  const made = makeAllTypesStudy({ seed: 20260102, rows: 200 }).files
  let platform: Platform
  let folder: string
  let latin1: Source

  /** Uploads a version, and puts its files where Python finds them. */
  async function load(study: string, version: string, files: Record<string, Uint8Array>): Promise<Source> {
    const prefix = `${study}/${version}/`
    const own = Object.entries(files).filter(([key]) => key.startsWith(prefix))
    const named = Object.fromEntries(own.map(([key, bytes]) => [key.slice(prefix.length), bytes]))
    const target = await mkdtemp(join(folder, `${version}-`))
    for (const [name, bytes] of Object.entries(named)) await writeFile(join(target, name), bytes)
    // Without its contents file a version waits: no mixture of two deliveries is loaded.
    await platform.landing.delete(landingKey(study, version, contentsFile))
    return { version, folder: target, commit: await loadVersion(platform, { study, version, files: named }) }
  }

  beforeAll(async () => {
    const temporary = await makeTemporaryFolder()
    cleanUps.push(temporary.cleanUp)
    folder = temporary.folder
    platform = await openFresh({ rowGroupRows: 64 })
    for (const study of [allTypesStudy, allTypesLatin1Study]) {
      await platform.landing.put(`${study}/study.json`, made[`${study}/study.json`]!)
    }
  })

  it('have in every table what Python reads in the CSV, in both dialects, and after another delivery', async () => {
    const other = makeAllTypesStudy({ seed: 20260103, rows: 90 }).files
    const compare = (sources: Source[]) =>
      compareWithPython(platform, allTypesStudy, sources, { entities: allTypesEntities })
    const plain = await load(allTypesStudy, 'plain', made)
    const proc = await load(allTypesStudy, 'proc', made)
    const comparison = await compare([plain, proc])
    expect(comparison.problems).toEqual([])
    expect(tablesOf(comparison, 'plain')).toHaveLength(2 * 10 + 4)
    // No dataset of this version has devices: their map is not in it.
    expect(tablesOf(comparison, 'proc')).toHaveLength(2 * 4 + 3)
    expect(comparison.tables['plain base.every_type']).toMatchObject({ rows: 200, rowGroups: 4 })
    expect(comparison.tables['plain base.no_rows']).toMatchObject({ rows: 0 })
    expect(comparison.tables['plain raw.decimals']!.cells).toBeGreaterThan(60 * 100)

    // The same version with other rows: every table gets a second snapshot, keys are added to the maps.
    const replaced = await compare([plain, proc, await load(allTypesStudy, 'plain', other)])
    expect(replaced.problems).toEqual([])
    expect(replaced.tables['plain base.every_type']).toMatchObject({ rows: 90, rowGroups: 2 })
    expect(replaced.ids['plain raw.every_type']).toEqual(comparison.ids['plain raw.every_type'])
  })

  it('have in every table what Python reads in the CSV, in Latin-1', async () => {
    latin1 = await load(allTypesLatin1Study, 'proc', made)
    const comparison = await compareWithPython(platform, allTypesLatin1Study, [latin1], { encoding: 'latin1' })
    expect(comparison.problems).toEqual([])
    expect(tablesOf(comparison, 'proc')).toHaveLength(2 * 4 + 3)
  })

  it('are found to differ where a cell, a label or a natural key of the source is another', async () => {
    const study = allTypesLatin1Study
    const compareChanged = async (file: string, from: string, to: string): Promise<string[]> => {
      const changed = { ...latin1, folder: join(folder, `changed-${file}`) }
      await cp(latin1.folder, changed.folder, { recursive: true })
      const path = join(changed.folder, file)
      const text = await readFile(path, 'latin1')
      expect(text).toContain(from)
      await writeFile(path, text.replace(from, to), 'latin1')
      return (await compareWithPython(platform, study, [changed], { encoding: 'latin1' })).problems
    }
    expect(await compareChanged('LB.csv', 'leading', 'lagging')).toEqual(
      ['raw', 'base'].flatMap(layer =>
        ['pyiceberg', 'pyarrow'].map(reader =>
          expect.stringMatching(`^proc ${layer}.lb, ${reader}, row \\d+, column C\\w*, 1 cells differ$`),
        ),
      ),
    )
    expect(await compareChanged('contents.csv', 'größer', 'kleiner')).toEqual([
      'proc raw.lb, Iceberg schema, differs',
      'proc base.lb, Iceberg schema, differs',
    ])
    expect(await compareChanged('dm.csv', '01-701-1015', '01-701-9999')).toEqual(
      expect.arrayContaining([
        expect.stringContaining('proc keys.patient, pyiceberg'),
        expect.stringContaining('column patient_key'),
        expect.stringContaining('proc base.lb, join with base.dm'),
      ]),
    )
  })
})
