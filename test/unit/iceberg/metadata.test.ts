import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IcebergError } from '../../../lib/iceberg/error.ts'
import {
  currentSchema,
  currentSchemaFields,
  currentSnapshot,
  equalIds,
  findSnapshot,
  formatTableMetadata,
  parseTableMetadata,
  type TableMetadata,
} from '../../../lib/iceberg/metadata.ts'
import { JsonError } from '../../../lib/json.ts'

const huge = 2n ** 62n + 1n
/** A document as an engine writes it: members in an order of its own, one that the spec does not know, an id of 63 bits. */
const document = `{
  "location": "s3://lake/data/trial/raw/dm", "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
  "last-sequence-number": 34, "last-updated-ms": 1602638573590, "last-column-id": 3, "current-schema-id": 1,
  "x-ours": {"b": [{"z": 1, "a": ${huge}}], "a": null},
  "schemas": [
    {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "x", "required": true, "type": "long"}]},
    {"type": "struct", "schema-id": 1, "identifier-field-ids": [1], "fields": [
      {"id": 1, "name": "x", "required": true, "type": "long"},
      {"id": 3, "name": "z", "required": false, "type": {"type": "list", "element-id": 4, "element": "int", "element-required": true}}]}
  ],
  "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": [{"name": "x", "transform": "identity", "source-id": 1, "field-id": 1000}]}],
  "last-partition-id": 1000, "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
  "properties": {"owner": "somebody"}, "current-snapshot-id": ${huge},
  "refs": {"main": {"snapshot-id": ${huge}, "type": "branch"}},
  "snapshots": [
    {"snapshot-id": 3051729675574597004, "timestamp-ms": 1515100955770, "sequence-number": 0, "summary": {"operation": "append"}, "manifest-list": "s3://lake/1.avro"},
    {"snapshot-id": ${huge}, "parent-snapshot-id": 3051729675574597004, "timestamp-ms": 1555100955770, "sequence-number": 1,
     "summary": {"operation": "append"}, "manifest-list": "s3://lake/2.avro", "schema-id": 1}
  ],
  "snapshot-log": [{"snapshot-id": ${huge}, "timestamp-ms": 1555100955770}], "metadata-log": []
}`
const withMember = (change: (metadata: TableMetadata) => void) => {
  const metadata = parseTableMetadata(document)
  change(metadata)
  return formatTableMetadata(metadata)
}

describe('parseTableMetadata and formatTableMetadata', () => {
  it('keep 63-bit ids and unknown members', () => {
    const metadata = parseTableMetadata(document)
    expect(metadata['current-snapshot-id']).toBe(huge)
    expect(metadata['x-ours']).toEqual({ a: null, b: [{ a: huge, z: 1 }] })
    expect(metadata.schemas[1]!['identifier-field-ids']).toEqual([1])
    const text = formatTableMetadata(metadata)
    expect(text).toContain(`"current-snapshot-id": ${huge},`)
    expect(parseTableMetadata(text)).toEqual(metadata)
    expect(formatTableMetadata(parseTableMetadata(text))).toBe(text)
  })

  it('write equal text whatever the order of members', () => {
    const shuffle = (value: unknown, order: number[]): unknown => {
      if (Array.isArray(value)) return value.map(item => shuffle(item, order))
      if (value === null || typeof value !== 'object') return value
      const entries = Object.entries(value).map((entry, index) => ({ entry, rank: order[index % order.length]! }))
      const sorted = entries.sort((a, b) => a.rank - b.rank)
      return Object.fromEntries(sorted.map(({ entry: [name, member] }) => [name, shuffle(member, order)]))
    }
    const metadata = parseTableMetadata(document)
    const text = formatTableMetadata(metadata)
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), order => {
        expect(formatTableMetadata(shuffle(metadata, order) as TableMetadata)).toBe(text)
      }),
    )
  })

  it('begin with the format version and leave undefined members out', () => {
    const text = formatTableMetadata({ ...parseTableMetadata(document), refs: undefined })
    expect(text.startsWith('{\n  "format-version": 2,\n  "table-uuid"')).toBe(true)
    expect(text.endsWith('}\n')).toBe(true)
    expect(text).not.toContain('"refs"')
  })
})

describe('parseTableMetadata', () => {
  it.each([
    ['another format version', document.replace('"format-version": 2', '"format-version": 1'), 'format-version: '],
    ['a missing member', document.replace('"table-uuid"', '"uuid"'), 'table-uuid: '],
    [
      'a wrong nested member',
      document.replace('"sequence-number": 0', '"sequence-number": "0"'),
      'snapshots.0.sequence-number: ',
    ],
    ['no object', '[]', 'document: '],
  ])('names %s', (_, text, place) => {
    expect(() => parseTableMetadata(text, 'tables/raw/dm.json')).toThrow(IcebergError)
    expect(() => parseTableMetadata(text, 'tables/raw/dm.json')).toThrow(
      `tables/raw/dm.json is not Iceberg table metadata of format version 2: ${place}`,
    )
  })

  it('names what is not JSON', () => {
    expect(() => parseTableMetadata('{', 'tables/raw/dm.json')).toThrow(JsonError)
    expect(() => parseTableMetadata('{')).toThrow('table metadata is not valid JSON')
  })

  it('refuses a current schema or snapshot that is not there', () => {
    const schema = withMember(metadata => {
      metadata['current-schema-id'] = 9
    })
    expect(() => parseTableMetadata(schema)).toThrow('table metadata: the current schema, 9, is not among its schemas')
    const snapshot = withMember(metadata => {
      metadata['current-snapshot-id'] = 77
    })
    expect(() => parseTableMetadata(snapshot)).toThrow('the current snapshot, 77, is not among its snapshots')
  })
})

describe('the current state', () => {
  it('is the snapshot and the schema that the document names', () => {
    const metadata = parseTableMetadata(document)
    expect(currentSnapshot(metadata)!['manifest-list']).toBe('s3://lake/2.avro')
    expect(currentSchema(metadata)['schema-id']).toBe(1)
    expect(findSnapshot(metadata, 3051729675574597004n)!['manifest-list']).toBe('s3://lake/1.avro')
    expect(findSnapshot(metadata, 1)).toBeUndefined()
    expect(() => currentSchemaFields(metadata)).toThrow(
      'table s3://lake/data/trial/raw/dm: column z: the Iceberg type is',
    )
    metadata['current-schema-id'] = 0
    expect(currentSchemaFields(metadata)).toEqual([{ id: 1, name: 'x', type: { kind: 'bigint' }, nullable: false }])
  })

  it.each([null, -1, undefined])('has no snapshot where the document says %s', none => {
    const text = withMember(metadata => {
      metadata['current-snapshot-id'] = none
      metadata.snapshots = undefined
    })
    expect(currentSnapshot(parseTableMetadata(text))).toBeUndefined()
    expect(findSnapshot(parseTableMetadata(text), 1)).toBeUndefined()
  })
})

it('equalIds compares numbers and bigints', () => {
  expect(equalIds(5, 5n)).toBe(true)
  expect(equalIds(huge, huge - 1n)).toBe(false)
})
