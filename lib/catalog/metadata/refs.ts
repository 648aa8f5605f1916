import { currentSnapshot, type TableMetadata } from '../../iceberg/metadata.ts'

export type Ref = NonNullable<TableMetadata['refs']>[string]

/** The branch whose snapshot is the table's current one. */
export const mainRef = 'main'

/**
 * A table's branches and tags by name; a map, for one may be called like a member that every object has. A table with a current snapshot has `main`,
 * said or not (spec, "Snapshot References").
 */
export function refsOf(metadata: TableMetadata): Map<string, Ref> {
  const refs = new Map(Object.entries(metadata.refs ?? {}))
  const current = currentSnapshot(metadata)
  if (current && !refs.has(mainRef)) refs.set(mainRef, { type: 'branch', 'snapshot-id': current['snapshot-id'] })
  return refs
}
