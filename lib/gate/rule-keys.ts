import { isNull } from '../columns.ts'
import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import type { Field } from '../fields.ts'
import { entitiesOf } from '../keys/entities.ts'
import { readNaturalKeys } from '../keys/natural-key.ts'
import { keyColumn, keyOfAddress } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { readColumns } from '../parquet/read.ts'
import type { StudyView, TableView } from './view.ts'

/** Tables read at once, at most. */
const readsAtOnce = 4

async function* readTableColumns({ lake }: Pick<Environment, 'lake'>, { files }: TableView, fields: Field[]) {
  for (const { address, bytes } of files) {
    const key = keyOfAddress(lake.bucket, address)
    if (key !== undefined) yield* readColumns(lake, key, { fields, size: bytes })
  }
}

/** The keys of one key table. Problems where a key or a natural key stands in it twice. */
async function readKeySet(
  environment: Pick<Environment, 'lake'>,
  table: TableView,
  problems: Problem[],
): Promise<Set<bigint>> {
  const keys = new Set<bigint>()
  const naturalKeys = new Set<string>()
  const twice = { key: 0, natural: 0 }
  const types = table.fields.slice(0, -2).map(({ type }) => type)
  for await (const { rows, columns } of readTableColumns(environment, table, table.fields.slice(0, -1))) {
    const numbers = columns.at(-1)!
    const naturalKey = readNaturalKeys({ rows, columns: columns.slice(0, -1) }, types)
    for (let row = 0; row < rows; row++) {
      const key = numbers.kind === 'int64' ? numbers.values[row]! : -1n
      const text = naturalKey(row) ?? ''
      if (keys.has(key)) twice.key++
      if (naturalKeys.has(text)) twice.natural++
      keys.add(key)
      naturalKeys.add(text)
    }
  }
  const say = (code: string, message: string, count: number) => {
    if (count > 0) problems.push({ code, table: table.name, message, found: `${count}`, expected: '0' })
  }
  say('key-duplicate', 'rows repeat a surrogate key', twice.key)
  say('natural-key-duplicate', 'rows repeat a natural key', twice.natural)
  return keys
}

async function checkBaseKeys(
  environment: Pick<Environment, 'lake'>,
  base: TableView,
  keySets: Map<string, Set<bigint>>,
): Promise<Problem[]> {
  const fields = base.fields.filter(({ name }) => keySets.has(name))
  if (fields.length === 0) return []
  const unknown = new Map<string, number>()
  for await (const { rows, columns } of readTableColumns(environment, base, fields)) {
    columns.forEach((column, at) => {
      const { name } = fields[at]!
      const known = keySets.get(name)!
      if (column.kind !== 'int64') return
      for (let row = 0; row < rows; row++) {
        if (!isNull(column, row) && !known.has(column.values[row]!)) unknown.set(name, (unknown.get(name) ?? 0) + 1)
      }
    })
  }
  return [...unknown].map(([column, count]) => ({
    code: 'key-unknown',
    table: base.name,
    column,
    message: 'rows hold a key that the key table does not know',
    expected: '0',
    found: `${count}`,
  }))
}

/** Every entity whose key a base table carries has its key table. */
function findMissingKeyTables({ record, tables }: StudyView, keySets: Map<string, Set<bigint>>): Problem[] {
  const bases = tables.filter(({ layer }) => layer === 'base')
  return (record?.entities ?? [])
    .filter(({ name }) => !keySets.has(keyColumn(name)))
    .filter(entity => bases.some(base => entitiesOf(base, [entity]).length > 0))
    .map(({ name }) => ({
      code: 'key-table-missing',
      table: `keys.${name}`,
      message: 'base tables carry its keys and there is no such table',
    }))
}

/** Key tables: no key twice, no natural key twice. Base tables: every key stands in its key table. */
export async function checkKeys(environment: Pick<Environment, 'lake'>, view: StudyView): Promise<Problem[]> {
  const problems: Problem[] = []
  const keySets = new Map<string, Set<bigint>>()
  for (const table of view.tables.filter(({ layer }) => layer === 'keys')) {
    keySets.set(keyColumn(table.dataset), await readKeySet(environment, table, problems))
  }
  problems.push(...findMissingKeyTables(view, keySets))
  const bases = view.tables.filter(({ layer }) => layer === 'base')
  const found = await mapConcurrently(bases, readsAtOnce, base => checkBaseKeys(environment, base, keySets))
  return [...problems, ...found.flat()]
}
