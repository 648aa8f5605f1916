import { canonicalJson, hash53 } from '../hash.ts'
import { type DataFileEntry, encodeDataFile } from './data-file.ts'
import type { LakeWriter } from './lake-writer.ts'
import { encodeManifest, entryStatus, type ManifestEntry, type ManifestHeader, manifestHeader } from './manifest.ts'
import { describeManifest, encodeManifestList, type ManifestListEntry } from './manifest-list.ts'
import { currentSnapshot, type Id, type Snapshot, type TableMetadata } from './metadata.ts'
import type { Change, WriteMode } from './plan-change.ts'
import type { IcebergSchema } from './schema.ts'
import { summarizeChange, totalsOf } from './summary.ts'

export interface SnapshotPlan {
  before: TableMetadata
  schema: IcebergSchema
  /** An unpartitioned spec of the table. */
  specId: number
  mode: WriteMode
  /** As they were asked for. */
  files: DataFileEntry[]
  change: Change
  /** ms since 1970. */
  time: number
  lake: LakeWriter
}

interface ManifestPlan extends Pick<ManifestListEntry, 'specId' | 'content'> {
  header: ManifestHeader
  entries: ManifestEntry[]
}

/**
 * Writes a snapshot's manifests and manifest list; returns the snapshot. Its id is a hash of the table, the parent snapshot, the sequence number,
 * the schema and the files, so that equal writes make one snapshot.
 *
 * Files that came and files that stay share one manifest. Files that go stand as deleted in one manifest for each that held them, under
 * that one's own header: it may be another writer's, with partitions or delete files. The next snapshot lists those no more.
 */
export async function writeSnapshot(plan: SnapshotPlan): Promise<Snapshot> {
  const { before, schema, mode, change, time, lake } = plan
  const parentId = currentSnapshot(before)?.['snapshot-id']
  const parent = parentId === undefined ? {} : { parentSnapshotId: parentId }
  const sequenceNumber = before['last-sequence-number'] + 1
  const snapshotId = idOf(plan, parentId, sequenceNumber)

  const manifests = [...change.carried]
  for (const { header, entries, specId, content } of planManifests(plan, snapshotId, sequenceNumber)) {
    const written = await lake.putManifest(encodeManifest(header, entries))
    manifests.push(
      describeManifest(entries, { ...written, specId, content, sequenceNumber, addedSnapshotId: snapshotId }),
    )
  }
  const list = encodeManifestList(manifests, { snapshotId, ...parent, sequenceNumber })
  const summary = summarizeChange({
    mode,
    first: parentId === undefined,
    before: change.before,
    added: totalsOf(change.added.map(encodeDataFile)),
    gone: totalsOf(change.gone.flatMap(({ entries }) => entries.map(({ file }) => file))),
  })
  return {
    'snapshot-id': snapshotId,
    ...(parentId === undefined ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': time,
    'manifest-list': await lake.putManifestList(list),
    summary,
    'schema-id': schema['schema-id'],
  }
}

function idOf({ before, schema, mode, files }: SnapshotPlan, parentId: Id | undefined, sequenceNumber: number): number {
  const contents = files.map(({ address, rows, bytes }) => [address, rows, bytes])
  const identity = [before['table-uuid'], parentId ?? null, sequenceNumber, schema['schema-id'], mode, contents]
  return hash53(canonicalJson(identity))
}

function planManifests(
  { schema, specId, change }: SnapshotPlan,
  snapshotId: Id,
  sequenceNumber: number,
): ManifestPlan[] {
  const kept = change.kept.map(
    ({ file, entry }): ManifestEntry => ({ ...entry, status: entryStatus.existing, file: encodeDataFile(file) }),
  )
  const added = change.added.map(
    (file): ManifestEntry => ({
      status: entryStatus.added,
      snapshotId,
      sequenceNumber,
      fileSequenceNumber: sequenceNumber,
      file: encodeDataFile(file),
    }),
  )
  const live: ManifestPlan = {
    header: manifestHeader(schema, specId),
    entries: [...kept, ...added],
    specId,
    content: 0,
  }
  const deleted = change.gone.map(
    ({ header, listed, entries }): ManifestPlan => ({
      header,
      entries: entries.map(entry => ({ ...entry, status: entryStatus.deleted, snapshotId })),
      specId: listed.specId,
      content: listed.content,
    }),
  )
  return [live, ...deleted].filter(({ entries }) => entries.length > 0)
}
