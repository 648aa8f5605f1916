import { NotFoundError } from '../errors.ts'
import { keyOfAddress } from '../layout.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type DataFile, decodeDataFile } from './data-file.ts'
import { IcebergError } from './error.ts'
import { decodeManifest, entryStatus, type ManifestEntry, type ManifestHeader } from './manifest.ts'
import { decodeManifestList, type ManifestListEntry } from './manifest-list.ts'
import { currentSnapshot, findSnapshot, type Id, type Snapshot, type TableMetadata } from './metadata.ts'

/** A manifest of a snapshot: what the list says of it, and what it holds. */
export interface ReadManifest {
  listed: ManifestListEntry
  header: ManifestHeader
  entries: ManifestEntry[]
  /** Its real size. */
  bytes: number
}

export interface SnapshotOptions {
  /** The current snapshot where left out. */
  snapshotId?: Id
}

// Enough to hide latency; a key table of many versions has as many manifests.
const readsAtOnce = 8

/**
 * The snapshot asked for; undefined where none is asked for and the table has none.
 * Throws IcebergError, which names table and snapshot, for an id that the table does not have.
 */
export function selectSnapshot(metadata: TableMetadata, { snapshotId }: SnapshotOptions = {}): Snapshot | undefined {
  if (snapshotId === undefined) return currentSnapshot(metadata)
  const found = findSnapshot(metadata, snapshotId)
  if (!found) throw new IcebergError(`table ${metadata.location} has no snapshot ${snapshotId}`)
  return found
}

/**
 * Reads a snapshot's manifest list and all its manifests, in the order of the list. Throws IcebergError, which names table and file,
 * where one of them is missing, lies in another bucket, or cannot be read.
 */
export async function readManifests(
  store: ObjectStore,
  metadata: TableMetadata,
  options: SnapshotOptions = {},
): Promise<ReadManifest[]> {
  const snapshot = selectSnapshot(metadata, options)
  if (!snapshot) return []
  const subjectOf = (kind: string, address: string) => `table ${metadata.location}: ${kind} ${address}`
  const listSubject = subjectOf('manifest list', snapshot['manifest-list'])
  const list = decodeManifestList(await readFile(store, snapshot['manifest-list'], listSubject), {
    subject: listSubject,
  })
  const manifests: ReadManifest[] = []
  for (let start = 0; start < list.length; start += readsAtOnce) {
    const some = list.slice(start, start + readsAtOnce).map(async listed => {
      const subject = subjectOf('manifest', listed.address)
      const bytes = await readFile(store, listed.address, subject)
      return { listed, ...decodeManifest(bytes, { subject, inherited: listed }), bytes: bytes.length }
    })
    manifests.push(...(await Promise.all(some)))
  }
  return manifests
}

async function readFile(store: ObjectStore, address: string, subject: string): Promise<Uint8Array> {
  const key = keyOfAddress(store.bucket, address)
  if (key === undefined) throw new IcebergError(`${subject} does not lie in the bucket ${store.bucket}`)
  try {
    return await store.get(key)
  } catch (cause) {
    if (cause instanceof NotFoundError) throw new IcebergError(`${subject} is not there`, { cause })
    throw cause
  }
}

/** The files that the manifests hold and no entry deletes, delete files included: those of older snapshots first. */
export function liveFiles(manifests: ReadManifest[]): DataFile[] {
  return manifests
    .flatMap(({ entries }) => entries)
    .filter(({ status }) => status !== entryStatus.deleted)
    .map(({ file, sequenceNumber }) => decodeDataFile(file, sequenceNumber))
    .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
}

/**
 * The files of a snapshot, delete files included (`content` ≠ 0): those of older snapshots first. None for a table without a snapshot.
 * Reads what any Iceberg writer wrote. Throws as readManifests does.
 */
export async function readDataFiles(
  store: ObjectStore,
  metadata: TableMetadata,
  options: SnapshotOptions = {},
): Promise<DataFile[]> {
  return liveFiles(await readManifests(store, metadata, options))
}
