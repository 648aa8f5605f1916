import { canonicalJson } from '../hash.ts'
import { type AvroFile, type AvroRecord, type AvroSchema, decodeAvro, encodeAvro } from './avro.ts'
import { dataFileNames, dataFileSchema } from './data-file.ts'
import { IcebergError } from './error.ts'
import type { ManifestListEntry } from './manifest-list.ts'
import type { Id } from './metadata.ts'
import type { IcebergSchema } from './schema.ts'

/** What a manifest says of a file: it was there, it came with this snapshot, it went with this snapshot. */
export const entryStatus = { existing: 0, added: 1, deleted: 2 } as const
export type EntryStatus = (typeof entryStatus)[keyof typeof entryStatus]

/** One entry of a manifest. `file` is the Avro record `data_file`, whoever wrote it. */
export interface ManifestEntry {
  status: EntryStatus
  /** The snapshot that added the file or, where it is deleted, that deleted it. */
  snapshotId: Id
  /** Of the snapshot that added the file's rows. */
  sequenceNumber: number
  /** Of the snapshot that added the file itself. */
  fileSequenceNumber: number
  file: AvroRecord
}

/** A manifest without its entries: their Avro schema, and what the header says of table and content. */
export type ManifestHeader = Pick<AvroFile, 'schema' | 'metadata'>

const manifestSchema: AvroSchema = {
  type: 'record',
  name: 'manifest_entry',
  fields: [
    { name: 'status', type: 'int', 'field-id': 0 },
    { name: 'snapshot_id', type: ['null', 'long'], default: null, 'field-id': 1 },
    { name: 'sequence_number', type: ['null', 'long'], default: null, 'field-id': 3 },
    { name: 'file_sequence_number', type: ['null', 'long'], default: null, 'field-id': 4 },
    { name: 'data_file', type: dataFileSchema, 'field-id': 2 },
  ],
}

const names: ReadonlyMap<number, string> = new Map([
  ...dataFileNames,
  ...manifestSchema.fields.map(({ name, 'field-id': id }) => [id!, name] as const),
])

/** The header of a manifest of data files in an unpartitioned spec (spec, "Manifests", the table of Avro metadata). */
export function manifestHeader(schema: IcebergSchema, specId: number): ManifestHeader {
  return {
    schema: manifestSchema,
    metadata: {
      schema: canonicalJson(schema),
      'schema-id': String(schema['schema-id']),
      'partition-spec': '[]',
      'partition-spec-id': String(specId),
      'format-version': '2',
      content: 'data',
    },
  }
}

/**
 * Writes a manifest. Added entries leave their sequence numbers out: readers inherit them from the manifest list (spec, "Sequence
 * Number Inheritance").
 */
export function encodeManifest({ schema, metadata }: ManifestHeader, entries: ManifestEntry[]): Uint8Array {
  const records = entries.map(({ status, snapshotId, sequenceNumber, fileSequenceNumber, file }) => ({
    status,
    snapshot_id: snapshotId,
    sequence_number: status === entryStatus.added ? null : sequenceNumber,
    file_sequence_number: status === entryStatus.added ? null : fileSequenceNumber,
    data_file: file,
  }))
  return encodeAvro({ schema, metadata, records })
}

/**
 * Reads a manifest. `inherited` is what the manifest list says of it: entries without a snapshot id or sequence number take it from there.
 * Throws IcebergError, which names `subject`.
 */
export function decodeManifest(
  bytes: Uint8Array,
  { subject, inherited }: { subject: string; inherited: ManifestListEntry },
): { header: ManifestHeader; entries: ManifestEntry[] } {
  const { schema, metadata, records } = decodeAvro(bytes, { subject, names })
  const entries = records.map((record, index): ManifestEntry => {
    const { status, snapshot_id, sequence_number, file_sequence_number, data_file } = record
    if (typeof (data_file as AvroRecord | undefined)?.file_path !== 'string' || ![0, 1, 2].includes(status as number)) {
      throw new IcebergError(`${subject}: entry ${index + 1} is no manifest entry: it has no status or no data file`)
    }
    return {
      status: status as EntryStatus,
      snapshotId: (snapshot_id as Id | null | undefined) ?? inherited.addedSnapshotId,
      sequenceNumber: (sequence_number as number | null | undefined) ?? inherited.sequenceNumber,
      fileSequenceNumber: (file_sequence_number as number | null | undefined) ?? inherited.sequenceNumber,
      file: data_file as AvroRecord,
    }
  })
  return { header: { schema, metadata }, entries }
}
