import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { IcebergError } from '../../../lib/iceberg/error.ts'
import { equalSchemas, fieldsOfSchema, icebergSchema, icebergType, nameMapping } from '../../../lib/iceberg/schema.ts'
import { age, subject } from './samples.ts'

const type: fc.Arbitrary<FieldType> = fc.oneof(
  fc
    .constantFrom('string', 'integer', 'bigint', 'double', 'boolean', 'date', 'timestamp', 'time')
    .map(kind => ({ kind }) as FieldType),
  fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
    .map(([precision, scale]) => ({ kind: 'decimal', precision, scale: Math.min(precision, scale) }) as FieldType),
)
const fields: fc.Arbitrary<Field[]> = fc.array(
  fc
    .record({
      id: fc.integer({ min: 1, max: 1e9 }),
      name: fc.string(),
      type,
      nullable: fc.boolean(),
      label: fc.string(),
    })
    .map(({ label, ...field }) => (label === '' ? field : { ...field, label })),
)

describe('icebergSchema', () => {
  it('names types as the spec does', () => {
    const kinds: FieldType[] = [
      { kind: 'integer' },
      { kind: 'bigint' },
      { kind: 'decimal', precision: 10, scale: 2 },
      { kind: 'timestamp' },
    ]
    expect(kinds.map(icebergType)).toEqual(['int', 'long', 'decimal(10, 2)', 'timestamp'])
  })

  it('puts labels into docs and marks required columns', () => {
    expect(icebergSchema([subject, age], 3)).toEqual({
      type: 'struct',
      'schema-id': 3,
      fields: [
        { id: 987_654_321, name: 'USUBJID', required: true, type: 'string', doc: 'Unique Subject Identifier' },
        { id: 7, name: 'AGE', required: false, type: 'int' },
      ],
    })
  })

  it('gives the fields back', () => {
    fc.assert(
      fc.property(fields, list => {
        expect(fieldsOfSchema(icebergSchema(list, 0))).toEqual(list)
      }),
    )
  })
})

describe('fieldsOfSchema', () => {
  it('reads a decimal however its comma is set', () => {
    const schema = icebergSchema([age], 0)
    schema.fields[0]!.type = 'decimal(9,2)'
    expect(fieldsOfSchema(schema)[0]!.type).toEqual({ kind: 'decimal', precision: 9, scale: 2 })
  })

  it.each([
    ['timestamptz', 'timestamptz'],
    [{ type: 'list', 'element-id': 9, element: 'int', 'element-required': true }, 'a nested type'],
  ])('names the column of a type that is none of ours', (type, found) => {
    const schema = icebergSchema([subject, age], 0)
    schema.fields[1]!.type = type
    expect(() => fieldsOfSchema(schema)).toThrow(IcebergError)
    expect(() => fieldsOfSchema(schema)).toThrow(
      `column AGE: the Iceberg type is ${found}, expected one of string, int`,
    )
  })
})

describe('equalSchemas', () => {
  const schema = icebergSchema(
    [subject, age, { ...age, id: 9, name: 'W', type: { kind: 'decimal', precision: 9, scale: 2 } }],
    0,
  )

  it('does not mind schema ids, the order of members and the blank of a decimal', () => {
    const other = icebergSchema(fieldsOfSchema(schema), 5)
    other.fields[2] = { type: 'decimal(9,2)', required: false, name: 'W', id: 9 }
    expect(equalSchemas(schema, other)).toBe(true)
  })

  it.each([
    ['doc', { doc: 'Age' }],
    ['name', { name: 'Age' }],
    ['required', { required: true }],
    ['type', { type: 'long' }],
    ['id', { id: 8 }],
    ['nested type', { type: { type: 'map' } }],
  ])('sees another %s', (_, change) => {
    const other = icebergSchema(fieldsOfSchema(schema), 0)
    other.fields[1] = { ...other.fields[1]!, ...change }
    expect(equalSchemas(schema, other)).toBe(false)
  })

  it('sees another order', () => {
    expect(equalSchemas(schema, icebergSchema(fieldsOfSchema(schema).reverse(), 0))).toBe(false)
  })
})

it('nameMapping lists every column by its field id', () => {
  expect(JSON.parse(nameMapping(icebergSchema([subject, age], 0)))).toEqual([
    { 'field-id': 987_654_321, names: ['USUBJID'] },
    { 'field-id': 7, names: ['AGE'] },
  ])
})
