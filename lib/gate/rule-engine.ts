import type { Engine, EngineNames } from '../engine/engine.ts'
import { engineSchema, engineTable, parseEngineTable } from '../engine/names.ts'
import { type EngineColumn, readEngineColumns } from '../engine/read-columns.ts'
import { engineType, isEngineType } from '../engine/types.ts'
import type { Environment } from '../environment.ts'
import { formatType } from '../fields.ts'
import { allocationBranch, keysBranch, type Layer, mainBranch, parseTablePath, runBranch } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import type { VersionTable, VersionView } from './view.ts'

/** The version that a ref is judged for, as the engine's schemas are named: what goes to `main` or `keys` is registered under that name. */
function versionFor(target: string, { record }: VersionView): string | undefined {
  const isRunOf = (prefix: string) => target.startsWith(prefix) && /^[0-9a-f]{12}$/.test(target.slice(prefix.length))
  if (target === mainBranch || isRunOf(runBranch(mainBranch, ''))) return mainBranch
  if (target === keysBranch || isRunOf(allocationBranch(''))) return keysBranch
  return record?.version
}

/** What the engine says of a table's columns against what the commit says. Names are compared without case, as engines do. */
function compareTable({ name: table, fields }: VersionTable, found: EngineColumn[], place: string): GateProblem[] {
  const problems: GateProblem[] = []
  const say = (code: GateProblem['code'], column: string, message: string, difference = {}) =>
    problems.push({ code, table, column, message: `${place} in the SQL engine ${message}`, ...difference })
  const byName = new Map(found.map(column => [column.name, column]))
  const expected = new Set<string>()
  for (const { name, type } of fields) {
    expected.add(name.toLowerCase())
    const column = byName.get(name.toLowerCase())
    if (!column) say('engine-column-missing', name, 'lacks the column')
    else if (!isEngineType(type, column.type))
      say('engine-type', name, `has another type for a column of type ${formatType(type)}`, {
        expected: engineType(type),
        found: column.type,
      })
  }
  const extra = found.filter(({ name }) => !expected.has(name))
  for (const { name } of extra) say('engine-column-extra', name, 'has a column that the table does not have')
  const at = fields.findIndex(({ name }, index) => found[index]?.name !== name.toLowerCase())
  if (at >= 0 && extra.length === 0 && found.length === fields.length)
    say('engine-order', fields[at]!.name, 'has its columns in another order', {
      expected: fields[at]!.name.toLowerCase(),
      found: found[at]!.name,
    })
  return problems
}

/** One schema of the engine against the tables of one or several layers. */
async function checkSchema(
  engine: Engine,
  { tables, scope }: VersionView,
  { schema, layers }: { schema: string; layers: Layer[] },
): Promise<GateProblem[]> {
  const { names } = engine
  const isHere = ({ layer }: { layer: Layer }) => layers.includes(layer)
  const here = new Map(tables.filter(isHere).map(table => [engineTable(names, table), table]))
  const scoped = scope && [...scope].flatMap(path => parseTablePath(path) ?? []).filter(isHere)
  const asked = scoped && [...new Set([...here.keys(), ...scoped.map(table => engineTable(names, table))])]
  if (asked?.length === 0) return []
  const problems: GateProblem[] = []
  for (const [name, columns] of await readEngineColumns(engine, { schema, tables: asked })) {
    const place = `${engine.catalog}.${schema}.${name}`
    const table = here.get(name)
    if (table) problems.push(...compareTable(table, columns, place))
    else problems.push(...checkForeign(names, { layers, name, place }))
  }
  return problems
}

/** A name that none of our tables could have is somebody's own. */
function checkForeign(
  names: EngineNames,
  { layers, name, place }: { layers: Layer[]; name: string; place: string },
): GateProblem[] {
  const [table] = layers.flatMap(layer => parseEngineTable(names, { layer, name }) ?? [])
  if (!table) return []
  const message = `${place} is in the SQL engine, and there is no such table here`
  return [{ code: 'engine-table-extra', table: `${table.layer}.${table.dataset}`, message }]
}

/**
 * What a Hive-style engine beside the lake says of the tables that are judged, where one is configured: whatever is registered there has the columns of
 * the commit. What is not registered yet, a table or the whole version, is lawful: nobody can be misled by it. Throws EngineError where the engine does
 * not answer.
 */
export async function checkEngine(
  { engine }: Pick<Environment, 'engine'>,
  view: VersionView,
  target: string,
): Promise<GateProblem[]> {
  const version = versionFor(target, view)
  if (!engine || version === undefined) return []
  const bySchema = new Map<string, Layer[]>()
  for (const layer of engine.names.layers) {
    const schema = engineSchema(engine.names, { study: view.study, version, layer })
    bySchema.set(schema, [...(bySchema.get(schema) ?? []), layer])
  }
  const found = await Promise.all(
    [...bySchema].map(([schema, layers]) => checkSchema(engine, view, { schema, layers })),
  )
  return found.flat()
}
