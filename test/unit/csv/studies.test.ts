import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parse as parseWhole } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { parseContents } from '../../../lib/contents/parse.ts'
import type { Field } from '../../../lib/fields.ts'
import { decodeAll } from './support.ts'

// Versions of real studies anywhere below the folder: …/v1/dm.csv beside …/v1/contents.csv.
const folder = process.env.STUDYLAKE_STUDIES
const versions = folder
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(path => basename(path) === 'contents.csv')
      .map(path => dirname(path))
      .sort()
  : []

function readCell(cell: string, { type }: Field): unknown {
  if (cell === '') return null
  return type.kind === 'double' ? Number(cell) : cell
}

const cases = versions.length > 0 ? versions : ['a study (STUDYLAKE_STUDIES names no folder of studies)']

describe.skipIf(versions.length === 0)('the studies at STUDYLAKE_STUDIES', () => {
  test.each(cases)('%s is decoded whole, cell by cell as csv-parse has it', async version => {
    const path = (file: string): string => join(folder!, version, file)
    const { datasets } = parseContents(readFileSync(path('contents.csv')), { file: 'contents.csv' })
    expect(datasets.length).toBeGreaterThan(0)
    for (const { name, fields } of datasets) {
      const file = `${name}.csv`
      const { rows, result } = await decodeAll(createReadStream(path(file)), { fields, file })
      expect(result.problems).toEqual([])
      const expected: Record<string, string>[] = parseWhole(readFileSync(path(file)), { columns: true, bom: true })
      expect(rows).toEqual(expected.map(record => fields.map(field => readCell(record[field.name]!, field))))
    }
  })
})
