import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CatalogError } from '../../../../lib/catalog/error.ts'
import type { SchemaBody } from '../../../../lib/catalog/metadata/body-parts.ts'
import { fieldsOfSpec } from '../../../../lib/catalog/metadata/partition-spec.ts'
import { listFields } from '../../../../lib/catalog/metadata/schema-fields.ts'
import {
  formatTableMetadata,
  type Id,
  parseTableMetadata,
  type TableMetadata,
} from '../../../../lib/iceberg/metadata.ts'
import { addSnapshot, commit, schema, setRef, table } from './samples.ts'

// Some beyond what a double holds, and a pair that one would mix up.
const ids: Id[] = [1, 2, 3, 7216895489347201103n, 7216895489347201104n, 9223372036854775807n]
const someId = fc.constantFrom(...ids)
const smallId = fc.integer({ min: -1, max: 4 })
const refName = fc.constantFrom('main', 'main', 'audit', 'v1', 'toString')

/** A column more, a column less, another order, another doc. */
const someSchema = fc
  .record({ keep: fc.integer({ min: 2, max: 5 }), extra: fc.integer({ min: 0, max: 3 }), doc: fc.boolean() })
  .map(({ keep, extra, doc }) => ({
    ...schema,
    fields: [
      ...schema.fields.slice(0, keep),
      ...Array.from({ length: extra }, (_, n) => ({ id: 20 + n, name: `extra${n}`, required: false, type: 'int' })),
    ].map(field => (doc ? { ...field, doc: field.name } : field)),
  }))
const someFields = fc.uniqueArray(
  fc.record({
    'source-id': fc.integer({ min: 1, max: 5 }),
    transform: fc.constantFrom('identity', 'month', 'bucket[4]', 'truncate[2]', 'void'),
  }),
  { maxLength: 2, selector: field => `${field['source-id']} ${field.transform}` },
)

/** How a snapshot is numbered and dated against the table that it is added to. */
const someSnapshot = fc.record({
  id: someId,
  step: fc.constantFrom(1, 1, 1, 1, 3, 0, -1),
  time: fc.integer({ min: 0, max: 2_000_000 }),
  hasParent: fc.boolean(),
  toMain: fc.boolean(),
})

type Make = (before: TableMetadata, added: number) => object[]
const always =
  (update: object): Make =>
  () => [update]
const command: fc.Arbitrary<Make> = fc.oneof(
  someSchema.map(body => always({ action: 'add-schema', schema: body })),
  smallId.map(id => always({ action: 'set-current-schema', 'schema-id': id })),
  someFields.map(fields =>
    always({
      action: 'add-spec',
      spec: { fields: fields.map(field => ({ ...field, name: `p_${field['source-id']}_${field.transform}` })) },
    }),
  ),
  smallId.map(id => always({ action: 'set-default-spec', 'spec-id': id })),
  someFields.map(fields =>
    always({
      action: 'add-sort-order',
      'sort-order': { fields: fields.map(field => ({ ...field, direction: 'asc', 'null-order': 'nulls-last' })) },
    }),
  ),
  smallId.map(id => always({ action: 'set-default-sort-order', 'sort-order-id': id })),
  {
    weight: 6,
    arbitrary: someSnapshot.map(
      ({ id, step, time, hasParent, toMain }): Make =>
        (before, added) => {
          const parent = before['current-snapshot-id']
          const more = {
            'timestamp-ms': time,
            'schema-id': before['current-schema-id'],
            ...(hasParent && parent !== undefined ? { 'parent-snapshot-id': parent } : {}),
          }
          const snapshot = addSnapshot(id, Math.max(0, before['last-sequence-number'] + added + step), more)
          return toMain ? [snapshot, setRef('main', id)] : [snapshot]
        },
    ),
  },
  fc
    .tuple(refName, someId, fc.constantFrom('branch', 'branch', 'tag'))
    .map(([name, id, type]) => always(setRef(name, id, { type }))),
  refName.map(name => always({ action: 'remove-snapshot-ref', 'ref-name': name })),
  fc.array(someId, { maxLength: 2 }).map(gone => always({ action: 'remove-snapshots', 'snapshot-ids': gone })),
  someId.map(id =>
    always({
      action: 'set-partition-statistics',
      'partition-statistics': {
        'snapshot-id': id,
        'statistics-path': `${table().location}/s`,
        'file-size-in-bytes': 1,
      },
    }),
  ),
  fc
    .dictionary(
      fc.constantFrom('a', 'gc.enabled', 'write.metadata.previous-versions-max'),
      fc.constantFrom('1', '2', 'x'),
    )
    .map(updates => always({ action: 'set-properties', updates })),
  fc.subarray(['a', 'gc.enabled', 'never']).map(removals => always({ action: 'remove-properties', removals })),
  fc.array(smallId, { maxLength: 2 }).map(gone => always({ action: 'remove-schemas', 'schema-ids': gone })),
  fc.array(smallId, { maxLength: 2 }).map(gone => always({ action: 'remove-partition-specs', 'spec-ids': gone })),
)
const commits = fc.array(
  fc.record({
    commands: fc.array(command, { minLength: 1, maxLength: 3 }),
    now: fc.integer({ min: 0, max: 2_000_000 }),
  }),
  { minLength: 1, maxLength: 12 },
)

const isUnique = (list: unknown[]) => expect(new Set(list.map(String)).size).toBe(list.length)
const isAscending = (list: number[]) => expect(list).toEqual(list.toSorted((a, b) => a - b))

/** What the spec says of every document. */
function checkDocument(metadata: TableMetadata): void {
  expect(parseTableMetadata(formatTableMetadata(metadata))).toStrictEqual(metadata)

  const schemaIds = metadata.schemas.map(item => item['schema-id'])
  const specs = metadata['partition-specs']
  const orderIds = metadata['sort-orders'].map(order => order['order-id'])
  const snapshots = metadata.snapshots ?? []
  const snapshotIds = snapshots.map(snapshot => String(snapshot['snapshot-id']))
  for (const list of [schemaIds, specs.map(spec => spec['spec-id']), orderIds, snapshotIds]) isUnique(list)

  expect(schemaIds).toContain(metadata['current-schema-id'])
  expect(specs.map(spec => spec['spec-id'])).toContain(metadata['default-spec-id'])
  expect(orderIds).toContain(metadata['default-sort-order-id'])
  const fieldIds = metadata.schemas.flatMap(item => listFields(item as SchemaBody)).map(({ id }) => id)
  expect(metadata['last-column-id']).toBeGreaterThanOrEqual(Math.max(...fieldIds))

  const partitionFields = specs.flatMap(fieldsOfSpec)
  expect(metadata['last-partition-id']).toBeGreaterThanOrEqual(
    Math.max(999, ...partitionFields.map(field => field['field-id'])),
  )
  const meanings = new Set(
    partitionFields.map(field => `${field['field-id']} ${field['source-id']} ${field.transform}`),
  )
  expect(new Set(partitionFields.map(field => field['field-id'])).size).toBe(meanings.size)

  const numbers = snapshots.map(snapshot => snapshot['sequence-number'])
  isUnique(numbers)
  isAscending(numbers)
  expect(metadata['last-sequence-number']).toBeGreaterThanOrEqual(Math.max(0, ...numbers))
  for (const snapshot of snapshots) expect(schemaIds).toContain(snapshot['schema-id'])

  const refs = Object.entries(metadata.refs ?? {})
  for (const [, ref] of refs) expect(snapshotIds).toContain(String(ref['snapshot-id']))
  const main = refs.find(([name]) => name === 'main')?.[1]
  expect(main?.['snapshot-id']).toEqual(metadata['current-snapshot-id'])
  if (main) expect(main.type).toBe('branch')
  for (const file of (metadata['partition-statistics'] ?? []) as { 'snapshot-id': Id }[]) {
    expect(snapshotIds).toContain(String(file['snapshot-id']))
  }

  const log = metadata['snapshot-log'] ?? []
  isAscending([...log.map(entry => entry['timestamp-ms']), metadata['last-updated-ms']])
  for (const entry of log) expect(snapshotIds).toContain(String(entry['snapshot-id']))
  if (main) expect(log.at(-1)?.['snapshot-id']).toEqual(main['snapshot-id'])
  isAscending([...(metadata['metadata-log'] ?? []).map(entry => entry['timestamp-ms']), metadata['last-updated-ms']])
  expect(metadata.properties?.['gc.enabled']).toBe('false')
}

/** What the spec says of a document and its successor. */
function checkSuccession(before: TableMetadata, after: TableMetadata, address: string): void {
  for (const member of ['last-column-id', 'last-partition-id', 'last-sequence-number', 'last-updated-ms'] as const) {
    expect(after[member]).toBeGreaterThanOrEqual(before[member])
  }
  expect(after['table-uuid']).toBe(before['table-uuid'])
  if (after === before) return
  expect(after['metadata-log']?.at(-1)).toEqual({ 'metadata-file': address, 'timestamp-ms': before['last-updated-ms'] })
}

function freeze<Value>(value: Value): Value {
  if (value !== null && typeof value === 'object') Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

it('every sequence of commits keeps what the spec says of a table', () => {
  let accepted = 0
  const refusals = new Set<string>()
  fc.assert(
    fc.property(commits, sequence => {
      let metadata = freeze(table())
      sequence.forEach(({ commands, now }, n) => {
        const address = `s3://lake/metadata/${n}.json`
        let added = 0
        const updates = commands.flatMap(make => {
          const made = make(metadata, added)
          if ('snapshot' in made[0]!) added++
          return made
        })
        try {
          const after = commit(metadata, updates, { now, previousLocation: address })
          expect(commit(metadata, updates, { now, previousLocation: address })).toStrictEqual(after)
          checkDocument(after)
          checkSuccession(metadata, after, address)
          metadata = freeze(after)
          accepted++
        } catch (error) {
          // A refusal leaves the table as it was; whatever else is thrown is a fault.
          if (!(error instanceof CatalogError)) throw error
          refusals.add(error.message.replaceAll(/\d+|"[^"]*"/g, '…'))
        }
      })
    }),
    { numRuns: 300 },
  )
  // Both ways are walked, or the property says little.
  expect(accepted).toBeGreaterThan(300)
  expect(refusals.size).toBeGreaterThan(5)
})
