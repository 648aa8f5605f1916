import { parseTablePath } from '../layout.ts'
import { contentKeyProperty } from '../pipeline/table-properties.ts'
import type { GateProblem } from './codes.ts'
import { countRows, findTable, hasTable, type VersionView } from './view.ts'

/** `study/version.json` against what is there: the datasets it names, their files, their rows. */
export function checkRecord(view: VersionView): GateProblem[] {
  const { record, contents, listing } = view
  if (!record) return contents ? [{ code: 'record-missing', message: 'there is no study/version.json' }] : []
  const problems: GateProblem[] = []
  if (record.study !== view.study) {
    problems.push({
      code: 'record-study',
      message: 'study/version.json is of another study',
      expected: view.study,
      found: record.study,
    })
  }
  for (const { dataset, contentKey, columns, rowsIn, rowsOut, rowsRejected } of record.datasets) {
    const table = `raw.${dataset}`
    const raw = findTable(view, 'raw', dataset)
    if (rowsIn !== rowsOut + rowsRejected) {
      const message = 'rows in are not rows out and rows rejected'
      problems.push({ code: 'record-rows', table, message, expected: `${rowsIn}`, found: `${rowsOut + rowsRejected}` })
    }
    if (!hasTable(view, 'raw', dataset)) {
      problems.push({
        code: 'record-dataset-missing',
        table,
        message: 'study/version.json names it and there is no such table',
      })
      continue
    }
    if (!raw) continue
    if (raw.metadata.properties?.[contentKeyProperty] !== contentKey) {
      problems.push({
        code: 'record-content',
        table,
        message: 'is not made of the content that study/version.json names',
      })
    }
    if (raw.fields.length !== columns) {
      const difference = { expected: `${columns}`, found: `${raw.fields.length}` }
      problems.push({
        code: 'record-columns',
        table,
        message: 'has other columns than study/version.json counts',
        ...difference,
      })
    }
    if (countRows(raw) !== rowsOut) {
      const message = 'has other rows than study/version.json'
      problems.push({ code: 'record-rows', table, message, expected: `${rowsOut}`, found: `${countRows(raw)}` })
    }
  }
  const recorded = new Set(record.datasets.map(({ dataset }) => dataset))
  for (const path of listing.keys()) {
    const { layer, dataset = '' } = parseTablePath(path) ?? {}
    if (layer === 'raw' && !recorded.has(dataset)) {
      const message = 'study/version.json does not name it'
      problems.push({ code: 'record-table-missing', table: `raw.${dataset}`, message })
    }
  }
  return problems
}
