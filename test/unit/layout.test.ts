import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  address,
  allocationBranch,
  datasetRule,
  fits,
  keyOfAddress,
  landingKey,
  layers,
  misplacedReportKey,
  naturalKeysKey,
  parseLandingKey,
  parseSqlBranch,
  parseTablePath,
  runBranch,
  sqlBranch,
  studyRule,
  tablePath,
  versionRule,
} from '../../lib/layout.ts'

const study = fc.stringMatching(/^[a-z0-9][a-z0-9-]{2,62}$/)
const version = fc.stringMatching(/^v[-a-z0-9_]{0,20}$/)
const dataset = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/).filter(name => name !== 'contents')

describe('names', () => {
  it.each(['abc', '0-1', 'a'.repeat(63)])('%s is a study', name => expect(fits(studyRule, name)).toBe(true))
  it.each(['ab', 'Abc', 'a_b', '-ab', 'a.b', 'a'.repeat(64), ''])('%s is no study', name =>
    expect(fits(studyRule, name)).toBe(false),
  )
  it.each(['v1', '2026-01-02', 'v_1', 'mainline', 'keys2', 'a'.repeat(63)])('%s is a version', name =>
    expect(fits(versionRule, name)).toBe(true),
  )
  it.each(['main', 'keys', 'V1', 'v1.0', '_v1', '-v', 'a/b', '0'.repeat(64), ''])('%s is no version', name =>
    expect(fits(versionRule, name)).toBe(false),
  )
  it.each(['dm', 'a1', 'adverse_events'])('%s is a dataset', name => expect(fits(datasetRule, name)).toBe(true))
  it.each(['1dm', 'DM', '_dm', 'd-m', 'd.m', ''])('%s is no dataset', name =>
    expect(fits(datasetRule, name)).toBe(false),
  )
})

describe('landing keys', () => {
  it('are read as they are made', () => {
    fc.assert(
      fc.property(study, version, dataset, (of, at, name) => {
        expect(parseLandingKey(landingKey(of, at, `${name}.csv`))).toEqual({
          kind: 'dataset',
          study: of,
          version: at,
          file: `${name}.csv`,
          dataset: name,
        })
        expect(parseLandingKey(`${of}/study.json`)).toEqual({ kind: 'study', study: of })
      }),
    )
  })

  it('never throw, and say why a file is not loaded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), key => {
        const parsed = parseLandingKey(key)
        if (parsed.kind === 'misplaced') expect(parsed.reason.length).toBeGreaterThan(10)
      }),
    )
  })

  it.each([
    ['s01/v1/contents.csv', { kind: 'contents', study: 's01', version: 'v1' }],
    ['s01/v1/DM.CSV', { kind: 'dataset', dataset: 'dm', file: 'DM.CSV' }],
    ['s01/v1/_report.json', { kind: 'ignored' }],
    ['s01/v1/', { kind: 'ignored' }],
    ['s01/v1/readme.txt', { kind: 'misplaced', reason: 'only .csv files are loaded' }],
    ['s01/v1/Contents.csv', { kind: 'misplaced', reason: expect.stringContaining('lower case') }],
    ['s01/v1/1dm.csv', { kind: 'misplaced', reason: datasetRule.rule }],
    ['s01/v1/old/dm.csv', { kind: 'misplaced', folder: 's01/v1/old', file: 'dm.csv' }],
    ['s01/dm.csv', { kind: 'misplaced', folder: 's01' }],
    ['dm.csv', { kind: 'misplaced', folder: '', file: 'dm.csv' }],
    ['S01/v1/dm.csv', { kind: 'misplaced', reason: studyRule.rule }],
    ['S01/study.json', { kind: 'misplaced', reason: studyRule.rule }],
    ['s01/main/dm.csv', { kind: 'misplaced', reason: versionRule.rule }],
    ['s01/v1/study.json', { kind: 'misplaced' }],
  ])('%s', (key, expected) => expect(parseLandingKey(key)).toMatchObject(expected))

  it('reports on misplaced files lie beside them, and are ignored', () => {
    expect(misplacedReportKey('a/b')).toBe('a/b/_report.json')
    expect(parseLandingKey(misplacedReportKey(''))).toEqual({ kind: 'ignored' })
  })
})

describe('the lake', () => {
  it('addresses are read as they are made, in their bucket only', () => {
    expect(keyOfAddress('lake', address('lake', 'a/b?c#d e'))).toBe('a/b?c#d e')
    expect(keyOfAddress('lake', 's3a://lake/x')).toBe('x')
    expect(keyOfAddress('lake', 's3://lake2/x')).toBeUndefined()
    expect(keyOfAddress('lake', 'file:///lake/x')).toBeUndefined()
  })

  it('files of one conversion lie side by side', () => {
    expect(naturalKeysKey('s01', 'dm', 'abc', 'patient')).toBe('data/s01/raw/dm/abc.patient.keys.parquet')
  })
})

describe('the repository', () => {
  it('table paths are read as they are made', () => {
    fc.assert(
      fc.property(fc.constantFrom(...layers), dataset, (layer, name) => {
        expect(parseTablePath(tablePath(layer, name))).toEqual({ layer, dataset: name })
      }),
    )
    expect(parseTablePath('tables/gold/dm.json')).toBeUndefined()
    expect(parseTablePath('tables/raw/old/dm.json')).toBeUndefined()
    expect(parseTablePath('tables/raw/dm.json.bak')).toBeUndefined()
  })

  it('the hidden branch of a SQL commit says since when it is there, and no run is taken for one', () => {
    const suffix = fc.stringMatching(/^[0-9a-f]{8}$/)
    const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(time, suffix, (at, random) => {
        expect(parseSqlBranch(sqlBranch(at, random))).toEqual(at)
        const version = sqlBranch(at, random).slice(1)
        expect(fits(versionRule, version)).toBe(true)
        expect(parseSqlBranch(runBranch(version, '0123456789ab'))).toBeUndefined()
      }),
    )
    expect(parseSqlBranch(runBranch('sql', '0123456789ab'))).toBeUndefined()
    expect(parseSqlBranch(runBranch('sql-k', '0123456789ab'))).toBeUndefined()
    expect(parseSqlBranch('_sql-zzzzzzzzzzz-01234567')).toBeUndefined()
  })

  it('no hidden branch has the name of a version, and allocations are told from runs', () => {
    fc.assert(
      fc.property(version, of => {
        expect(fits(versionRule, runBranch(of, '0123456789ab'))).toBe(false)
        expect(runBranch(of, '').startsWith(allocationBranch(''))).toBe(false)
      }),
    )
  })
})
