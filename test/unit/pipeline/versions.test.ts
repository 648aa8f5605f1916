import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Queues } from '../../../lib/environment.ts'
import { parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { tablePath } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { readKeys } from '../../support/read-keys.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'

const study = 'versions'
let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())
beforeEach(() => test.reset())

async function load(version: string, files: Record<string, string>) {
  await test.upload({ study, version, files })
  await test.drain()
  return test.readReport(study, version)
}
const headOf = async (branch: string) => (await test.environment.lakefs.getBranch(study, branch))?.commitId
const pathsOf = async (ref: string) =>
  [...(await test.readRef(study, ref)).keys()].filter(path => path.startsWith('tables/'))

/** The keys of an entity at a ref, by natural key. */
async function keysAt(ref: string, entity: string): Promise<Map<string, number>> {
  const text = (await test.readRef(study, ref)).get(tablePath('keys', entity))
  return readKeys(test.lake, text === undefined ? undefined : parseTableMetadata(text))
}

describe('a version', () => {
  it('is one commit of raw, base and key tables, with a report', async () => {
    const report = await load('v1', smallStudy)
    expect(report).toMatchObject({
      status: 'committed',
      commit: await headOf('v1'),
      problems: [],
      waitingFor: [],
      datasets: [
        { dataset: 'dm', rowsIn: 3, rowsOut: 3, rowsRejected: 0, nullKeys: {} },
        { dataset: 'sv', rowsIn: 4, rowsOut: 4, nullKeys: { visit: 1 } },
        { dataset: 'ae', rowsIn: 2, rowsOut: 2 },
      ],
      entities: [
        { entity: 'patient', distinct: 4, new: 4 },
        { entity: 'visit', distinct: 3, new: 3 },
        { entity: 'site', distinct: 2, new: 2 },
      ],
    })
    expect(await pathsOf('v1@')).toEqual(
      ['base', 'keys', 'raw'].flatMap(layer =>
        (layer === 'keys' ? ['patient', 'site', 'visit'] : ['ae', 'dm', 'sv']).map(
          name => `tables/${layer}/${name}.json`,
        ),
      ),
    )
    expect(await test.listBranches(study)).toEqual(['keys', 'main', 'v1'])
    expect(await pathsOf('main@')).toEqual([])
  })

  it('that comes again unchanged makes no commit', async () => {
    await load('v1', smallStudy)
    const before = await headOf('v1')
    test.clock.advance(3600)
    expect(await load('v1', smallStudy)).toMatchObject({ status: 'committed', commit: before })
    expect(await headOf('v1')).toBe(before)
  })

  it('that comes again with a changed file changes that table and no other', async () => {
    await load('v1', smallStudy)
    const before = await test.readRef(study, 'v1@')
    test.clock.advance(3600)
    await load('v1', { 'dm.csv': `${smallStudy['dm.csv']}P9,S1,50\n` })
    const after = await test.readRef(study, 'v1@')
    const changed = [...after].filter(([path, text]) => before.get(path) !== text).map(([path]) => path)
    expect(changed).toEqual([
      'study/version.json',
      'tables/base/dm.json',
      'tables/keys/patient.json',
      'tables/raw/dm.json',
    ])
    expect(await keysAt('v1@', 'patient')).toEqual(
      new Map([...['P1', 'P2', 'P3', 'P4', 'P9'].entries()].map(([at, name]) => [name, at + 1])),
    )
  })

  it('loses the tables of datasets that are declared no more', async () => {
    await load('v1', smallStudy)
    const { 'ae.csv': _, ...rest } = smallStudy
    test.landing.objects.delete(`${study}/v1/ae.csv`)
    await load('v1', { ...rest, 'contents.csv': smallStudyNext['contents.csv']! })
    expect(await pathsOf('v1@')).not.toContain('tables/raw/ae.json')
    expect(await pathsOf('v1@')).not.toContain('tables/base/ae.json')
    expect((await keysAt('v1@', 'patient')).get('P4')).toBe(4)
  })

  it('goes there and back within minutes, and stands at the last of its uploads', async () => {
    await load('v1', smallStudy)
    const changed = { 'dm.csv': 'USUBJID,SITEID,AGE\nP1,S1,62\n' }
    // The first change is stopped before its keys are assigned; then the files are as they were; then changed again.
    await test.upload({ study, version: 'v1', files: changed })
    while (!(await test.step('keys')))
      for (const source of ['landing', 'convert', 'register'] as const) while (await test.step(source));
    await test.upload({ study, version: 'v1', files: { 'dm.csv': 'USUBJID,SITEID,AGE\nP1,S1,63\n' } })
    for (const source of ['landing', 'convert', 'register'] as const) while (await test.step(source));
    await test.upload({ study, version: 'v1', files: changed })
    await test.drain()
    expect((await test.readRef(study, 'v1@')).get('study/version.json')).toContain('"rowsOut": 1')
    const record = JSON.parse((await test.readRef(study, 'v1@')).get('study/version.json')!) as {
      datasets: { etag: string; dataset: string }[]
    }
    const landed = test.landing.objects.get(`${study}/v1/dm.csv`)!.info
    expect(record.datasets.find(({ dataset }) => dataset === 'dm')!.etag).toBe(landed.etag)
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed', commit: await headOf('v1') })
  })
})

describe('versions of a study', () => {
  it('share their keys, and each carries the map as it was', async () => {
    await load('v1', smallStudy)
    const first = await keysAt('v1@', 'patient')
    expect(await load('v2', smallStudyNext)).toMatchObject({
      entities: [
        { entity: 'patient', distinct: 3, new: 1 },
        { entity: 'visit', distinct: 2, new: 1 },
        { entity: 'site', distinct: 3, new: 1 },
      ],
    })
    const second = await keysAt('v2@', 'patient')
    expect([...second].slice(0, first.size)).toEqual([...first])
    expect(second.get('P5')).toBe(5)
    expect(await keysAt('v1@', 'patient')).toEqual(first)
    expect(await keysAt('keys@', 'patient')).toEqual(second)
    // What was gone comes back as what it was.
    await load('v3', smallStudy)
    expect((await keysAt('v3@', 'patient')).get('P2')).toBe(2)
    expect(await pathsOf('v2@')).not.toContain('tables/raw/ae.json')
  })

  it('end the same in any order of their messages, but for which of them got the lower numbers', async () => {
    const sources: (keyof Queues)[] = ['landing', 'convert', 'register', 'keys', 'addKeys', 'commit']
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 200, maxLength: 200 }), async choices => {
        await test.reset()
        let turn = 0
        await test.upload({ study, version: 'v1', files: smallStudy })
        await test.upload({ study, version: 'v2', files: smallStudyNext })
        await test.drain({
          pick: among => among[choices[turn++ % choices.length]! % among.length] ?? sources[0]!,
        })
        const maps = await Promise.all(['v1@', 'v2@', 'keys@'].map(ref => keysAt(ref, 'patient')))
        const all = maps[2]!
        expect([...all.keys()].sort()).toEqual(['P1', 'P2', 'P3', 'P4', 'P5'])
        expect(new Set(all.values()).size).toBe(all.size)
        for (const map of maps.slice(0, 2)) for (const [name, key] of map) expect(all.get(name)).toBe(key)
        for (const version of ['v1', 'v2']) expect((await test.readReport(study, version))?.status).toBe('committed')
      }),
      { numRuns: 3, seed: 7 },
    )
  })
})

describe('promotion', () => {
  const options = { 'study.json': JSON.stringify({ promote: true }) }
  const promoting = async () => {
    await test.landing.put(`${study}/study.json`, new TextEncoder().encode(options['study.json']))
  }

  it('makes main what the version is, also where datasets are gone', async () => {
    await promoting()
    expect(await load('v1', smallStudy)).toMatchObject({ promoted: true })
    await load('v2', smallStudyNext)
    const [main, version] = [await test.readRef(study, 'main@'), await test.readRef(study, 'v2@')]
    expect(main).toEqual(version)
  })

  it('is not undone by a late message of an older version', async () => {
    await promoting()
    await load('v1', smallStudy)
    await load('v2', smallStudyNext)
    const before = await headOf('main')
    await test.queues.landing.send([{ body: JSON.stringify({ rescan: { study, version: 'v1', cause: 'late' } }) }])
    await test.drain()
    expect(await headOf('main')).toBe(before)
  })

  it('keeps the newer of two key maps', async () => {
    await load('v1', smallStudy)
    await promoting()
    await load('v2', smallStudyNext)
    // Only now is the older version loaded for promotion; its map is the longer one's beginning.
    const maps = await keysAt('main@', 'patient')
    expect(maps).toEqual(await keysAt('keys@', 'patient'))
    await load('v1', smallStudy)
    expect(await keysAt('main@', 'patient')).toEqual(await keysAt('keys@', 'patient'))
    expect(await pathsOf('main@')).toContain('tables/raw/ae.json')
  })

  it('does not disturb a version that is called promote', async () => {
    await promoting()
    await test.upload({ study, version: 'promote', files: smallStudy })
    await test.upload({ study, version: 'v2', files: smallStudyNext })
    const seen: string[] = []
    await test.drain({ between: source => void seen.push(source) })
    for (const version of ['promote', 'v2'])
      expect(await test.readReport(study, version)).toMatchObject({ promoted: true })
    expect(test.logged.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('entities', () => {
  const withOptions = (value: unknown, files: Record<string, string>) => {
    test.landing.objects.delete(`${study}/study.json`)
    return test.landing
      .put(`${study}/study.json`, new TextEncoder().encode(JSON.stringify(value)))
      .then(() => load('v1', files))
  }

  it('a natural key cannot change once keys are assigned', async () => {
    await load('v0', smallStudy)
    const report = await withOptions({ entities: { patient: { naturalKey: ['USUBJID', 'SITEID'] } } }, smallStudy)
    expect(report).toMatchObject({ status: 'rejected', problems: [{ code: 'natural-key-changed' }] })
    expect(await headOf('v1')).toBeUndefined()
    expect((await test.listBranches(study)).filter(name => name.startsWith('_v1'))).toEqual([])
  })

  it('a type that cannot be compared is rejected, and judged again when it is mended', async () => {
    await load('v0', smallStudy)
    const contents = smallStudy['contents.csv']!.replace('sv,VISITNUM,double', 'sv,VISITNUM,string')
    expect(await load('v1', { ...smallStudy, 'contents.csv': contents })).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'natural-key-type', file: `${study}/v1/sv.csv`.split('/').at(-1) }],
    })
    expect(await load('v1', smallStudy)).toMatchObject({ status: 'committed' })
  })

  it('a required natural key with a null part is rejected with its place', async () => {
    const entities = { visit: { naturalKey: ['USUBJID', 'VISITNUM'], required: true } }
    expect(await withOptions({ entities }, smallStudy)).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'key-missing', file: 'sv.csv', row: 4, column: 'USUBJID, VISITNUM' }],
    })
  })

  it('one that no dataset has is a warning', async () => {
    const report = await withOptions({ entities: { patient: { naturalKey: ['SUBJID'] } } }, smallStudy)
    expect(report).toMatchObject({ status: 'committed', warnings: [{ code: 'entity-unused' }], entities: [] })
  })

  it('without any, base is raw', async () => {
    const report = await withOptions({ entities: {} }, smallStudy)
    expect(report).toMatchObject({ status: 'committed', entities: [] })
    expect((await pathsOf('v1@')).filter(path => path.startsWith('tables/keys/'))).toEqual([])
    expect([...test.lake.objects.keys()].filter(key => /^data\/versions\/base\/.*parquet$/.test(key))).toEqual([])
  })
})
