import { type AvroRecord, decodeAvro, encodeAvro } from '../../lib/iceberg/avro.ts'
import { currentSnapshot, type TableMetadata } from '../../lib/iceberg/metadata.ts'
import { address, keyOfAddress } from '../../lib/layout.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

/** What is to be otherwise in a table's current snapshot. The rest is brought to agree with it, unless it is changed as well. */
export interface TableChange {
  /** The entries of each manifest. */
  entries?: (entries: AvroRecord[], manifest: number) => void
  /** The manifests as the list has them. */
  list?: (manifests: AvroRecord[]) => void
  metadata?: (metadata: TableMetadata) => void
}

/** The file of a manifest's entry. */
export const fileOf = (entry: AvroRecord): AvroRecord => entry.data_file as AvroRecord

let written = 0

async function rewriteAvro(store: ObjectStore, place: string, change: (records: AvroRecord[]) => void) {
  const avro = decodeAvro(await store.get(keyOfAddress(store.bucket, place)!), { subject: place })
  change(avro.records)
  const bytes = encodeAvro(avro)
  const key = keyOfAddress(store.bucket, place)!.replace(/[^/]*$/, `changed-${written++}.avro`)
  await store.put(key, bytes)
  return { address: address(store.bucket, key), bytes: bytes.length }
}

function recount(manifest: AvroRecord, entries: AvroRecord[]): void {
  for (const [at, name] of ['existing', 'added', 'deleted'].entries()) {
    const matching = entries.filter(({ status }) => status === at)
    manifest[`${name}_files_count`] = matching.length
    manifest[`${name}_rows_count`] = matching.reduce((sum, entry) => sum + (fileOf(entry).record_count as number), 0)
  }
}

function resum(metadata: TableMetadata, entries: AvroRecord[]): void {
  const files = entries.filter(({ status }) => status !== 2).map(fileOf)
  const rows = (content: number) =>
    files.filter(file => file.content === content).reduce((sum, file) => sum + (file.record_count as number), 0)
  const data = files.filter(({ content }) => content === 0).length
  Object.assign(currentSnapshot(metadata)!.summary!, {
    'total-data-files': `${data}`,
    'total-delete-files': `${files.length - data}`,
    'total-records': `${rows(0)}`,
    'total-files-size': `${files.reduce((sum, file) => sum + (file.file_size_in_bytes as number), 0)}`,
    'total-position-deletes': `${rows(1)}`,
    'total-equality-deletes': `${rows(2)}`,
  })
}

/**
 * The table with its manifests, list and metadata written anew, as a writer with a fault would: what `entries` changes is counted and summed
 * again, then `list` and `metadata` have their way. The documents lie at new addresses.
 */
export async function changeTable(
  store: ObjectStore,
  table: TableMetadata,
  { entries, list, metadata: change }: TableChange,
): Promise<TableMetadata> {
  const metadata = structuredClone(table)
  const snapshot = currentSnapshot(metadata)
  if (snapshot) {
    const place = snapshot['manifest-list']
    const { records } = decodeAvro(await store.get(keyOfAddress(store.bucket, place)!), { subject: place })
    const all: AvroRecord[] = []
    for (const [at, manifest] of records.entries()) {
      const rewritten = await rewriteAvro(store, manifest.manifest_path as string, found => {
        entries?.(found, at)
        recount(manifest, found)
        all.push(...found)
      })
      Object.assign(manifest, { manifest_path: rewritten.address, manifest_length: rewritten.bytes })
    }
    const rewritten = await rewriteAvro(store, place, found => {
      found.splice(0, found.length, ...records)
      list?.(found)
    })
    snapshot['manifest-list'] = rewritten.address
    resum(metadata, all)
  }
  change?.(metadata)
  return metadata
}
