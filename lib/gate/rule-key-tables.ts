import { entitiesOf } from '../keys/entities.ts'
import { firstVersionColumn, keyColumn } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import { hasTable, type VersionView } from './view.ts'

/** Every entity whose key a base table carries has its key table. */
function findMissing(view: VersionView): GateProblem[] {
  const bases = view.tables.filter(({ layer }) => layer === 'base')
  return (view.record?.entities ?? [])
    .filter(({ name }) => !hasTable(view, 'keys', name))
    .filter(entity => bases.some(base => entitiesOf(base, [entity]).length > 0))
    .map(({ name }) => ({
      code: 'key-table-missing',
      table: `keys.${name}`,
      message: 'base tables carry its keys and there is no such table',
    }))
}

/**
 * Every key table is there and has the columns of one: the natural key, the surrogate key, the version that brought it; none of them is ever null.
 */
export function checkKeyTables(view: VersionView): GateProblem[] {
  const { tables, record } = view
  const odd = tables
    .filter(({ layer }) => layer === 'keys')
    .flatMap(({ dataset, name, fields }): GateProblem[] => {
      const naturalKey = record?.entities.find(entity => entity.name === dataset)?.naturalKey
      const [key, version] = fields.slice(-2)
      const named = fields.slice(0, -2).map(field => field.name.toLowerCase())
      const lawful =
        fields.length > 2 &&
        key!.name === keyColumn(dataset) &&
        key!.type.kind === 'bigint' &&
        version!.name === firstVersionColumn &&
        version!.type.kind === 'string' &&
        fields.every(({ nullable }) => !nullable) &&
        (!naturalKey || named.join() === naturalKey.map(column => column.toLowerCase()).join())
      if (lawful) return []
      const expected = [...(naturalKey ?? ['…']), keyColumn(dataset), firstVersionColumn].join(', ')
      const found = fields.map(field => field.name).join(', ')
      const message = 'has other columns than a key table, or one of another type, or one that may be null'
      return [{ code: 'key-table-columns', table: name, message, expected, found }]
    })
  return [...findMissing(view), ...odd]
}
