import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IcebergError } from '../../../lib/iceberg/error.ts'
import type { TableMetadata } from '../../../lib/iceberg/metadata.ts'
import { mayBecome, parseNestedFields } from '../../../lib/iceberg/nested-type.ts'
import { verifyFieldTypes, verifyMetadata } from '../../../lib/iceberg/verify-metadata.ts'
import { columns, type RawField, tableWith } from './foreign-tables.ts'

const field = (id: number, type: unknown, name = `c${id}`): RawField => ({ id, name, required: false, type })
const two = [field(1, 'int'), field(2, 'string')]
const codes = (metadata: TableMetadata) => verifyMetadata(metadata).map(({ code }) => code)
const snapshot = (id: number | bigint, sequence: number, parent?: number | bigint) => ({
  'snapshot-id': id,
  'sequence-number': sequence,
  'timestamp-ms': sequence,
  'manifest-list': `s3://lake/${id}`,
  ...(parent === undefined ? {} : { 'parent-snapshot-id': parent }),
})

describe('the members of table metadata', () => {
  it('agree in what writers make', () => {
    fc.assert(
      fc.property(columns, fields => {
        expect(codes(tableWith([fields]))).toEqual([])
      }),
    )
    const chain = {
      'current-snapshot-id': 9223372036854775807n,
      'last-sequence-number': 3,
      snapshots: [snapshot(5, 1), snapshot(6, 2, 4), { ...snapshot(9223372036854775807n, 3, 6), 'schema-id': 0 }],
      refs: { main: { type: 'branch', 'snapshot-id': 9223372036854775807n }, old: { type: 'tag', 'snapshot-id': 5 } },
    }
    expect(codes(tableWith([two], chain))).toEqual([])
    expect(codes(tableWith([two], { 'current-snapshot-id': -1, refs: {} }))).toEqual([])
  })

  it.each<[string, TableMetadata]>([
    ['schema-field-id', tableWith([[field(1, 'int', 'a'), field(1, 'int', 'b')]])],
    ['schema-name', tableWith([[field(1, 'int', 'a'), field(2, 'int', 'a')]])],
    ['schema-last-column', tableWith([[field(2000, 'int')]])],
    ['partition-spec-missing', tableWith([two], { 'default-spec-id': 7 })],
    [
      'partition-spec-column',
      tableWith([two], { 'partition-specs': [{ 'spec-id': 0, fields: [{ 'source-id': 9, transform: 'day' }] }] }),
    ],
    ['sort-order-missing', tableWith([two], { 'default-sort-order-id': 7 })],
    ['sort-order-column', tableWith([two], { 'sort-orders': [{ 'order-id': 0, fields: [{ 'source-id': 9 }] }] })],
    [
      'sort-order-duplicate',
      tableWith([two], {
        'sort-orders': [
          { 'order-id': 0, fields: [] },
          { 'order-id': 0, fields: [] },
        ],
      }),
    ],
    [
      'snapshot-duplicate',
      tableWith([two], { 'last-sequence-number': 2, snapshots: [snapshot(1, 1), snapshot(1, 2)] }),
    ],
    ['snapshot-sequence', tableWith([two], { 'last-sequence-number': 2, snapshots: [snapshot(1, 1), snapshot(2, 1)] })],
    ['snapshot-sequence', tableWith([two], { snapshots: [snapshot(1, 1)] })],
    ['snapshot-chain', tableWith([two], { 'last-sequence-number': 3, snapshots: [snapshot(1, 3), snapshot(2, 2, 1)] })],
    [
      'snapshot-schema',
      tableWith([two], { 'last-sequence-number': 3, snapshots: [{ ...snapshot(1, 3), 'schema-id': 4 }] }),
    ],
    ['snapshot-ref', tableWith([two], { refs: { old: { type: 'tag', 'snapshot-id': 5 } } })],
    [
      'snapshot-branch',
      tableWith([two], {
        'last-sequence-number': 2,
        'current-snapshot-id': 1,
        snapshots: [snapshot(1, 1), snapshot(2, 2)],
        refs: { main: { type: 'branch', 'snapshot-id': 2 } },
      }),
    ],
  ])('%s', (code, metadata) => expect(codes(metadata)).toEqual([code]))

  it('two schemas of one id are two, and a void partition of a column that went is lawful', () => {
    const [first] = tableWith([two]).schemas
    expect(codes(tableWith([], { schemas: [first!, first!], 'current-schema-id': 0 }))).toEqual(['schema-duplicate'])
    const spec = { 'spec-id': 0, fields: [{ 'source-id': 9, transform: 'void' }] }
    expect(codes(tableWith([two], { 'partition-specs': [spec] }))).toEqual([])
  })
})

describe('a field id', () => {
  const found = (...types: unknown[]) => verifyFieldTypes(tableWith(types.map(type => [field(1, type)])))

  it('stands for one column, though its type may be widened and declared again', () => {
    expect(found('int', 'long', 'int')).toEqual([])
    expect(found('int', 'string')).toMatchObject([{ code: 'schema-field-type', expected: 'int', found: 'string' }])
    expect(found({ type: 'struct', fields: [] }, 'string')).toMatchObject([{ code: 'schema-field-type' }])
    // Engines that replace a table give the column of the same name its old id.
    expect(codes(tableWith([[field(1, 'int')], [field(1, 'string')]]))).toEqual([])
  })
})

describe('types', () => {
  it.each([
    'timestamp_ns',
    'decimal(39, 2)',
    'decimal(0, 0)',
    'decimal(2, 3)',
    'variant',
    { type: 'tuple' },
    7,
    { type: 'list', element: 'int' },
  ])('%j is none of format version 2', type => expect(() => parseNestedFields([field(1, type)])).toThrow(IcebergError))

  it('fields have names and ids', () => {
    expect(() => parseNestedFields([{ id: 1, type: 'int' }])).toThrow('has no name')
    expect(() => parseNestedFields([{ name: 'a', type: 'int' }])).toThrow('column a has no field id')
    expect(() => parseNestedFields([field(1, { type: 'struct', fields: [null] }, 's')])).toThrow(
      'a field of s has no name',
    )
  })

  it('widen as Iceberg lets them', () => {
    const pairs = [
      ['int', 'long'],
      ['float', 'double'],
      ['decimal(9, 2)', 'decimal(10, 2)'],
    ] as const
    for (const [from, to] of pairs) expect([mayBecome(from, to), mayBecome(to, from)]).toEqual([true, false])
    expect(mayBecome('decimal(9, 2)', 'decimal(10, 3)')).toBe(false)
    expect(mayBecome('int', 'double')).toBe(false)
    expect(mayBecome('date', 'timestamp')).toBe(false)
  })
})
