import type { ObjectStore } from '../store/object-store.ts'
import type { DataFile } from './data-file.ts'
import { countEntries } from './manifest-list.ts'
import type { TableMetadata } from './metadata.ts'
import { liveFiles, type ReadManifest, readManifests, type SnapshotOptions, selectSnapshot } from './read-table.ts'

/**
 * Reads a snapshot as `readDataFiles` does and compares what its parts say of each other: sizes and counts in the manifest list with the
 * manifests themselves, totals in the snapshot's summary with the files, no file twice. `problems` has one sentence for each
 * disagreement, with what was expected and what was found; none for a sound table. Throws as readManifests does.
 */
export async function verifySnapshot(
  store: ObjectStore,
  metadata: TableMetadata,
  options: SnapshotOptions = {},
): Promise<{ files: DataFile[]; problems: string[] }> {
  const manifests = await readManifests(store, metadata, options)
  const files = liveFiles(manifests)
  const summary = selectSnapshot(metadata, options)?.summary ?? {}
  return {
    files,
    problems: [...manifests.flatMap(checkManifest), ...checkTotals(summary, files), ...checkDuplicates(files)],
  }
}

function checkManifest({ listed, entries, bytes }: ReadManifest): string[] {
  const subject = `manifest ${listed.address}`
  const problems = differs(`${subject}: size in bytes`, listed.bytes, bytes)
  const counted = countEntries(entries)
  for (const status of ['added', 'existing', 'deleted'] as const) {
    problems.push(
      ...differs(`${subject}: ${status} files`, listed[status].files, counted[status].files),
      ...differs(`${subject}: ${status} rows`, listed[status].rows, counted[status].rows),
    )
  }
  return problems
}

// Writers may leave totals out, and some do not know the size of what they never read.
function checkTotals(summary: Record<string, string>, files: DataFile[]): string[] {
  const data = files.filter(({ content }) => content === 0)
  const found = {
    'total-data-files': data.length,
    'total-delete-files': files.length - data.length,
    'total-records': data.reduce((sum, { rows }) => sum + rows, 0),
    'total-files-size': files.reduce((sum, { bytes }) => sum + bytes, 0),
  }
  return Object.entries(found).flatMap(([name, value]) =>
    summary[name] === undefined ? [] : differs(`snapshot summary: ${name}`, Number(summary[name]), value),
  )
}

function checkDuplicates(files: DataFile[]): string[] {
  const seen = new Set<string>()
  return files.flatMap(({ address }) => {
    if (seen.has(address)) return [`file ${address} stands in the snapshot more than once`]
    seen.add(address)
    return []
  })
}

const differs = (subject: string, expected: number, found: number): string[] =>
  expected === found ? [] : [`${subject}: expected ${expected}, found ${found}`]
