import type { ObjectStore } from '../store/object-store.ts'
import { type DataFile, decodeDataFile } from './data-file.ts'
import { entryStatus } from './manifest.ts'
import { countEntries } from './manifest-list.ts'
import type { TableMetadata } from './metadata.ts'
import { type ReadManifest, readManifests, type SnapshotOptions, selectSnapshot } from './read-table.ts'
import type { MetadataProblem } from './verify-metadata.ts'

/** A file that a snapshot holds, with what a judge needs of its manifest. */
export interface LiveFile extends DataFile {
  /** Of the partition spec that the file was written by. */
  specId: number
  /** Columns that an equality-delete file compares; empty for all others. */
  equalityIds: number[]
}

/**
 * Reads a snapshot as `readDataFiles` does and compares what its parts say of each other: sizes and counts in the manifest list with the
 * manifests themselves, totals in the snapshot's summary with the files, no file twice. `problems` has one entry for each
 * disagreement; none for a sound table. `addresses` are those of the manifests. Throws as
 * readManifests does.
 */
export async function verifySnapshot(
  store: ObjectStore,
  metadata: TableMetadata,
  options: SnapshotOptions = {},
): Promise<{ files: LiveFile[]; addresses: string[]; problems: MetadataProblem[] }> {
  const manifests = await readManifests(store, metadata, options)
  const files = liveFiles(manifests)
  const snapshot = selectSnapshot(metadata, options)
  const specs = new Set(metadata['partition-specs'].map(spec => spec['spec-id']))
  return {
    files,
    addresses: manifests.map(({ listed }) => listed.address),
    problems: [
      ...manifests.flatMap(manifest => checkManifest(manifest, specs, snapshot?.['sequence-number'] ?? 0)),
      ...checkTotals(snapshot?.summary ?? {}, files),
      ...checkDuplicates(files),
    ],
  }
}

function liveFiles(manifests: ReadManifest[]): LiveFile[] {
  return manifests
    .flatMap(({ listed, entries }) => entries.map(entry => ({ ...entry, specId: listed.specId })))
    .filter(({ status }) => status !== entryStatus.deleted)
    .map(({ file, sequenceNumber, specId }) => ({
      ...decodeDataFile(file, sequenceNumber),
      specId,
      equalityIds: (file.equality_ids ?? []) as number[],
    }))
    .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
}

function checkManifest(
  { listed, entries, bytes }: ReadManifest,
  specs: Set<number>,
  newest: number,
): MetadataProblem[] {
  const subject = `manifest ${listed.address}`
  const problems = differs('manifest-size', `${subject}: size in bytes`, listed.bytes, bytes)
  const counted = countEntries(entries)
  for (const status of ['added', 'existing', 'deleted'] as const) {
    problems.push(
      ...differs('manifest-counts', `${subject}: ${status} files`, listed[status].files, counted[status].files),
      ...differs('manifest-counts', `${subject}: ${status} rows`, listed[status].rows, counted[status].rows),
    )
  }
  const say = (code: MetadataProblem['code'], message: string) =>
    problems.push({ code, message: `${subject}: ${message}` })
  if (!specs.has(listed.specId)) say('manifest-spec', `the table has no partition spec ${listed.specId}`)
  if (listed.sequenceNumber > newest)
    say('manifest-sequence', `sequence number ${listed.sequenceNumber} is newer than its snapshot's, ${newest}`)
  const misplaced = entries.filter(({ file }) => ((file.content ?? 0) === 0) !== (listed.content === 0)).length
  if (misplaced > 0) say('manifest-content', `holds ${misplaced} files of the other content, data or deletes`)
  return problems
}

// Writers may leave totals out, and some do not know the size of what they never read.
function checkTotals(summary: Record<string, string>, files: DataFile[]): MetadataProblem[] {
  const rowsOf = (wanted: number) =>
    files.filter(({ content }) => content === wanted).reduce((sum, { rows }) => sum + rows, 0)
  const data = files.filter(({ content }) => content === 0).length
  const found = {
    'total-data-files': data,
    'total-delete-files': files.length - data,
    'total-records': rowsOf(0),
    'total-files-size': files.reduce((sum, { bytes }) => sum + bytes, 0),
    'total-position-deletes': rowsOf(1),
    'total-equality-deletes': rowsOf(2),
  }
  return Object.entries(found).flatMap(([name, value]) =>
    summary[name] === undefined
      ? []
      : differs('snapshot-totals', `snapshot summary: ${name}`, Number(summary[name]), value),
  )
}

function checkDuplicates(files: DataFile[]): MetadataProblem[] {
  const seen = new Set<string>()
  return files.flatMap(({ address }) => {
    if (seen.has(address))
      return [{ code: 'file-duplicate', message: `file ${address} stands in the snapshot more than once` } as const]
    seen.add(address)
    return []
  })
}

const differs = (code: MetadataProblem['code'], message: string, expected: number, found: number): MetadataProblem[] =>
  expected === found ? [] : [{ code, message, expected: `${expected}`, found: `${found}` }]
