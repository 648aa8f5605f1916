import { canonicalJson } from '../../hash.ts'
import type { TableMetadata } from '../../iceberg/metadata.ts'
import { snapshotUpdates } from './apply-snapshots.ts'
import { currentSchema, structureUpdates } from './apply-structure.ts'
import { beginDraft, checkComplete, type Draft, emptyTable, type UpdateContext, withMetadata } from './draft.ts'
import { checkSpec, fieldsOfSpec } from './partition-spec.ts'
import {
  acceptProperties,
  checkFormatVersion,
  fixedProperties,
  newTableProperties,
  removeProperties,
} from './properties.ts'
import { badRequest } from './refuse.ts'
import { endSnapshotLog } from './snapshot-log.ts'
import { checkOrder, fieldsOfOrder } from './sort-order.ts'
import type { TableUpdate, UpdateOf } from './updates.ts'

const tableUpdates = {
  'assign-uuid'(draft: Draft, update: UpdateOf<'assign-uuid'>): Draft {
    const uuid = update.uuid.toLowerCase()
    const present = draft.metadata['table-uuid'].toLowerCase()
    if (present === uuid) return draft
    // Engines know a table by its uuid, and its commits by asserting it.
    if (present !== '') throw badRequest(`the table's uuid is ${present} and cannot be changed`)
    return withMetadata(draft, { 'table-uuid': uuid })
  },

  'upgrade-format-version'(draft: Draft, update: UpdateOf<'upgrade-format-version'>): Draft {
    checkFormatVersion(update['format-version'])
    return draft
  },

  'set-location'(draft: Draft, update: UpdateOf<'set-location'>, { isAllowedLocation }: UpdateContext): Draft {
    const location = update.location.replace(/\/+$/, '')
    if (!isAllowedLocation(location)) throw badRequest("the table's location must lie inside the table's own folders")
    return withMetadata(draft, { location })
  },

  'set-properties': (draft: Draft, update: UpdateOf<'set-properties'>, { isAllowedLocation }: UpdateContext): Draft =>
    withMetadata(draft, {
      properties: { ...draft.metadata.properties, ...acceptProperties(update.updates, isAllowedLocation) },
    }),

  'remove-properties': (draft: Draft, update: UpdateOf<'remove-properties'>): Draft =>
    withMetadata(draft, { properties: removeProperties(draft.metadata.properties ?? {}, update.removals) }),
}

const handlers = { ...tableUpdates, ...structureUpdates, ...snapshotUpdates }

export interface ApplyUpdatesOptions {
  now: Date
  /** Where the document of `before` lies; undefined where it is not to be logged. */
  previousLocation?: string | undefined
  /** True for an address that the table may be at, and have manifest lists, statistics and folders at. */
  isAllowedLocation: (address: string) => boolean
}

/**
 * The table after the updates of one commit; `before` itself where they change nothing. From undefined a table is made of the updates alone. Its
 * times never go back, whatever the clocks of engines say. Throws CatalogError: CommitFailedException for a snapshot that was made for an older
 * state, BadRequestException for an update that cannot be, or a new table that is not whole. Protocol, "TableUpdate".
 */
export function applyUpdates(
  before: TableMetadata | undefined,
  updates: TableUpdate[],
  { now, previousLocation, isAllowedLocation }: ApplyUpdatesOptions,
): TableMetadata {
  const context = { now: Math.max(now.getTime(), before?.['last-updated-ms'] ?? 0), isAllowedLocation }
  const start = beginDraft(before ?? emptyTable(newTableProperties))
  const draft = updates.reduce((draft, update) => applyUpdate(draft, update, context), start)
  if (before && canonicalJson(draft.metadata) === canonicalJson(before)) return before
  checkComplete(draft.metadata)
  checkLayout(draft)

  const log = endSnapshotLog(draft)
  const metadata: TableMetadata = {
    ...draft.metadata,
    'snapshot-log': log,
    'last-updated-ms': Math.max(
      before?.['last-updated-ms'] ?? 0,
      draft.addedSnapshots.at(-1)?.['timestamp-ms'] ?? now.getTime(),
      log.at(-1)?.['timestamp-ms'] ?? 0,
    ),
    properties: { ...draft.metadata.properties, ...fixedProperties },
  }
  if (!before || previousLocation === undefined) return metadata
  const entry = { 'metadata-file': previousLocation, 'timestamp-ms': before['last-updated-ms'] }
  return { ...metadata, 'metadata-log': [...(before['metadata-log'] ?? []), entry].slice(-logLength(metadata)) }
}

function applyUpdate(draft: Draft, update: TableUpdate, context: UpdateContext): Draft {
  const handler = handlers[update.action] as (draft: Draft, update: TableUpdate, context: UpdateContext) => Draft
  return handler(draft, update, context)
}

/** What engines will write by must fit the columns that they will write, and what is kept must be readable. */
function checkLayout(draft: Draft): void {
  const { metadata, removedSchemas } = draft
  const schema = currentSchema(draft)
  const spec = metadata['partition-specs'].find(candidate => candidate['spec-id'] === metadata['default-spec-id'])
  const order = metadata['sort-orders'].find(candidate => candidate['order-id'] === metadata['default-sort-order-id'])
  checkSpec(spec ? fieldsOfSpec(spec) : [], schema)
  checkOrder(order ? fieldsOfOrder(order) : [], schema)
  const reader = metadata.snapshots?.find(snapshot => removedSchemas.includes(snapshot['schema-id'] ?? -1))
  if (reader)
    throw badRequest(`schema ${reader['schema-id']} cannot be removed: snapshot ${reader['snapshot-id']} has it`)
}

/** How many predecessors the metadata lists: Iceberg's own rule and default. */
function logLength({ properties }: TableMetadata): number {
  const asked = properties?.['write.metadata.previous-versions-max'] ?? ''
  return /^[+-]?\d{1,9}$/.test(asked) ? Math.max(1, Number(asked)) : 100
}
