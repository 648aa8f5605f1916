/**
 * Writes the sample study, beside this file or into the folder that is named: `npm run sample`. The same seed gives the same bytes, so that a second run leaves git clean.
 *
 * v4 is the study as a whole. v1 lacks datasets, v2 lacks columns, v3 lacks rows: what happens to real studies between deliveries.
 * v1 and v2 declare their fields in SAS's PROC CONTENTS dialect, v3 and v4 in the plain one. v5, in a folder of its own, is v4 with
 * one value that does not fit. All people, places and numbers are invented.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Dataset, datasets } from './datasets.ts'
import { makeRows, type Row } from './rows.ts'

const folder = process.argv[2] ?? import.meta.dirname
const seed = 20_140_102

/** One value as CSV (RFC 4180): quoted only where it must be. */
const quote = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
const toCsv = (lines: string[][]): string => lines.map(line => `${line.map(quote).join(',')}\n`).join('')

const dataFile = ({ columns }: Dataset, rows: Row[]): string =>
  toCsv([columns.map(({ name }) => name), ...rows.map(row => columns.map(({ name }) => row[name] ?? ''))])

function procContents(chosen: Dataset[]): string {
  const lines = chosen.flatMap(({ name, columns }) =>
    columns.map((column, index) => [
      name.toUpperCase(),
      column.name,
      column.type === 'string' ? '2' : '1',
      String(column.type === 'string' ? column.length : 8),
      String(index + 1),
      column.label,
      column.format ?? (column.type === 'bigint' ? '8.' : ''),
    ]),
  )
  return toCsv([['MEMNAME', 'NAME', 'TYPE', 'LENGTH', 'VARNUM', 'LABEL', 'FORMAT'], ...lines])
}

function plainContents(chosen: Dataset[]): string {
  const lines = chosen.flatMap(({ name, columns }) =>
    columns.map(column => [name, column.name, column.type, column.label, column.format ?? '']),
  )
  return toCsv([['dataset', 'field', 'type', 'label', 'format'], ...lines])
}

async function writeVersion(path: string, files: Map<string, string>): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await mkdir(path, { recursive: true })
  for (const [name, text] of files) await writeFile(join(path, name), text)
}

function makeVersion(chosen: Dataset[], rows: Map<string, Row[]>, contents: (chosen: Dataset[]) => string) {
  const files = new Map([['contents.csv', contents(chosen)]])
  for (const dataset of chosen) files.set(`${dataset.name}.csv`, dataFile(dataset, rows.get(dataset.name)!))
  return files
}

const all = makeRows(seed)
const inAllVersions = ['locations', 'patients']
const fewerDatasets = datasets.filter(({ name }) => inAllVersions.includes(name))
const fewerColumns = datasets.map(({ name, columns }) => ({ name, columns: columns.filter(({ late }) => !late) }))

const enrolled = new Set(
  all
    .get('patients')!
    .slice(0, 24)
    .map(row => row.PATIENT_ID),
)
const fewerRows = new Map(
  [...all].map(([name, rows]) => [
    name,
    rows.filter(row => row.PATIENT_ID === undefined || enrolled.has(row.PATIENT_ID)),
  ]),
)

// A decimal comma, as a spreadsheet in another language leaves it behind: the most ordinary of accidents.
const wrong = new Map(all)
wrong.set(
  'lab_results',
  all.get('lab_results')!.map((row, index) => (index === 136 ? { ...row, RESULT: '7,4' } : row)),
)

await writeVersion(join(folder, 'ilms', 'v1'), makeVersion(fewerDatasets, all, procContents))
await writeVersion(join(folder, 'ilms', 'v2'), makeVersion(fewerColumns, all, procContents))
await writeVersion(join(folder, 'ilms', 'v3'), makeVersion(datasets, fewerRows, plainContents))
await writeVersion(join(folder, 'ilms', 'v4'), makeVersion(datasets, all, plainContents))
await writeVersion(join(folder, 'ilms-broken', 'v5'), makeVersion(datasets, wrong, plainContents))
