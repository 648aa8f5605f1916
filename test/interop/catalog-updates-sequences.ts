import fc from 'fast-check'
import { applyUpdates } from '../../lib/catalog/metadata/apply-updates.ts'
import { readCommitTable, readCreateTable } from '../../lib/catalog/metadata/bodies.ts'
import { createMetadata } from '../../lib/catalog/metadata/create-metadata.ts'
import type { Id, TableMetadata } from '../../lib/iceberg/metadata.ts'

export const location = 's3://lake/data/trial/work/visits'
export const uuid = '0b4f1a52-33aa-5c1e-9d2b-7a1d6f0c9e11'

const columns = [
  { id: 1, name: 'subject', required: true, type: 'string' },
  { id: 2, name: 'visit', required: false, type: 'long', doc: 'number of the visit' },
  { id: 3, name: 'day', required: false, type: 'date' },
]

/** A table of three columns without data. */
export const startTable = (more: object = {}): TableMetadata =>
  createMetadata(readCreateTable({ name: 'visits', schema: { type: 'struct', fields: columns }, ...more }), {
    uuid,
    location,
    now: new Date(1000),
  })

/** Applies updates as a request would carry them. */
export function applyOurs(before: TableMetadata, updates: object[], previous: string): TableMetadata {
  const request = readCommitTable({ requirements: [], updates })
  const options = { now: new Date(before['last-updated-ms'] + 1000), previousLocation: previous }
  const isAllowedLocation = (address: string) => address.startsWith(location)
  return applyUpdates(before, request.updates, { ...options, isAllowedLocation })
}

/** A snapshot that the table could get next: of the next number and a second later, without a parent unless one is given. */
export function nextSnapshot(metadata: TableMetadata, id: Id, more: object = {}) {
  const sequence = metadata['last-sequence-number'] + 1
  return {
    action: 'add-snapshot',
    snapshot: {
      'snapshot-id': id,
      'sequence-number': sequence,
      'timestamp-ms': metadata['last-updated-ms'] + 1000,
      'manifest-list': `${location}/metadata/${id}.avro`,
      summary: { operation: 'append', 'added-records': '1' },
      'schema-id': metadata['current-schema-id'],
      ...more,
    },
  }
}
export const setRef = (name: string, id: Id, type = 'branch', more: object = {}) => ({
  action: 'set-snapshot-ref',
  'ref-name': name,
  type,
  'snapshot-id': id,
  ...more,
})
const statisticsFile = (id: Id) => ({
  'snapshot-id': id,
  'statistics-path': `${location}/metadata/${id}.stats`,
  'file-size-in-bytes': 10,
})
export const setStatistics = (id: Id) => ({
  action: 'set-statistics',
  statistics: { ...statisticsFile(id), 'file-footer-size-in-bytes': 4, 'blob-metadata': [] },
})
export const setPartitionStatistics = (id: Id) => ({
  action: 'set-partition-statistics',
  'partition-statistics': statisticsFile(id),
})

/** Updates that an engine could send for this table; `pick` chooses among what there is. None where there is nothing to choose. */
type Step = (metadata: TableMetadata, pick: number, serial: number) => object[]

const choose = <Item>(items: Item[], pick: number): Item[] => (items.length === 0 ? [] : [items[pick % items.length]!])
const next = (ids: number[]) => Math.max(-1, ...ids) + 1
const idsOf = (metadata: TableMetadata): Id[] => (metadata.snapshots ?? []).map(snapshot => snapshot['snapshot-id'])
const isNamed = (metadata: TableMetadata, id: Id) =>
  Object.values(metadata.refs ?? {}).some(ref => ref['snapshot-id'] === id)
/** Beyond what a double holds for every other one. */
const freshId = (serial: number): Id => (serial % 2 ? 7_216_895_489_347_200_000n + BigInt(serial) : 1000 + serial)

/** The schema with these columns, and as the current one; nothing where there is one of these columns. */
function changeSchema(metadata: TableMetadata, change: (fields: object[]) => object[]): object[] {
  const current = metadata.schemas.find(schema => schema['schema-id'] === metadata['current-schema-id'])!
  const fields = change(current.fields)
  const known = metadata.schemas.some(schema => JSON.stringify(schema.fields) === JSON.stringify(fields))
  const id = next(metadata.schemas.map(schema => schema['schema-id']))
  if (known) return []
  return [
    { action: 'add-schema', schema: { type: 'struct', 'schema-id': id, fields } },
    { action: 'set-current-schema', 'schema-id': -1 },
  ]
}

/** Steps that move main; a commit has at most one of them. */
const mainSteps: Step[] = [
  (metadata, _pick, serial) => {
    const parent = metadata['current-snapshot-id'] ?? undefined
    const more = parent === undefined ? {} : { 'parent-snapshot-id': parent }
    return [nextSnapshot(metadata, freshId(serial), more), setRef('main', freshId(serial))]
  },
  (metadata, _pick, serial) => [
    { action: 'remove-snapshot-ref', 'ref-name': 'main' },
    nextSnapshot(metadata, freshId(serial)),
    setRef('main', freshId(serial)),
  ],
  (metadata, pick) => choose(idsOf(metadata), pick).map(id => setRef('main', id)),
]
const otherSteps: Step[] = [
  (metadata, pick) =>
    choose(idsOf(metadata), pick).map(id => setRef(`tag${pick % 3}`, id, 'tag', { 'max-ref-age-ms': 60_000 })),
  (metadata, pick) =>
    choose(idsOf(metadata), pick).map(id => setRef('audit', id, 'branch', { 'min-snapshots-to-keep': 3 })),
  (metadata, pick) =>
    choose(
      Object.keys(metadata.refs ?? {}).filter(name => name !== 'main'),
      pick,
    ).map(name => ({ action: 'remove-snapshot-ref', 'ref-name': name })),
  (metadata, _pick, serial) =>
    changeSchema(metadata, fields => [
      ...fields,
      { id: metadata['last-column-id'] + 1, name: `note${serial}`, required: false, type: 'decimal(9, 2)' },
    ]),
  (metadata, _pick, serial) =>
    changeSchema(metadata, fields =>
      fields.map((field, n) => (n === 1 ? { ...field, name: `visit${serial}` } : field)),
    ),
  metadata => changeSchema(metadata, fields => (fields.length > 3 ? fields.slice(0, -1) : fields)),
  (metadata, pick) =>
    choose(metadata.schemas, pick).map(schema => ({ action: 'set-current-schema', 'schema-id': schema['schema-id'] })),
  (metadata, pick) => {
    const used = new Set((metadata.snapshots ?? []).map(snapshot => snapshot['schema-id']))
    const ids = metadata.schemas.map(schema => schema['schema-id'])
    const free = ids.filter(id => id !== metadata['current-schema-id'] && !used.has(id))
    return choose(free, pick).map(id => ({ action: 'remove-schemas', 'schema-ids': [id] }))
  },
  (metadata, pick) => {
    const specs = metadata['partition-specs']
    const transform = `bucket[${2 + (pick % 4)}]`
    if (specs.some(spec => spec.fields[0]?.transform === transform)) return []
    const field = { 'source-id': 1, 'field-id': metadata['last-partition-id'] + 1, name: `b${pick % 4}`, transform }
    return [
      { action: 'add-spec', spec: { 'spec-id': next(specs.map(spec => spec['spec-id'])), fields: [field] } },
      { action: 'set-default-spec', 'spec-id': -1 },
    ]
  },
  (metadata, pick) =>
    choose(metadata['partition-specs'], pick).map(spec => ({ action: 'set-default-spec', 'spec-id': spec['spec-id'] })),
  (metadata, pick) => {
    const ids = metadata['partition-specs'].map(spec => spec['spec-id'])
    const free = ids.filter(id => id !== metadata['default-spec-id'])
    return choose(free, pick).map(id => ({ action: 'remove-partition-specs', 'spec-ids': [id] }))
  },
  (metadata, pick) => {
    const orders = metadata['sort-orders']
    const transform = `truncate[${1 + (pick % 4)}]`
    if (orders.some(order => order.fields[0]?.transform === transform)) return []
    const field = { 'source-id': 1, transform, direction: 'desc', 'null-order': 'nulls-last' }
    const id = next(orders.map(order => order['order-id']))
    return [
      { action: 'add-sort-order', 'sort-order': { 'order-id': id, fields: [field] } },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
    ]
  },
  (metadata, pick) =>
    choose(metadata['sort-orders'], pick).map(order => ({
      action: 'set-default-sort-order',
      'sort-order-id': order['order-id'],
    })),
  (_metadata, pick, serial) => [
    {
      action: 'set-properties',
      updates: { [`p${pick % 3}`]: String(serial), 'write.metadata.previous-versions-max': '4' },
    },
  ],
  (metadata, pick) =>
    choose(
      Object.keys(metadata.properties ?? {}).filter(name => /^p\d/.test(name)),
      pick,
    ).map(name => ({ action: 'remove-properties', removals: [name] })),
  (metadata, pick) => choose(idsOf(metadata), pick).map(setStatistics),
  (metadata, pick) => choose(idsOf(metadata), pick).map(setPartitionStatistics),
  (metadata, pick) =>
    choose((metadata.statistics ?? []) as { 'snapshot-id': Id }[], pick).map(file => ({
      action: 'remove-statistics',
      'snapshot-id': file['snapshot-id'],
    })),
  (metadata, pick) =>
    choose((metadata['partition-statistics'] ?? []) as { 'snapshot-id': Id }[], pick).map(file => ({
      action: 'remove-partition-statistics',
      'snapshot-id': file['snapshot-id'],
    })),
  metadata => {
    // The oldest entry's snapshot, where it was current only then: what goes from the middle of the log is a difference of its own.
    const [oldest, ...later] = (metadata['snapshot-log'] ?? []).map(entry => entry['snapshot-id'])
    if (oldest === undefined || later.includes(oldest) || isNamed(metadata, oldest)) return []
    const hasPartitions = ((metadata['partition-statistics'] ?? []) as { 'snapshot-id': Id }[]).some(
      file => file['snapshot-id'] === oldest,
    )
    return hasPartitions ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': [oldest] }]
  },
  (_metadata, pick) => [{ action: 'set-location', location: `${location}/at${pick % 3}` }],
  () => [{ action: 'assign-uuid', uuid }],
  () => [{ action: 'upgrade-format-version', 'format-version': 2 }],
]

export interface Commit {
  before: TableMetadata
  updates: object[]
  previous: string
  after: TableMetadata
}

const index = fc.nat(1000)
const commits = fc.array(
  fc.record({
    main: fc.option(index, { freq: 2 }),
    others: fc.array(fc.tuple(index, index), { maxLength: 3 }),
    pick: index,
  }),
  { minLength: 12, maxLength: 12 },
)

/** Sequences of commits that engines could make, and what we make of each. The same for the same seed. */
export function makeCommits({ seed, sequences }: { seed: number; sequences: number }): Commit[] {
  return fc.sample(commits, { seed, numRuns: sequences }).flatMap(sequence => {
    let before = startTable()
    return sequence.map(({ main, others, pick }, n) => {
      const previous = `s3://lake/metadata/${n}.metadata.json`
      const steps = [
        ...others.map(([kind, choice]) => [otherSteps[kind % otherSteps.length]!, choice] as const),
        ...(main === null ? [] : [[mainSteps[main % mainSteps.length]!, pick] as const]),
      ]
      // Each step is made for the table as the one before it leaves it, as a client does it; all are then one commit.
      let step = before
      const updates = steps.flatMap(([make, choice], m) => {
        const made = make(step, choice, n * 10 + m)
        step = applyOurs(step, made, previous)
        return made
      })
      const after = applyOurs(before, updates, previous)
      const commit = { before, updates, previous, after }
      before = after
      return commit
    })
  })
}
