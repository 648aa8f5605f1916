import { deliveredLayers } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import { compareColumns } from './compare-columns.ts'
import { findTable, hasTable, type VersionView } from './view.ts'

/** The declared contents against the raw tables: every declared dataset is there, nothing else is, column by column. */
export function checkDeclared(view: VersionView): GateProblem[] {
  const { contents, tables } = view
  const delivered = tables.filter(({ layer }) => deliveredLayers.includes(layer))
  if (!contents) {
    return delivered.map(({ name }) => ({
      code: 'contents-missing',
      table: name,
      message: 'there is no study/contents.json that declares it',
    }))
  }
  const problems: GateProblem[] = []
  for (const { name: dataset, fields } of contents.datasets) {
    const raw = findTable(view, 'raw', dataset)
    if (!hasTable(view, 'raw', dataset))
      problems.push({
        code: 'contents-table-missing',
        table: `raw.${dataset}`,
        message: 'is declared and there is no such table',
      })
    else if (raw) {
      const subject = 'the table, compared with the contents file,'
      problems.push(
        ...compareColumns({
          expected: fields,
          found: raw.fields,
          code: 'contents',
          table: raw.name,
          subject,
          labels: true,
        }),
      )
    }
    if (!hasTable(view, 'base', dataset)) {
      problems.push({
        code: 'contents-table-missing',
        table: `base.${dataset}`,
        message: 'is declared and there is no such table',
      })
    }
  }
  const declared = new Set(contents.datasets.map(({ name }) => name))
  for (const { dataset, name } of delivered) {
    if (!declared.has(dataset))
      problems.push({ code: 'contents-table-undeclared', table: name, message: 'no contents file declares it' })
  }
  return problems
}
