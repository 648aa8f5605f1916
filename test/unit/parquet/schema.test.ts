import fc from 'fast-check'
import type { SchemaElement } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { decimalBytes, footerFields, parquetSchema } from '../../../lib/parquet/schema.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { fieldType } from './arbitraries.ts'

const one = (type: FieldType, nullable = true): SchemaElement =>
  parquetSchema([{ id: 7, name: 'AGE', type, nullable }])[1]

const given = (element: Partial<SchemaElement>): FieldType | undefined =>
  footerFields({
    schema: [
      { name: 'table', num_children: 1 },
      { name: 'x', ...element },
    ],
  })[0].type

describe('parquetSchema', () => {
  it('gives every column its field id and its repetition', () => {
    expect(one({ kind: 'double' })).toEqual({ name: 'AGE', field_id: 7, type: 'DOUBLE', repetition_type: 'OPTIONAL' })
    expect(one({ kind: 'double' }, false).repetition_type).toBe('REQUIRED')
  })

  it('stores decimals in the fewest bytes that the specification allows', () => {
    const decimal = (precision: number) => one({ kind: 'decimal', precision, scale: 0 })
    expect(decimal(9).type).toBe('INT32')
    expect(decimal(10).type).toBe('INT64')
    expect(decimal(18).type).toBe('INT64')
    expect(decimal(19)).toMatchObject({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 9 })
    expect(decimal(38)).toMatchObject({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, precision: 38, scale: 0 })
    // parquet-format, LogicalTypes, DECIMAL: n bytes hold precisions up to floor(log10(2^(8n - 1) - 1)).
    for (let bytes = 1; bytes <= 16; bytes++) {
      const most = Math.floor(Math.log10(2 ** (8 * bytes - 1) - 1))
      expect(decimalBytes(most)).toBe(bytes)
      expect(decimalBytes(most + 1)).toBe(bytes + 1)
    }
  })

  it('marks timestamps and times as local, in the one annotation that can say so', () => {
    for (const kind of ['timestamp', 'time'] as const) {
      const { converted_type, logical_type } = one({ kind })
      expect(converted_type).toBeUndefined()
      expect(logical_type).toMatchObject({ isAdjustedToUTC: false, unit: 'MICROS' })
    }
  })
})

describe('footerFields', () => {
  it('gives back the fields of a written file', async () => {
    const fields = fc.array(fc.record({ type: fieldType, nullable: fc.boolean() }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fields, async shapes => {
        const declared: Field[] = shapes.map((shape, at) => ({ id: at * 3 + 1, name: `C${at}`, ...shape }))
        const { metadata } = await writeParquetFile(declared, [])
        expect(footerFields(metadata)).toEqual(declared)
      }),
      { numRuns: 50 },
    )
  })

  it('reads the forms of other writers', () => {
    const decimal = { precision: 7, scale: 2 }
    const logical_type = { type: 'DECIMAL', ...decimal } as const
    expect(given({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 4, logical_type })).toEqual({
      kind: 'decimal',
      ...decimal,
    })
    expect(given({ type: 'INT64', converted_type: 'DECIMAL', ...decimal })).toEqual({ kind: 'decimal', ...decimal })
    expect(given({ type: 'INT64', converted_type: 'TIME_MICROS' })).toEqual({ kind: 'time' })
    expect(given({ type: 'INT32', converted_type: 'INT_32' })).toEqual({ kind: 'integer' })
    expect(given({ type: 'INT64', logical_type: { type: 'INTEGER', bitWidth: 64, isSigned: true } })).toEqual({
      kind: 'bigint',
    })
    expect(given({ type: 'BYTE_ARRAY', converted_type: 'UTF8' })).toEqual({ kind: 'string' })
  })

  it.each<[string, Partial<SchemaElement>]>([
    ['bytes that are not text', { type: 'BYTE_ARRAY' }],
    ['a float', { type: 'FLOAT' }],
    ['INT96', { type: 'INT96' }],
    ['a small integer', { type: 'INT32', converted_type: 'INT_16' }],
    ['an unsigned integer', { type: 'INT64', logical_type: { type: 'INTEGER', bitWidth: 64, isSigned: false } }],
    [
      'a timestamp in UTC',
      { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
    ],
    ['a timestamp of old writers', { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' }],
    ['milliseconds', { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MILLIS' } }],
    ['a time in nanoseconds', { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'NANOS' } }],
    ['a UUID', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }],
    ['a decimal that does not fit', { type: 'INT32', logical_type: { type: 'DECIMAL', precision: 10, scale: 0 } }],
    ['a repeated column', { type: 'INT32', repetition_type: 'REPEATED' }],
    ['an annotated double', { type: 'DOUBLE', logical_type: { type: 'NULL' } }],
    ['an annotated boolean', { type: 'BOOLEAN', logical_type: { type: 'NULL' } }],
  ])('has no type for %s', (_, element) => {
    expect(given(element)).toBeUndefined()
  })

  it('counts a nested column once', () => {
    const schema: SchemaElement[] = [
      { name: 'table', num_children: 2 },
      { name: 'list', num_children: 1, converted_type: 'LIST', repetition_type: 'OPTIONAL' },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      { name: 'element', type: 'INT32' },
      { name: 'plain', type: 'INT32', field_id: 3, repetition_type: 'REQUIRED' },
    ]
    expect(footerFields({ schema })).toEqual([
      { id: undefined, name: 'list', type: undefined, nullable: true },
      { id: 3, name: 'plain', type: { kind: 'integer' }, nullable: false },
    ])
  })
})
