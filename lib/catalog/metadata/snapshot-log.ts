import type { TableMetadata } from '../../iceberg/metadata.ts'
import type { Draft } from './draft.ts'

type LogEntry = NonNullable<TableMetadata['snapshot-log']>[number]

/**
 * The log of which snapshot was current when, after a commit. A snapshot that the commit made current and replaced again never was. Where a
 * snapshot is gone, all before it goes too: without it the log would say that its predecessor had stayed current. Spec, "Snapshot Log".
 */
export function endSnapshotLog(draft: Draft): LogEntry[] {
  const { metadata, addedSnapshots, mainSnapshots, removedSnapshots } = draft
  const present = new Set((metadata.snapshots ?? []).map(snapshot => String(snapshot['snapshot-id'])))
  const added = new Set(addedSnapshots.map(snapshot => String(snapshot['snapshot-id'])))
  const current = String(metadata['current-snapshot-id'])
  const passing = new Set(mainSnapshots.map(String).filter(id => added.has(id) && id !== current))
  const log: LogEntry[] = []
  for (const entry of metadata['snapshot-log'] ?? []) {
    const id = String(entry['snapshot-id'])
    if (passing.has(id)) continue
    if (present.has(id)) log.push(entry)
    else if (removedSnapshots) log.length = 0
  }
  return log
}
