import fc from 'fast-check'
import type { SchemaElement } from 'hyparquet'
import type { TableMetadata } from '../../../lib/iceberg/metadata.ts'

/** A column as table metadata writes it. */
export interface RawField {
  id: number
  name: string
  required: boolean
  type: unknown
}
export type RawType =
  | string
  | { type: 'struct'; fields: RawField[] }
  | { type: 'list'; 'element-id': number; element: RawType; 'element-required': boolean }
  | { type: 'map'; 'key-id': number; key: RawType; 'value-id': number; value: RawType; 'value-required': boolean }

/** Table metadata with these schemas, the last of them current; `more` replaces members. */
export function tableWith(schemas: RawField[][], more: Partial<TableMetadata> = {}): TableMetadata {
  return {
    'format-version': 2,
    'table-uuid': '0a0c1de3-3f5e-4c6f-9d0c-6a3f8d0e7b21',
    location: 's3://lake/data/trial/work/t',
    'last-sequence-number': 0,
    'last-updated-ms': 0,
    'last-column-id': 1000,
    'current-schema-id': schemas.length - 1,
    schemas: schemas.map((fields, id) => ({ type: 'struct', 'schema-id': id, fields })) as TableMetadata['schemas'],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'last-partition-id': 999,
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    ...more,
  }
}

/** What Iceberg's writers make of a primitive (spec, appendix A, Parquet). */
export const parquetTypes: Record<string, Partial<SchemaElement>> = {
  boolean: { type: 'BOOLEAN' },
  int: { type: 'INT32' },
  long: { type: 'INT64' },
  float: { type: 'FLOAT' },
  double: { type: 'DOUBLE' },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  time: { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: true, unit: 'MICROS' } },
  timestamp: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } },
  timestamptz: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  uuid: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } },
  binary: { type: 'BYTE_ARRAY' },
  'fixed[5]': { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 5 },
  'decimal(9, 2)': {
    type: 'INT32',
    converted_type: 'DECIMAL',
    precision: 9,
    scale: 2,
    logical_type: { type: 'DECIMAL', precision: 9, scale: 2 },
  },
  'decimal(18, 2)': { type: 'INT64', converted_type: 'DECIMAL', precision: 18, scale: 2 },
  'decimal(38, 10)': {
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: 16,
    logical_type: { type: 'DECIMAL', precision: 38, scale: 10 },
  },
}

/** The elements of a file's schema as Iceberg's writers write them; `ids: false` leaves the field ids out. */
export function footerOf(fields: RawField[], { ids = true }: { ids?: boolean } = {}): { schema: SchemaElement[] } {
  const elements = (field: RawField): SchemaElement[] => {
    const element = {
      name: field.name,
      ...(ids ? { field_id: field.id } : {}),
      repetition_type: field.required ? ('REQUIRED' as const) : ('OPTIONAL' as const),
    }
    const type = field.type as RawType
    if (typeof type === 'string') return [{ ...element, ...parquetTypes[type] }]
    if (type.type === 'struct')
      return [{ ...element, num_children: type.fields.length }, ...type.fields.flatMap(elements)]
    const repeated = (name: string, count: number): SchemaElement => ({
      name,
      num_children: count,
      repetition_type: 'REPEATED',
    })
    if (type.type === 'list') {
      const inner = { id: type['element-id'], name: 'element', required: type['element-required'], type: type.element }
      return [
        { ...element, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        repeated('list', 1),
        ...elements(inner),
      ]
    }
    const key = { id: type['key-id'], name: 'key', required: true, type: type.key }
    const value = { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value }
    return [
      { ...element, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
      repeated('key_value', 2),
      ...elements(key),
      ...elements(value),
    ]
  }
  return { schema: [{ name: 'table', num_children: fields.length }, ...fields.flatMap(elements)] }
}

/** Lawful columns of any type, nested to two levels, with ids that are each used once. */
export const columns: fc.Arbitrary<RawField[]> = fc
  .array(fc.letrec<{ type: RawType }>(tie => ({ type: typeArbitrary(tie('type')) })).type, {
    minLength: 1,
    maxLength: 5,
  })
  .map(types => {
    let id = 0
    const number = (type: RawType): RawType => {
      if (typeof type === 'string') return type
      if (type.type === 'struct')
        return {
          ...type,
          fields: type.fields.map((field, at) => named(field.type as RawType, field.required, `m${at}`)),
        }
      if (type.type === 'list') return { ...type, 'element-id': ++id, element: number(type.element) }
      return { ...type, 'key-id': ++id, key: number(type.key), 'value-id': ++id, value: number(type.value) }
    }
    const named = (type: RawType, required: boolean, name: string): RawField => ({
      id: ++id,
      name,
      required,
      type: number(type),
    })
    return types.map((type, at) => named(type, at % 2 === 0, `c${at}`))
  })

function typeArbitrary(inner: fc.Arbitrary<RawType>): fc.Arbitrary<RawType> {
  const required = fc.boolean()
  const primitive: fc.Arbitrary<RawType> = fc.constantFrom(...Object.keys(parquetTypes))
  const field = fc.record({ id: fc.constant(0), name: fc.constant(''), required, type: inner })
  return fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    primitive,
    fc.array(field, { minLength: 1, maxLength: 3 }).map(fields => ({ type: 'struct', fields }) as RawType),
    fc
      .tuple(inner, required)
      .map(([element, must]): RawType => ({ type: 'list', 'element-id': 0, element, 'element-required': must })),
    fc.tuple(primitive, inner, required).map(
      ([key, value, must]): RawType => ({
        type: 'map',
        'key-id': 0,
        key,
        'value-id': 0,
        value,
        'value-required': must,
      }),
    ),
  )
}
