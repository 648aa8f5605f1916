import type { Problem } from '../errors.ts'
import { contentKeyProperty } from '../pipeline/table-properties.ts'
import { countRows, findTable, type VersionView } from './view.ts'

/** `study/version.json` against what is there: the datasets it names, their files, their rows. */
export function checkRecord(view: VersionView): Problem[] {
  const { record, contents, tables } = view
  if (!record) return contents ? [{ code: 'record-missing', message: 'there is no study/version.json' }] : []
  const problems: Problem[] = []
  if (record.study !== view.study) {
    problems.push({
      code: 'record-study',
      message: 'study/version.json is of another study',
      expected: view.study,
      found: record.study,
    })
  }
  for (const { dataset, contentKey, rowsIn, rowsOut, rowsRejected } of record.datasets) {
    const table = `raw.${dataset}`
    const raw = findTable(view, 'raw', dataset)
    if (rowsIn !== rowsOut + rowsRejected) {
      const message = 'rows in are not rows out and rows rejected'
      problems.push({ code: 'record-rows', table, message, expected: `${rowsIn}`, found: `${rowsOut + rowsRejected}` })
    }
    if (!raw) {
      problems.push({
        code: 'record-dataset-missing',
        table,
        message: 'study/version.json names it and there is no such table',
      })
      continue
    }
    if (raw.metadata.properties?.[contentKeyProperty] !== contentKey) {
      problems.push({
        code: 'record-content',
        table,
        message: 'is not made of the content that study/version.json names',
      })
    }
    if (countRows(raw) !== rowsOut) {
      const message = 'has other rows than study/version.json'
      problems.push({ code: 'record-rows', table, message, expected: `${rowsOut}`, found: `${countRows(raw)}` })
    }
  }
  const recorded = new Set(record.datasets.map(({ dataset }) => dataset))
  for (const { layer, dataset, name } of tables) {
    if (layer === 'raw' && !recorded.has(dataset)) {
      problems.push({ code: 'record-table-missing', table: name, message: 'study/version.json does not name it' })
    }
  }
  return problems
}
