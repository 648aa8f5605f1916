import type { Field, FieldType } from '../fields.ts'
import { formatType } from '../fields.ts'
import { canonicalJson } from '../hash.ts'
import { IcebergError } from './error.ts'

/** A field of an Iceberg schema (spec, appendix C). `type` is a name for a primitive, an object for struct, list and map. */
export interface IcebergField {
  id: number
  name: string
  required: boolean
  type: unknown
  doc?: string
  [member: string]: unknown
}

/** A schema as table metadata holds it. */
export interface IcebergSchema {
  type: 'struct'
  'schema-id': number
  fields: IcebergField[]
  [member: string]: unknown
}

type PlainKind = Exclude<FieldType['kind'], 'decimal'>

const icebergTypes: Record<PlainKind, string> = {
  string: 'string',
  integer: 'int',
  bigint: 'long',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
  time: 'time',
}
const kinds = new Map(Object.entries(icebergTypes).map(([kind, name]) => [name, kind as PlainKind]))

/** The Iceberg name of a declared type: `int`, `decimal(10, 2)`. */
export function icebergType(type: FieldType): string {
  return type.kind === 'decimal' ? `decimal(${type.precision}, ${type.scale})` : icebergTypes[type.kind]
}

/** The declared type of an Iceberg type, or undefined where no declared type stands for it. */
export function fieldType(type: unknown): FieldType | undefined {
  if (typeof type !== 'string') return undefined
  const kind = kinds.get(type)
  if (kind) return { kind }
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type)
  return decimal ? { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) } : undefined
}

/** The Iceberg schema of declared fields: same order, label as doc, required where not nullable. */
export function icebergSchema(fields: Field[], schemaId: number): IcebergSchema {
  return {
    type: 'struct',
    'schema-id': schemaId,
    fields: fields.map(({ id, name, type, nullable, label }) => ({
      id,
      name,
      required: !nullable,
      type: icebergType(type),
      ...(label === undefined ? {} : { doc: label }),
    })),
  }
}

/**
 * The declared fields of an Iceberg schema; a field's `format` is not part of a schema and stays unset.
 * Throws IcebergError, which names the column, for a type that no declared type stands for.
 */
export function fieldsOfSchema(schema: IcebergSchema): Field[] {
  return schema.fields.map(({ id, name, required, type, doc }) => {
    const declared = fieldType(type)
    if (!declared) {
      const found = typeof type === 'string' ? type : 'a nested type'
      throw new IcebergError(`column ${name}: the Iceberg type is ${found}, expected one of ${expectedTypes}`)
    }
    return { id, name, type: declared, nullable: !required, ...(doc === undefined ? {} : { label: doc }) }
  })
}

const expectedTypes = [...kinds.keys(), 'decimal(p, s)'].join(', ')

/** True where two schemas declare the same columns: ids, names, types, docs and order. Their schema ids do not count. */
export function equalSchemas(a: IcebergSchema, b: IcebergSchema): boolean {
  return canonicalJson(comparable(a)) === canonicalJson(comparable(b))
}

// Writers differ in the blank after the comma of decimal(p, s).
const comparable = ({ fields }: IcebergSchema) =>
  fields.map(field => {
    const declared = fieldType(field.type)
    return declared ? { ...field, type: formatType(declared) } : field
  })

/**
 * The value of the table property `schema.name-mapping.default`: lets engines read data files that carry no field ids
 * (spec, "Column Projection" and "Name Mapping Serialization").
 */
export function nameMapping({ fields }: IcebergSchema): string {
  return JSON.stringify(fields.map(({ id, name }) => ({ 'field-id': id, names: [name] })))
}
