import type { Environment } from '../../lib/environment.ts'
import type { TrinoCatalogOptions } from '../../lib/trino-catalog.ts'
import { runPython } from '../interop/python.ts'

/** A Studylake with its SQL catalog, a Trino that has it as the catalog `studylake`, and what other engines need. */
export interface SqlSubject {
  environment: Environment
  /** Runs one statement to its end; resolves with its rows. Throws TrinoError. */
  query(statement: string): Promise<unknown[][]>
  /** The catalog, and the object store, as clients reach them. */
  access: TrinoCatalogOptions
  /** Of Trino. */
  endpoint: string
}

export interface SqlSuiteOptions {
  /** The subject, once it is up. */
  subject: () => SqlSubject
}

export interface ColumnInfo {
  name: string
  /** As Trino writes it. */
  type: string
  comment: string
}

/** What sql_expected.py makes of rows: their number, and a checksum that does not depend on their order. */
export interface Summary {
  rows: number
  checksum: string
}

/** A table of a study at a ref, as SQL names it. */
export const tableName = (study: string, ref: string, table: string): string => {
  const [layer, name] = table.split('.') as [string, string]
  return `"${study}@${ref}.${layer}"."${name}"`
}

/** The text of a row, the same that sql_expected.py makes of it. */
function rowText(columns: readonly ColumnInfo[]): string {
  const texts = columns.map(({ name, type }) => {
    const text = type === 'double' ? `to_hex(to_ieee754_64("${name}"))` : `cast("${name}" as varchar)`
    return `coalesce(cast(length(${text}) as varchar) || ':' || ${text}, '-')`
  })
  return texts.join(' || ')
}

/** A query of one row: `label`, and the summary of a relation's columns. */
export const summariseSql = (label: string, relation: string, columns: readonly ColumnInfo[]): string =>
  `SELECT '${label}' label, count(*) "rows", coalesce(sum(cast(from_big_endian_64(substr(md5(to_utf8(${rowText(columns)})), 1, 8)) AS decimal(38, 0))), 0) checksum FROM ${relation}`

/** Runs several summaries as one query. */
export async function summarise(
  { query }: Pick<SqlSubject, 'query'>,
  relations: { label: string; relation: string; columns: readonly ColumnInfo[] }[],
): Promise<Record<string, Summary>> {
  const parts = relations.map(({ label, relation, columns }) => summariseSql(label, relation, columns))
  const rows = await query(parts.join('\nUNION ALL\n'))
  return Object.fromEntries(
    rows.map(([label, count, checksum]) => [label, { rows: Number(count), checksum }]),
  ) as Record<string, Summary>
}

interface TableOf {
  namespace: string[]
  table: string
}

export type PyicebergStep = { do: string; namespace: string[]; table?: string } & Record<string, unknown>

/** pyiceberg, as another client of the catalog. */
export interface Pyiceberg {
  /** Does the steps of sql_iceberg.py one after another; resolves with what each found. */
  run(steps: PyicebergStep[]): Promise<unknown[]>
  /** All rows, in the order of the first column, values as Trino sends them. */
  rows(table: TableOf): Promise<unknown[][]>
  /** Names and types of the columns. */
  schema(table: TableOf): Promise<[name: string, type: string][]>
  tables(of: { namespace: string[] }): Promise<string[]>
}

export function createPyiceberg({ access: { url, token, objectStore = {} } }: SqlSubject): Pyiceberg {
  const { endpoint, region, credentials } = objectStore
  const catalog = {
    type: 'rest',
    uri: url,
    token,
    's3.endpoint': endpoint,
    's3.region': region,
    's3.access-key-id': credentials?.accessKeyId,
    's3.secret-access-key': credentials?.secretAccessKey,
  }
  const run = (steps: PyicebergStep[]) => runPython<unknown[]>('../stack/sql_iceberg.py', { catalog, steps })
  const one = async (step: PyicebergStep) => (await run([step]))[0]
  return {
    run,
    rows: table => one({ do: 'rows', ...table }) as Promise<unknown[][]>,
    schema: table => one({ do: 'schema', ...table }) as Promise<[string, string][]>,
    tables: of => one({ do: 'tables', ...of }) as Promise<string[]>,
  }
}
