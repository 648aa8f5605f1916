import { describe, expect, it } from 'vitest'
import { createMetadata } from '../../../../lib/catalog/metadata/create-metadata.ts'
import { formatTableMetadata, parseTableMetadata } from '../../../../lib/iceberg/metadata.ts'
import { createBody, expectRefusal, location, table, uuid } from './samples.ts'

const column = (id: number, name: string, type: unknown, required = false) => ({ id, name, required, type })
const struct = (...fields: object[]) => ({ type: 'struct', fields })
const list = (id: number, element: unknown) => ({ type: 'list', 'element-id': id, element, 'element-required': false })
const map = (keyId: number, key: unknown, valueId: number, value: unknown) => ({
  type: 'map',
  'key-id': keyId,
  key,
  'value-id': valueId,
  value,
  'value-required': false,
})

describe('a new table', () => {
  it('is whole, valid and empty', () => {
    const metadata = table()
    expect(parseTableMetadata(formatTableMetadata(metadata))).toStrictEqual(metadata)
    expect(metadata).toMatchObject({
      'format-version': 2,
      'table-uuid': uuid,
      location,
      'last-sequence-number': 0,
      'last-updated-ms': 1000,
      'last-column-id': 8,
      'current-schema-id': 0,
      'default-spec-id': 0,
      'partition-specs': [{ 'spec-id': 0, fields: [] }],
      'last-partition-id': 999,
      'default-sort-order-id': 0,
      'sort-orders': [{ 'order-id': 0, fields: [] }],
      properties: { 'gc.enabled': 'false', 'write.format.default': 'parquet' },
      refs: {},
      snapshots: [],
    })
    expect(metadata['current-snapshot-id']).toBeUndefined()
  })

  it('has field ids from 1: columns first, then what is inside each', () => {
    const { schemas, 'last-column-id': last } = table({
      schema: {
        'schema-id': 7,
        ...struct(
          column(40, 'a', map(50, struct(column(51, 'k', 'int')), 52, list(53, 'long'))),
          column(0, 'b', list(60, struct(column(61, 'x', 'int'), column(62, 'y', struct(column(63, 'z', 'int')))))),
          column(-5 + 8, 'c', 'string', true),
        ),
        'identifier-field-ids': [3],
      },
    })
    expect(schemas).toEqual([
      {
        'schema-id': 0,
        ...struct(
          column(1, 'a', map(4, struct(column(6, 'k', 'int')), 5, list(7, 'long'))),
          column(2, 'b', list(8, struct(column(9, 'x', 'int'), column(10, 'y', struct(column(11, 'z', 'int')))))),
          column(3, 'c', 'string', true),
        ),
        'identifier-field-ids': [3],
      },
    ])
    expect(last).toBe(11)
  })

  it('has the specs and orders that were asked for, on the new ids', () => {
    const metadata = table({
      schema: struct(column(90, 'when', 'timestamptz'), column(91, 'who', 'string')),
      'partition-spec': {
        'spec-id': 4,
        fields: [
          { 'field-id': 7, 'source-id': 91, name: 'who_bucket', transform: 'bucket[16]' },
          { 'source-id': 90, name: 'when_day', transform: 'DAY' },
        ],
      },
      'write-order': {
        'order-id': 12,
        fields: [{ 'source-id': 91, transform: 'truncate[3]', direction: 'desc', 'null-order': 'nulls-last' }],
      },
    })
    expect(metadata).toMatchObject({
      'partition-specs': [
        {
          'spec-id': 0,
          fields: [
            { 'field-id': 1000, 'source-id': 2, name: 'who_bucket', transform: 'bucket[16]' },
            { 'field-id': 1001, 'source-id': 1, name: 'when_day', transform: 'day' },
          ],
        },
      ],
      'last-partition-id': 1001,
      'default-sort-order-id': 1,
      'sort-orders': [{ 'order-id': 1, fields: [{ 'source-id': 2, transform: 'truncate[3]' }] }],
    })
  })

  it('has the properties that were asked for, but for what is fixed or stands elsewhere', () => {
    const asked = {
      'gc.enabled': 'true',
      'format-version': '2',
      uuid: 'x',
      'current-schema': '{}',
      'write.format.default': 'PARQUET',
      owner: 'me',
      'write.data.path': `${location}/data`,
    }
    expect(table({ properties: asked }).properties).toEqual({
      'gc.enabled': 'false',
      'write.format.default': 'PARQUET',
      owner: 'me',
      'write.data.path': `${location}/data`,
    })
  })

  it.each([
    [{ properties: { 'format-version': '1' } }, 'tables here are of format version 2; version "1" is not supported'],
    [{ properties: { 'format-version': '3' } }, 'version "3" is not supported'],
    [{ properties: { 'format-version': 'new' } }, 'is not supported'],
    [{ properties: { 'write.format.default': 'orc' } }, 'write.format.default is parquet'],
    [{ properties: { 'write.metadata.path': 's3://elsewhere/' } }, 'write.metadata.path must lie inside'],
    [{ properties: { 'write.data.path': `${location}-2` } }, 'write.data.path must lie inside'],
    [
      { 'partition-spec': { fields: [{ 'source-id': 99, name: 'a', transform: 'identity' }] } },
      'the field 99, is no column',
    ],
    [
      {
        'write-order': {
          fields: [{ 'source-id': 99, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
        },
      },
      'the field 99, is no column',
    ],
    [{ schema: struct(column(1, 'a', 'variant')) }, '"a": the type "variant" needs format version 3'],
  ])('is refused, %#', (more, message) => {
    expectRefusal(() => table(more), 'BadRequestException', message)
  })

  it('may have folders where its caller says', () => {
    const body = createBody({ properties: { 'write.data.path': 's3://other/x' } })
    const options = { uuid, location, now: new Date(0), isAllowedLocation: () => true }
    expect(createMetadata(body, options).properties?.['write.data.path']).toBe('s3://other/x')
  })
})
