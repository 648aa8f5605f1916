import { baseFields } from '../keys/base-fields.ts'
import { entitiesOf } from '../keys/entities.ts'
import { baseContentKey } from '../pipeline/content-key.ts'
import { contentKeyProperty } from '../pipeline/table-properties.ts'
import type { GateProblem } from './codes.ts'
import { compareColumns } from './compare-columns.ts'
import { countRows, findTable, type VersionView } from './view.ts'

/** Each base table against its raw one: the same rows, the same columns and behind them one key for each entity. */
export function checkBase(view: VersionView): GateProblem[] {
  const { record, tables } = view
  const problems: GateProblem[] = []
  for (const base of tables.filter(({ layer }) => layer === 'base')) {
    const raw = findTable(view, 'raw', base.dataset)
    if (!raw) {
      problems.push({ code: 'base-without-raw', table: base.name, message: `there is no raw.${base.dataset}` })
      continue
    }
    const [expected, found] = [countRows(raw), countRows(base)]
    if (expected !== found) {
      problems.push({
        code: 'base-rows',
        table: base.name,
        message: 'has other rows than raw',
        expected: `${expected}`,
        found: `${found}`,
      })
    }
    if (!record) continue
    const own = entitiesOf(raw, record.entities)
    const keyHashes = record.datasets.find(({ dataset }) => dataset === base.dataset)?.keyHashes
    const content = baseContentKey(raw.metadata.properties?.[contentKeyProperty] ?? '', own, keyHashes)
    if (base.metadata.properties?.[contentKeyProperty] !== content) {
      problems.push({ code: 'base-content', table: base.name, message: `is not made of raw.${base.dataset} as it is` })
    }
    const columns = baseFields(raw.fields, own)
    const subject = 'the base table, compared with raw and its keys,'
    problems.push(
      ...compareColumns({
        expected: columns,
        found: base.fields,
        code: 'base',
        table: base.name,
        subject,
        labels: true,
      }),
    )
  }
  return problems
}
