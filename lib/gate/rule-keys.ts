import { isNull } from '../columns.ts'
import type { Environment } from '../environment.ts'
import type { Field } from '../fields.ts'
import { type Entity, entitiesOf, naturalKeyFields } from '../keys/entities.ts'
import { readNaturalKeys } from '../keys/natural-key.ts'
import { keyColumn, keyOfAddress } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { readColumns } from '../parquet/read.ts'
import type { GateProblem } from './codes.ts'
import { judgeOnce, nameFiles } from './verdicts.ts'
import type { VersionTable, VersionView } from './view.ts'

/** Tables read at once, at most. */
const readsAtOnce = 4

async function* readTableColumns({ lake }: Pick<Environment, 'lake'>, { files }: VersionTable, fields: Field[]) {
  for (const { address, bytes } of files) {
    const key = keyOfAddress(lake.bucket, address)
    if (key !== undefined) yield* readColumns(lake, key, { fields, size: bytes })
  }
}

/** What a key table says. */
interface KeyTable {
  /** By natural key as text. */
  byNaturalKey: Map<string, bigint>
  keys: Set<bigint>
}

/** Reads one key table. Problems where a key or a natural key stands in it twice. */
async function readKeyTable(
  environment: Pick<Environment, 'lake'>,
  table: VersionTable,
): Promise<{ table: KeyTable; problems: GateProblem[] }> {
  const problems: GateProblem[] = []
  const keys = new Set<bigint>()
  const byNaturalKey = new Map<string, bigint>()
  const twice = { key: 0, natural: 0 }
  const types = table.fields.slice(0, -2).map(({ type }) => type)
  for await (const { rows, columns } of readTableColumns(environment, table, table.fields.slice(0, -1))) {
    const numbers = columns.at(-1)!
    const naturalKey = readNaturalKeys({ rows, columns: columns.slice(0, -1) }, types)
    for (let row = 0; row < rows; row++) {
      const key = numbers.kind === 'int64' ? numbers.values[row]! : -1n
      const text = naturalKey(row) ?? ''
      if (keys.has(key)) twice.key++
      if (byNaturalKey.has(text)) twice.natural++
      keys.add(key)
      byNaturalKey.set(text, key)
    }
  }
  const say = (code: GateProblem['code'], message: string, count: number) => {
    if (count > 0) problems.push({ code, table: table.name, message, found: `${count}`, expected: '0' })
  }
  say('key-duplicate', 'rows repeat a surrogate key', twice.key)
  say('natural-key-duplicate', 'rows repeat a natural key', twice.natural)
  return { table: { byNaturalKey, keys }, problems }
}

/** What can be wrong with the key of a row. */
const keyFaults = {
  'key-unknown': 'rows hold a key that the key table does not know',
  'key-wrong': 'rows hold the key of another natural key',
  'key-missing': 'rows have a natural key and no key',
  'key-without-natural-key': 'rows have a key, and a part of the natural key is null',
} as const

function judgeKey(
  { byNaturalKey, keys }: KeyTable,
  text: string | undefined,
  key: bigint | undefined,
): keyof typeof keyFaults | undefined {
  if (key === undefined) return text === undefined ? undefined : 'key-missing'
  if (!keys.has(key)) return 'key-unknown'
  if (text === undefined) return 'key-without-natural-key'
  return byNaturalKey.get(text) === key ? undefined : 'key-wrong'
}

/** Each row's key is the one that the key table has for the row's natural key; null where a part of that is. */
async function checkBaseKeys(
  environment: Pick<Environment, 'lake'>,
  base: VersionTable,
  entities: Entity[],
  keyTables: Map<string, KeyTable>,
): Promise<GateProblem[]> {
  const own = entitiesOf(base, entities).flatMap(entity => {
    const key = base.fields.find(({ name }) => name === keyColumn(entity.name))
    const table = keyTables.get(entity.name)
    return key && table
      ? [{ key, table, parts: naturalKeyFields(base, entity)!, faults: new Map<keyof typeof keyFaults, number>() }]
      : []
  })
  const fields = [...new Set(own.flatMap(({ key, parts }) => [...parts, key]))]
  if (fields.length === 0) return []
  for await (const { rows, columns } of readTableColumns(environment, base, fields)) {
    const columnOf = (field: Field) => columns[fields.indexOf(field)]!
    for (const { key, table, parts, faults } of own) {
      const keys = columnOf(key)
      const types = parts.map(({ type }) => type)
      const naturalKey = readNaturalKeys({ rows, columns: parts.map(columnOf) }, types)
      if (keys.kind !== 'int64') continue
      for (let row = 0; row < rows; row++) {
        const fault = judgeKey(table, naturalKey(row), isNull(keys, row) ? undefined : keys.values[row])
        if (fault) faults.set(fault, (faults.get(fault) ?? 0) + 1)
      }
    }
  }
  return own.flatMap(({ key, faults }) =>
    [...faults].map(([code, count]) => ({
      code,
      table: base.name,
      column: key.name,
      message: keyFaults[code],
      expected: '0',
      found: `${count}`,
    })),
  )
}

/**
 * Key tables: no key twice, no natural key twice. Base tables: every row has the key that its natural key has in the key table. Keys are read from the
 * files: tables in `except`, whose files may not be what the tables say of them, are left out.
 */
export async function checkKeys(
  environment: Pick<Environment, 'lake'>,
  view: VersionView,
  { except }: { except: ReadonlySet<string> },
): Promise<GateProblem[]> {
  const { study } = view
  const entities = view.record?.entities ?? []
  const readable = view.tables.filter(({ name }) => !except.has(name))
  const keyViews = new Map(readable.filter(({ layer }) => layer === 'keys').map(table => [table.dataset, table]))
  const names = new Map<string, string[][]>()
  for (const [entity, table] of keyViews) names.set(entity, await nameFiles(environment, table))
  // Read at most once, and only for a table that was not judged before.
  const read = new Map<string, Promise<{ table: KeyTable; problems: GateProblem[] }>>()
  const readOnce = (entity: string) => {
    const before = read.get(entity)
    if (before) return before
    const reading = readKeyTable(environment, keyViews.get(entity)!)
    read.set(entity, reading)
    return reading
  }
  const problems: GateProblem[] = []
  for (const entity of keyViews.keys()) {
    const subject = { keys: names.get(entity) }
    problems.push(...(await judgeOnce(environment, { study, subject }, async () => (await readOnce(entity)).problems)))
  }
  const bases = readable.filter(({ layer }) => layer === 'base')
  const found = await mapConcurrently(bases, readsAtOnce, async base => {
    const own = entitiesOf(base, entities).filter(({ name }) => keyViews.has(name))
    if (own.length === 0) return []
    const subject = { base: await nameFiles(environment, base), own, keys: own.map(({ name }) => names.get(name)) }
    return judgeOnce(environment, { study, subject }, async () => {
      const keyTables = new Map<string, KeyTable>()
      for (const { name } of own) keyTables.set(name, (await readOnce(name)).table)
      return checkBaseKeys(environment, base, own, keyTables)
    })
  })
  return [...problems, ...found.flat()]
}
