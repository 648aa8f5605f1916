import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSettings } from '../../infra/settings.ts'
import { readConfig } from '../../lib/config.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const namesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)

/** The rows below a heading, without those of a table's head and those that only part it. */
function readTable(text: string, heading: string): string[][] {
  const start = text.indexOf(`\n${heading}\n`)
  if (start < 0) throw new Error(`there is no heading "${heading}"`)
  const lines = text.slice(start + heading.length + 2).split('\n')
  const first = lines.findIndex(line => line.startsWith('| ---'))
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'))
  return lines
    .slice(first + 1, end)
    .map(line => line.slice(2, -2).split(' | '))
    .filter(([name]) => !name!.startsWith('**'))
}

const rows = readTable(read('README.md'), '## Configuration').map(([setting = '', variable = '', initial = '']) => ({
  settings: namesIn(setting),
  variables: namesIn(variable),
  initial,
}))

/** Every TypeScript file of a folder, as one text. */
const readFolder = (folder: string): string =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => read(join(folder, name)))
    .join('\n')

/** Those that are another program's, or pass between our own processes. */
const notOurs = ['PATH', 'JAVA_HOME', 'PYENV_ROOT', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'INIT_CWD', 'LAKEFS_OPTIONS']

const readFromProcess = (text: string): string[] =>
  [...text.matchAll(/\b(?:process\.env|variables)\.([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name!)

/** What a table lacks, and what it has that nothing reads. */
const compare = (listed: readonly string[], known: Iterable<string>) => ({
  missing: [...new Set(known)].filter(name => !listed.includes(name)),
  stale: listed.filter((name, index) => ![...known].includes(name) || listed.indexOf(name) !== index),
})
const inOrder = { missing: [], stale: [] }

const allSettings: string[] = []
const initialSettings = readSettings(name => {
  allSettings.push(name)
  return undefined
}) as unknown as Record<string, unknown>

describe('the table of the README', () => {
  test('has every setting of the deployment, and no other', () => {
    const listed = rows.flatMap(({ settings }) => settings)
    expect(compare(listed, allSettings)).toEqual(inOrder)
  })

  test('has every variable of functions, commands and the local stack, and no other', () => {
    const ofFunctions = [...read('lib/config.ts').matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)].map(([name]) => name)
    const ofPrograms = readFromProcess(readFolder('bin') + readFolder('infra')).filter(name => !notOurs.includes(name))
    const known = [...ofFunctions, ...ofPrograms].filter(name => !name.startsWith('LAKEFSACTION_'))
    const listed = rows.flatMap(({ variables }) => variables)
    expect(compare(listed, known)).toEqual(inOrder)
  })

  test('has the defaults of settings', () => {
    for (const { settings, initial } of rows) {
      for (const name of settings) {
        const value = initialSettings[name]
        if (value === undefined || Array.isArray(value)) continue
        expect([name, namesIn(initial)]).toEqual([name, [String(value)]])
      }
    }
  })

  test('has the defaults of variables', () => {
    const config = readConfig({ LANDING_BUCKET: 'landing', LAKE_BUCKET: 'lake' }, { sections: [] })
    const numbers = Object.entries(config).filter(([, value]) => typeof value === 'number')
    expect(numbers.length).toBeGreaterThan(5)
    for (const [name, value] of numbers) {
      const variable = name.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
      const row = rows.find(({ variables }) => variables.includes(variable))
      expect([variable, row?.initial]).toEqual([variable, `\`${value}\``])
    }
  })
})

test('the variables of the tests are those of CONTRIBUTING, and the other way round', () => {
  const used = [...readFolder('test').matchAll(/process\.env\.([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name!)
  const own = new Set(used.filter(name => name.startsWith('STUDYLAKE_')))
  // Set by our own scripts for the tests that they start.
  for (const name of ['STUDYLAKE_RECORD', 'STUDYLAKE_PYTHON']) own.delete(name)
  const table = readTable(read('CONTRIBUTING.md'), 'Environment variables of the tests:')
  const listed = table.flatMap(([names]) => namesIn(names!)).filter(name => name.startsWith('STUDYLAKE_'))
  expect(compare(listed, own)).toEqual(inOrder)
})
