import { type FieldType, formatType } from '../fields.ts'

/**
 * The type by which a Hive table states a column, as Trino's information_schema writes it. Hive has no time of day: it is registered as the number of
 * microseconds that the Parquet file holds. https://trino.io/docs/current/connector/hive.html
 */
export function engineType(type: FieldType): string {
  if (type.kind === 'string') return 'varchar'
  return type.kind === 'time' ? 'bigint' : formatType(type)
}

/**
 * True where an engine's type is that of a column. A timestamp may have any precision, which Hive's does not have: it is a setting of the engine
 * (`hive.timestamp-precision`). A catalog that has times may say so.
 */
export function isEngineType(type: FieldType, found: string): boolean {
  const text = found.toLowerCase().replaceAll(' ', '')
  if (type.kind === 'timestamp' || type.kind === 'time')
    if (new RegExp(`^${type.kind}(\\(\\d+\\))?$`).test(text)) return true
  return text === engineType(type)
}
