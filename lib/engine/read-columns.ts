import { z } from 'zod'
import { quoteName, quoteText } from '../trino-catalog.ts'
import { type Engine, EngineError } from './engine.ts'

/** A column as the engine states it. */
export interface EngineColumn {
  /** Lower case. */
  name: string
  /** As the engine writes it: `decimal(10,2)`. */
  type: string
}

const rowsSchema = z.array(z.tuple([z.string(), z.string(), z.int(), z.string()]))

/** Tables that are named; of more the whole schema is read, since Trino then looks through all schemas for them. */
const mostNamed = 50

/** The statement that asks for the columns of a schema's tables. Names stand in it as quoted text and identifiers, whatever characters they have. */
export function formatColumnsQuery(catalog: string, schema: string, tables?: readonly string[]): string {
  const named = tables && tables.length <= mostNamed ? ` AND table_name IN (${tables.map(quoteText).join(', ')})` : ''
  const from = `${quoteName(catalog)}.information_schema.columns`
  return `SELECT table_name, column_name, ordinal_position, data_type FROM ${from} WHERE table_schema = ${quoteText(schema)}${named}`
}

/**
 * The columns of the tables of one schema, in their order, by table: of all, or of those named that are there. A schema that is not there has none. One
 * query; it reads the engine's own catalog and no row of any table. Throws EngineError.
 */
export async function readEngineColumns(
  { sql, catalog }: Pick<Engine, 'sql' | 'catalog'>,
  { schema, tables }: { schema: string; tables?: readonly string[] },
): Promise<Map<string, EngineColumn[]>> {
  const rows = rowsSchema.safeParse(await sql.query(formatColumnsQuery(catalog, schema, tables)))
  if (!rows.success) throw new EngineError(`the SQL engine answered no list of the columns of ${catalog}.${schema}`)
  const asked = tables && new Set(tables)
  const found = new Map<string, EngineColumn[]>()
  for (const [table, name, , type] of rows.data.toSorted(([, , one], [, , other]) => one - other)) {
    if (asked && !asked.has(table)) continue
    if (!found.has(table)) found.set(table, [])
    found.get(table)!.push({ name: name.toLowerCase(), type })
  }
  return found
}
