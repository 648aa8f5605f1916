import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'

const sample = resolve(import.meta.dirname, '..', '..', '..', 'sample')

const readAll = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.csv'))
      .sort()
      .map(name => [name, readFileSync(join(folder, name), 'utf8')]),
  )
const rowsOf = (files: Map<string, string>, name: string): Record<string, string>[] =>
  parse(files.get(join(...name.split('/')))!, { columns: true })

test('the script makes exactly the files that are in the repository', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sample-'))
  try {
    execFileSync(process.execPath, [join(sample, 'make-sample.ts'), folder])
    expect(readAll(folder)).toEqual(readAll(sample))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('v4 is all of it; v1 lacks datasets, v2 columns, v3 rows; v5 has one other value', () => {
  const files = readAll(sample)
  expect(rowsOf(files, 'ilms/v1/patients.csv')).toEqual(rowsOf(files, 'ilms/v4/patients.csv'))
  expect([...files.keys()].filter(name => name.startsWith(join('ilms', 'v1')))).toHaveLength(3)
  const fewer = Object.keys(rowsOf(files, 'ilms/v2/lab_results.csv')[0]!)
  const all = rowsOf(files, 'ilms/v4/lab_results.csv')
  expect(Object.keys(all[0]!).slice(0, fewer.length)).toEqual(fewer)
  expect(fewer.length).toBeLessThan(Object.keys(all[0]!).length)
  const some = rowsOf(files, 'ilms/v3/lab_results.csv')
  expect(all).toEqual(expect.arrayContaining(some))
  expect(some.length).toBeLessThan(all.length)
  const broken = rowsOf(files, 'ilms-broken/v5/lab_results.csv')
  const different = broken.flatMap((row, index) => (row.RESULT === all[index]!.RESULT ? [] : [[index + 1, row.RESULT]]))
  expect(different).toEqual([[137, '7,4']])
})
