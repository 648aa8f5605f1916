import { type AvroRecord, type AvroSchema, type AvroValue, decodeAvro, encodeAvro } from './avro.ts'
import { IcebergError } from './error.ts'
import { entryStatus, type ManifestEntry } from './manifest.ts'
import type { Id } from './metadata.ts'

/** Files and rows of one status in a manifest. */
export interface EntryCount {
  files: number
  rows: number
}

/** What a manifest list says of one manifest. */
export interface ManifestListEntry {
  /** `s3://…` */
  address: string
  bytes: number
  specId: number
  /** 0 = data files, 1 = delete files. */
  content: 0 | 1
  /** Of the snapshot that added the manifest. */
  sequenceNumber: number
  /** The smallest data sequence number of a live file. */
  minSequenceNumber: number
  addedSnapshotId: Id
  added: EntryCount
  existing: EntryCount
  deleted: EntryCount
  /** Summaries of the partition values, as they were read. */
  partitions: AvroValue
  keyMetadata: AvroValue
}

const required = (id: number, name: string, type: unknown) => ({ name, type, 'field-id': id })
const optional = (id: number, name: string, type: unknown) => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': id,
})

const manifestListSchema: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    required(500, 'manifest_path', 'string'),
    required(501, 'manifest_length', 'long'),
    required(502, 'partition_spec_id', 'int'),
    required(517, 'content', 'int'),
    required(515, 'sequence_number', 'long'),
    required(516, 'min_sequence_number', 'long'),
    required(503, 'added_snapshot_id', 'long'),
    required(504, 'added_files_count', 'int'),
    required(505, 'existing_files_count', 'int'),
    required(506, 'deleted_files_count', 'int'),
    required(512, 'added_rows_count', 'long'),
    required(513, 'existing_rows_count', 'long'),
    required(514, 'deleted_rows_count', 'long'),
    optional(507, 'partitions', {
      type: 'array',
      'element-id': 508,
      items: {
        type: 'record',
        name: 'r508',
        fields: [
          required(509, 'contains_null', 'boolean'),
          optional(518, 'contains_nan', 'boolean'),
          optional(510, 'lower_bound', 'bytes'),
          optional(511, 'upper_bound', 'bytes'),
        ],
      },
    }),
    optional(519, 'key_metadata', 'bytes'),
  ],
}

const names: ReadonlyMap<number, string> = new Map([
  ...manifestListSchema.fields.map(({ name, 'field-id': id }) => [id!, name] as const),
  [509, 'contains_null'],
  [518, 'contains_nan'],
  [510, 'lower_bound'],
  [511, 'upper_bound'],
])

/** What a list says of a manifest that a new snapshot writes: `entries` counted, everything else as given. */
export function describeManifest(
  entries: ManifestEntry[],
  manifest: Pick<ManifestListEntry, 'address' | 'bytes' | 'specId' | 'content' | 'sequenceNumber' | 'addedSnapshotId'>,
): ManifestListEntry {
  const live = entries.filter(({ status }) => status !== entryStatus.deleted)
  return {
    ...manifest,
    minSequenceNumber: Math.min(manifest.sequenceNumber, ...live.map(entry => entry.sequenceNumber)),
    ...countEntries(entries),
    partitions: null,
    keyMetadata: null,
  }
}

/** Files and rows of a manifest's entries by status. */
export function countEntries(entries: ManifestEntry[]): Pick<ManifestListEntry, 'added' | 'existing' | 'deleted'> {
  const count = (wanted: number): EntryCount => {
    const matching = entries.filter(({ status }) => status === wanted)
    return {
      files: matching.length,
      rows: matching.reduce((sum, { file }) => sum + (file.record_count as number), 0),
    }
  }
  return {
    added: count(entryStatus.added),
    existing: count(entryStatus.existing),
    deleted: count(entryStatus.deleted),
  }
}

/** Writes a snapshot's manifest list (spec, "Manifest Lists", format version 2). */
export function encodeManifestList(
  entries: ManifestListEntry[],
  snapshot: { snapshotId: Id; parentSnapshotId?: Id; sequenceNumber: number },
): Uint8Array {
  const records = entries.map(
    (entry): AvroRecord => ({
      manifest_path: entry.address,
      manifest_length: entry.bytes,
      partition_spec_id: entry.specId,
      content: entry.content,
      sequence_number: entry.sequenceNumber,
      min_sequence_number: entry.minSequenceNumber,
      added_snapshot_id: entry.addedSnapshotId,
      added_files_count: entry.added.files,
      existing_files_count: entry.existing.files,
      deleted_files_count: entry.deleted.files,
      added_rows_count: entry.added.rows,
      existing_rows_count: entry.existing.rows,
      deleted_rows_count: entry.deleted.rows,
      partitions: entry.partitions,
      key_metadata: entry.keyMetadata,
    }),
  )
  const metadata = {
    'snapshot-id': String(snapshot.snapshotId),
    'parent-snapshot-id': String(snapshot.parentSnapshotId ?? null),
    'sequence-number': String(snapshot.sequenceNumber),
    'format-version': '2',
  }
  return encodeAvro({ schema: manifestListSchema, metadata, records })
}

/** Reads a manifest list, whoever wrote it. Throws IcebergError, which names `subject`. */
export function decodeManifestList(bytes: Uint8Array, { subject }: { subject: string }): ManifestListEntry[] {
  return decodeAvro(bytes, { subject, names }).records.map((record, index) => {
    if (typeof record.manifest_path !== 'string') {
      throw new IcebergError(`${subject}: entry ${index + 1} names no manifest`)
    }
    const number = (name: string) => (record[name] ?? 0) as number
    return {
      address: record.manifest_path,
      bytes: number('manifest_length'),
      specId: number('partition_spec_id'),
      content: number('content') as 0 | 1,
      sequenceNumber: number('sequence_number'),
      minSequenceNumber: number('min_sequence_number'),
      addedSnapshotId: (record.added_snapshot_id ?? 0) as Id,
      added: { files: number('added_files_count'), rows: number('added_rows_count') },
      existing: { files: number('existing_files_count'), rows: number('existing_rows_count') },
      deleted: { files: number('deleted_files_count'), rows: number('deleted_rows_count') },
      partitions: record.partitions ?? null,
      keyMetadata: record.key_metadata ?? null,
    }
  })
}
