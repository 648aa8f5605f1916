import type { FileMetaData, SchemaElement } from 'hyparquet'
import type { ColumnValues } from '../columns.ts'
import type { Field, FieldType } from '../fields.ts'

/** The kind of column that holds a field's values; see lib/columns.ts. */
export function columnKind(type: FieldType): ColumnValues['kind'] {
  switch (type.kind) {
    case 'string':
      return 'text'
    case 'integer':
    case 'date':
      return 'int32'
    case 'bigint':
    case 'timestamp':
    case 'time':
      return 'int64'
    case 'decimal':
      return type.precision <= 9 ? 'int32' : type.precision <= 18 ? 'int64' : 'decimal'
    default:
      return type.kind
  }
}

/** The fewest bytes whose two's complement holds every unscaled value of that many decimal digits: 16 for 38. */
export function decimalBytes(precision: number): number {
  let bytes = 1
  while (10n ** BigInt(precision) > 1n << BigInt(8 * bytes - 1)) bytes++
  return bytes
}

/**
 * The schema of a Parquet file for these fields: the root, then one column a field, each with its field id.
 * Source: Iceberg table spec, appendix A, Parquet.
 */
export function parquetSchema(fields: Field[]): SchemaElement[] {
  return [{ name: 'table', num_children: fields.length }, ...fields.map(columnElement)]
}

function columnElement(field: Field): SchemaElement {
  return {
    ...physicalType(field.type),
    name: field.name,
    field_id: field.id,
    repetition_type: field.nullable ? 'OPTIONAL' : 'REQUIRED',
  }
}

function physicalType(type: FieldType): Omit<SchemaElement, 'name'> {
  switch (type.kind) {
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
    case 'integer':
      return { type: 'INT32' }
    case 'bigint':
      return { type: 'INT64' }
    case 'decimal': {
      const { precision, scale } = type
      const annotation = {
        converted_type: 'DECIMAL',
        precision,
        scale,
        logical_type: { type: 'DECIMAL', precision, scale },
      } as const
      if (precision <= 9) return { type: 'INT32', ...annotation }
      if (precision <= 18) return { type: 'INT64', ...annotation }
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: decimalBytes(precision), ...annotation }
    }
    case 'double':
      return { type: 'DOUBLE' }
    case 'boolean':
      return { type: 'BOOLEAN' }
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }
    // No converted type for these two: TIMESTAMP_MICROS and TIME_MICROS mean UTC to readers that look at nothing else.
    case 'timestamp':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } }
    case 'time':
      return { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' } }
  }
}

/** What a footer says of one top-level column. */
export interface FooterField {
  /** Undefined where the file carries no field ids. */
  id: number | undefined
  name: string
  /** Undefined for nested columns and for types that no contents file can declare. */
  type: FieldType | undefined
  nullable: boolean
}

/**
 * What the columns of a file really are, in file order. Where Iceberg lets a reader take a type from more than one physical form
 * (a decimal in any of three, a time whatever it says of UTC), each gives that type.
 */
export function footerFields(metadata: Pick<FileMetaData, 'schema'>): FooterField[] {
  return topLevelElements(metadata).map(({ element }) => ({
    id: element.field_id,
    name: element.name,
    type: element.repetition_type === 'REPEATED' ? undefined : declaredType(element),
    nullable: element.repetition_type !== 'REQUIRED',
  }))
}

/** The top-level columns in file order; `at` is where row groups have the column, or the first of a nested one. */
export function topLevelElements({ schema }: Pick<FileMetaData, 'schema'>): { element: SchemaElement; at: number }[] {
  const found: { element: SchemaElement; at: number }[] = []
  let leaves = 0
  for (let at = 1; at < schema.length; ) {
    found.push({ element: schema[at], at: leaves })
    for (const end = at + subtreeSize(schema, at); at < end; at++) if (schema[at]?.type !== undefined) leaves++
  }
  return found
}

function subtreeSize(schema: SchemaElement[], at: number): number {
  let size = 1
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) size += subtreeSize(schema, at + size)
  return size
}

function declaredType(element: SchemaElement): FieldType | undefined {
  const { type, converted_type: converted, logical_type: logical } = element
  const annotation = logical?.type ?? converted
  switch (type) {
    case 'BOOLEAN':
      return annotation ? undefined : { kind: 'boolean' }
    case 'DOUBLE':
      return annotation ? undefined : { kind: 'double' }
    case 'BYTE_ARRAY':
      return annotation === 'STRING' || annotation === 'UTF8' ? { kind: 'string' } : undefined
    case 'FIXED_LEN_BYTE_ARRAY':
      return decimalType(element, 38)
    case 'INT32':
      if (!annotation || isSigned(element, 32)) return { kind: 'integer' }
      if (annotation === 'DATE') return { kind: 'date' }
      return decimalType(element, 9)
    case 'INT64':
      if (!annotation || isSigned(element, 64)) return { kind: 'bigint' }
      if (logical?.type === 'TIMESTAMP')
        return logical.unit === 'MICROS' && !logical.isAdjustedToUTC ? { kind: 'timestamp' } : undefined
      if (logical?.type === 'TIME') return logical.unit === 'MICROS' ? { kind: 'time' } : undefined
      if (converted === 'TIME_MICROS') return { kind: 'time' }
      return decimalType(element, 18)
    default:
      return undefined
  }
}

function isSigned({ converted_type, logical_type: logical }: SchemaElement, bits: 32 | 64): boolean {
  if (logical) return logical.type === 'INTEGER' && logical.isSigned && logical.bitWidth === bits
  return converted_type === `INT_${bits}`
}

function decimalType(element: SchemaElement, most: number): FieldType | undefined {
  const { converted_type, logical_type: logical } = element
  if (logical ? logical.type !== 'DECIMAL' : converted_type !== 'DECIMAL') return undefined
  const { precision = 0, scale = 0 } = logical?.type === 'DECIMAL' ? logical : element
  if (precision < 1 || precision > most || scale < 0 || scale > precision) return undefined
  return { kind: 'decimal', precision, scale }
}
