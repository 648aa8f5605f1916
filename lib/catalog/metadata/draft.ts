import type { Id, Snapshot, TableMetadata } from '../../iceberg/metadata.ts'
import { noPartitionId } from './partition-spec.ts'
import { badRequest } from './refuse.ts'

/** A table while the updates of one commit are applied to it, and what later updates and the end of the commit must know of earlier ones. */
export interface Draft {
  metadata: TableMetadata
  /** What -1 stands for in a later update of this commit. */
  lastSchemaId?: number
  lastSpecId?: number
  lastOrderId?: number
  addedSnapshots: Snapshot[]
  /** Snapshots that `main` was set to, in turn. */
  mainSnapshots: Id[]
  removedSnapshots: boolean
  removedSchemas: number[]
}

/** What updates are applied with. */
export interface UpdateContext {
  /** Milliseconds since 1970. */
  now: number
  /** True for an address that the table's clients may have files at. */
  isAllowedLocation: (address: string) => boolean
}

// No id of a schema, spec or order, and no uuid or location: "not said yet".
const unset = -1

export const beginDraft = (metadata: TableMetadata): Draft => ({
  metadata,
  addedSnapshots: [],
  mainSnapshots: [],
  removedSnapshots: false,
  removedSchemas: [],
})

/** A table of which nothing was said yet. It is not valid before `checkComplete` accepts it. */
export const emptyTable = (properties: Record<string, string>): TableMetadata => ({
  'format-version': 2,
  'table-uuid': '',
  location: '',
  'last-sequence-number': 0,
  'last-updated-ms': 0,
  'last-column-id': 0,
  'current-schema-id': unset,
  schemas: [],
  'default-spec-id': unset,
  'partition-specs': [],
  'last-partition-id': noPartitionId,
  'default-sort-order-id': unset,
  'sort-orders': [],
  properties,
  refs: {},
  snapshots: [],
  'snapshot-log': [],
  'metadata-log': [],
})

/** Throws CatalogError BadRequestException, which names what a new table still lacks. */
export function checkComplete(metadata: TableMetadata): void {
  const missing = [
    metadata['table-uuid'] === '' && 'assign-uuid',
    metadata.location === '' && 'set-location',
    metadata['current-schema-id'] === unset && 'set-current-schema',
    metadata['default-spec-id'] === unset && 'set-default-spec',
    metadata['default-sort-order-id'] === unset && 'set-default-sort-order',
  ].filter(name => name !== false)
  if (missing.length > 0) throw badRequest(`the updates do not make a whole table: ${missing.join(', ')} missing`)
}

/** The draft with these members of its metadata. */
export const withMetadata = (draft: Draft, members: Partial<TableMetadata>): Draft => ({
  ...draft,
  metadata: { ...draft.metadata, ...members },
})

/** The id that an update names, where -1 stands for the one that this commit added last. */
export function resolveLast(id: number, lastId: number | undefined, what: string): number {
  if (id !== -1) return id
  if (lastId === undefined) throw badRequest(`the last added ${what} cannot be set: this commit has added none`)
  return lastId
}
