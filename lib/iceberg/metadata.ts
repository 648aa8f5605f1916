import { z } from 'zod'
import type { Field } from '../fields.ts'
import { parseJson, stringifyJson } from '../json.ts'
import { IcebergError } from './error.ts'
import { fieldsOfSchema, type IcebergSchema } from './schema.ts'

/** A 63-bit id; a number where a double holds it, otherwise a bigint. */
export type Id = number | bigint

const id = z.union([z.int(), z.bigint()])

const field = z.looseObject({
  id: z.int(),
  name: z.string(),
  required: z.boolean(),
  type: z.union([z.string(), z.looseObject({})]),
  doc: z.string().optional(),
})
const schema = z.looseObject({ type: z.literal('struct'), 'schema-id': z.int(), fields: z.array(field) })

const snapshot = z.looseObject({
  'snapshot-id': id,
  'parent-snapshot-id': id.nullish(),
  'sequence-number': z.int(),
  'timestamp-ms': z.int(),
  'manifest-list': z.string(),
  summary: z.record(z.string(), z.string()).optional(),
  'schema-id': z.int().nullish(),
})

const partitionSpec = z.looseObject({ 'spec-id': z.int(), fields: z.array(z.looseObject({})) })
const sortOrder = z.looseObject({ 'order-id': z.int(), fields: z.array(z.looseObject({})) })

// Members and their order: spec, "Table Metadata Fields", format version 2.
const tableMetadata = z.looseObject({
  'format-version': z.literal(2),
  'table-uuid': z.string(),
  location: z.string(),
  'last-sequence-number': z.int(),
  'last-updated-ms': z.int(),
  'last-column-id': z.int(),
  'current-schema-id': z.int(),
  schemas: z.array(schema).min(1),
  'default-spec-id': z.int(),
  'partition-specs': z.array(partitionSpec),
  'last-partition-id': z.int(),
  'default-sort-order-id': z.int(),
  'sort-orders': z.array(sortOrder),
  properties: z.record(z.string(), z.string()).optional(),
  'current-snapshot-id': id.nullish(),
  refs: z.record(z.string(), z.looseObject({ 'snapshot-id': id, type: z.string() })).optional(),
  snapshots: z.array(snapshot).optional(),
  'snapshot-log': z.array(z.looseObject({ 'snapshot-id': id, 'timestamp-ms': z.int() })).optional(),
  'metadata-log': z.array(z.looseObject({ 'metadata-file': z.string(), 'timestamp-ms': z.int() })).optional(),
})

/** Iceberg table metadata, format version 2, as the JSON document has it. Members that are not named here are kept. */
export type TableMetadata = z.infer<typeof tableMetadata>
/** One snapshot of a table. */
export type Snapshot = z.infer<typeof snapshot>

/**
 * Reads table metadata. 63-bit ids stay exact, unknown members are kept. Throws JsonError for text that is not JSON and IcebergError
 * for a document that is not valid metadata of format version 2; both name `subject`.
 */
export function parseTableMetadata(text: string, subject = 'table metadata'): TableMetadata {
  const result = tableMetadata.safeParse(parseJson(text, subject))
  if (!result.success) {
    const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'document'}: ${message}`)
    throw new IcebergError(`${subject} is not Iceberg table metadata of format version 2: ${issues.join('; ')}`)
  }
  const metadata = result.data
  if (!metadata.schemas.some(candidate => candidate['schema-id'] === metadata['current-schema-id'])) {
    throw new IcebergError(`${subject}: the current schema, ${metadata['current-schema-id']}, is not among its schemas`)
  }
  const current = currentSnapshotId(metadata)
  if (current !== undefined && !findSnapshot(metadata, current)) {
    throw new IcebergError(`${subject}: the current snapshot, ${current}, is not among its snapshots`)
  }
  return metadata
}

/**
 * Writes table metadata as JSON text. Equal documents give equal text, however they were put together: members stand in the order of
 * the spec, all others and those of nested objects by name. One member a line, so that versions can be compared by eye.
 */
export function formatTableMetadata(metadata: TableMetadata): string {
  const known = Object.keys(tableMetadata.shape)
  const names = [
    ...known,
    ...Object.keys(metadata)
      .filter(name => !known.includes(name))
      .sort(),
  ]
  const ordered = names
    .filter(name => metadata[name] !== undefined)
    .map(name => [name, sortMembers(metadata[name])] as const)
  return `${stringifyJson(Object.fromEntries(ordered), 2)}\n`
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(members.map(([name, member]) => [name, sortMembers(member)]))
}

/** True where two ids are the same number. */
export function equalIds(a: Id, b: Id): boolean {
  return BigInt(a) === BigInt(b)
}

// Some writers say -1 or null where there is no snapshot.
function currentSnapshotId(metadata: TableMetadata): Id | undefined {
  const current = metadata['current-snapshot-id']
  return current === null || current === undefined || equalIds(current, -1) ? undefined : current
}

/** The snapshot of that id, or undefined. */
export function findSnapshot(metadata: TableMetadata, snapshotId: Id): Snapshot | undefined {
  return metadata.snapshots?.find(candidate => equalIds(candidate['snapshot-id'], snapshotId))
}

/** The snapshot that a reader sees, or undefined for a table that never had data. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const current = currentSnapshotId(metadata)
  return current === undefined ? undefined : findSnapshot(metadata, current)
}

/** The schema that a reader sees. */
export function currentSchema(metadata: TableMetadata): IcebergSchema {
  return metadata.schemas.find(candidate => candidate['schema-id'] === metadata['current-schema-id'])!
}

/** The columns that a reader sees. Throws IcebergError, which names table and column, for a type that no declared type stands for. */
export function currentSchemaFields(metadata: TableMetadata): Field[] {
  try {
    return fieldsOfSchema(currentSchema(metadata))
  } catch (cause) {
    throw new IcebergError(`table ${metadata.location}: ${(cause as Error).message}`, { cause })
  }
}
