import { z } from 'zod'
import {
  partitionSpecBody,
  partitionStatisticsBody,
  refBody,
  schemaBody,
  smallId,
  snapshotBody,
  snapshotId,
  sortOrderBody,
  statisticsBody,
} from './body-parts.ts'
import { quote } from './refuse.ts'

const text = z.string()
const update = <Action extends string, Shape extends z.ZodRawShape>(action: Action, shape: Shape) =>
  z.looseObject({ action: z.literal(action), ...shape })

// Older clients of the reference implementation have other names for these two members.
const renamed = (from: string, to: string) => (body: unknown) =>
  body !== null && typeof body === 'object' && from in body && !(to in body)
    ? { ...body, [to]: (body as Record<string, unknown>)[from] }
    : body

const known = [
  update('assign-uuid', { uuid: z.guid() }),
  update('upgrade-format-version', { 'format-version': z.int() }),
  update('add-schema', { schema: schemaBody }),
  update('set-current-schema', { 'schema-id': smallId }),
  update('add-spec', { spec: partitionSpecBody }),
  update('set-default-spec', { 'spec-id': smallId }),
  update('add-sort-order', { 'sort-order': sortOrderBody }),
  update('set-default-sort-order', { 'sort-order-id': smallId }),
  update('add-snapshot', { snapshot: snapshotBody }),
  update('set-snapshot-ref', { 'ref-name': text.min(1), ...refBody.shape }),
  update('remove-snapshot-ref', { 'ref-name': text }),
  update('remove-snapshots', { 'snapshot-ids': z.array(snapshotId) }),
  update('set-location', { location: text.min(1) }),
  update('set-properties', { updates: z.record(text, text) }),
  update('remove-properties', { removals: z.array(text) }),
  update('set-statistics', { statistics: statisticsBody }),
  update('remove-statistics', { 'snapshot-id': snapshotId }),
  update('set-partition-statistics', { 'partition-statistics': partitionStatisticsBody }),
  update('remove-partition-statistics', { 'snapshot-id': snapshotId }),
  update('remove-partition-specs', { 'spec-ids': z.array(smallId) }),
  update('remove-schemas', { 'schema-ids': z.array(smallId) }),
] as const

const later = new Map([
  ['enable-row-lineage', 'row lineage needs format version 3; tables here are of version 2'],
  ['add-encryption-key', 'encryption keys need format version 3; tables here are of version 2'],
  ['remove-encryption-key', 'encryption keys need format version 3; tables here are of version 2'],
  ['add-view-version', 'is an update of a view, not of a table'],
  ['set-current-view-version', 'is an update of a view, not of a table'],
])

/** One update of a table of format version 2, told by its `action`. Protocol, "TableUpdate". */
export const tableUpdate = z.preprocess(
  body => renamed('updated', 'updates')(renamed('removed', 'removals')(body)),
  z.discriminatedUnion('action', known, {
    error: ({ code, input }) => {
      if (code !== 'invalid_union') return 'expected an update'
      const action = (input as { action?: unknown }).action
      const reason = (typeof action === 'string' && later.get(action)) || 'is no update that this catalog knows'
      return `the update ${quote(action)}: ${reason}`
    },
  }),
)
export type TableUpdate = z.infer<typeof tableUpdate>

/** The update of one action. */
export type UpdateOf<Action extends TableUpdate['action']> = Extract<TableUpdate, { action: Action }>
