import type { Field } from '../fields.ts'
import type { Id, Snapshot, TableMetadata } from './metadata.ts'
import { equalSchemas, type IcebergSchema, icebergSchema } from './schema.ts'

// Iceberg's own default of write.metadata.previous-versions-max.
const previousVersions = 100
// Partition field ids start at 1000; this is "none yet" (spec, "Partition Evolution").
const noPartitionId = 999

/** The metadata of a table that has neither columns nor data yet. It is not valid until a schema is set. */
export function newTable(options: { uuid: string; location: string; time: Date }): TableMetadata {
  return {
    'format-version': 2,
    'table-uuid': options.uuid,
    location: options.location,
    'last-sequence-number': 0,
    'last-updated-ms': options.time.getTime(),
    'last-column-id': 0,
    'current-schema-id': -1,
    schemas: [],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'last-partition-id': noPartitionId,
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    properties: {},
    refs: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
  }
}

/**
 * The metadata with these columns as its current schema: one that it has already, its current one first, or a new one. Field ids that were ever
 * used stay used.
 */
export function setSchema(
  metadata: TableMetadata,
  fields: Field[],
): { metadata: TableMetadata; schema: IcebergSchema; changed: boolean } {
  const { schemas, 'current-schema-id': currentId } = metadata
  const next = icebergSchema(fields, Math.max(-1, ...schemas.map(schema => schema['schema-id'])) + 1)
  const equal = schemas.filter(candidate => equalSchemas(candidate, next))
  const known = equal.find(candidate => candidate['schema-id'] === currentId) ?? equal[0]
  const schema: IcebergSchema = known ?? next
  return {
    metadata: {
      ...metadata,
      'last-column-id': Math.max(metadata['last-column-id'], ...fields.map(({ id }) => id)),
      'current-schema-id': schema['schema-id'],
      schemas: known ? schemas : [...schemas, next as TableMetadata['schemas'][number]],
    },
    schema,
    changed: schema['schema-id'] !== currentId,
  }
}

/** The metadata with an unpartitioned spec among its specs, and that spec's id: our data files have no partition values. */
export function ensureUnpartitioned(metadata: TableMetadata): { metadata: TableMetadata; specId: number } {
  const specs = metadata['partition-specs']
  const found = specs.find(({ fields }) => fields.length === 0)
  if (found) return { metadata, specId: found['spec-id'] }
  const specId = Math.max(-1, ...specs.map(spec => spec['spec-id'])) + 1
  return { metadata: { ...metadata, 'partition-specs': [...specs, { 'spec-id': specId, fields: [] }] }, specId }
}

/** The metadata with that spec and no sort order as its defaults: those of an engine may name columns that a replaced table lost. */
export function resetLayout(metadata: TableMetadata, specId: number): TableMetadata {
  const orders = metadata['sort-orders']
  const sortOrders = orders.some(order => order['order-id'] === 0) ? orders : [{ 'order-id': 0, fields: [] }, ...orders]
  return { ...metadata, 'default-spec-id': specId, 'default-sort-order-id': 0, 'sort-orders': sortOrders }
}

/** The metadata with one more snapshot, which `main` points to. */
export function addSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  const id: Id = snapshot['snapshot-id']
  const log = { 'snapshot-id': id, 'timestamp-ms': snapshot['timestamp-ms'] }
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'current-snapshot-id': id,
    refs: { ...metadata.refs, main: { type: 'branch', ...metadata.refs?.main, 'snapshot-id': id } },
    snapshots: [...(metadata.snapshots ?? []), snapshot],
    'snapshot-log': [...(metadata['snapshot-log'] ?? []), log],
  }
}

/** The metadata as the successor of `parent`, whose document lies at `parentAddress`. The log of predecessors is cut at its oldest end. */
export function succeed(
  metadata: TableMetadata,
  { parent, parentAddress, updated }: { parent: TableMetadata; parentAddress: string; updated: number },
): TableMetadata {
  const log = [
    ...(parent['metadata-log'] ?? []),
    { 'metadata-file': parentAddress, 'timestamp-ms': parent['last-updated-ms'] },
  ]
  return { ...metadata, 'last-updated-ms': updated, 'metadata-log': log.slice(-previousVersions) }
}
