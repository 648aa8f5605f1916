import type { AvroRecord } from './avro.ts'
import { type DataFileEntry, decodeDataFile } from './data-file.ts'
import { IcebergError } from './error.ts'
import { entryStatus, type ManifestEntry, type ManifestHeader } from './manifest.ts'
import type { ManifestListEntry } from './manifest-list.ts'
import type { ReadManifest } from './read-table.ts'
import { type FileTotals, totalsOf } from './summary.ts'

/** `replace`: the table holds exactly the given files. `append`: it holds them beside those that it has. */
export type WriteMode = 'replace' | 'append'

/** Files that a snapshot takes away, with the manifest in which they stood. */
export interface GoneFiles {
  header: ManifestHeader
  listed: ManifestListEntry
  entries: ManifestEntry[]
}

/** What a write has to do to a table. */
export interface Change {
  /** Files that the table does not have yet. */
  added: DataFileEntry[]
  /** Files that stay, and what the table says of them; only for `replace`, which writes them into its own manifest. */
  kept: { file: DataFileEntry; entry: ManifestEntry }[]
  /** Files that go, delete files included, by manifest. */
  gone: GoneFiles[]
  /** Manifests that the new snapshot lists as they are; only for `append`. */
  carried: ManifestListEntry[]
  /** Sums over the files that the table has now. */
  before: FileTotals
}

/** True where the table already holds what was asked for. */
export function isNoChange({ added, gone }: Change): boolean {
  return added.length === 0 && gone.length === 0
}

/**
 * Compares the files that a table shall hold with those of its manifests. A file is known by its address; a file that the table holds
 * is not added again, so a repeated append does nothing. Delete files of engines go with a `replace`: the given files are the truth.
 * Throws IcebergError, which names the file, where a file is given twice, or is in the table with another size or number of rows.
 */
export function planChange(mode: WriteMode, files: DataFileEntry[], manifests: ReadManifest[]): Change {
  const wanted = new Map<string, DataFileEntry>()
  for (const file of files) {
    if (wanted.has(file.address)) throw new IcebergError(`file ${file.address} is given more than once`)
    wanted.set(file.address, file)
  }

  const present = new Map<string, ManifestEntry>()
  const live: AvroRecord[] = []
  const gone: GoneFiles[] = []
  for (const { listed, header, entries } of manifests) {
    const leaving: ManifestEntry[] = []
    for (const entry of entries) {
      if (entry.status === entryStatus.deleted) continue
      live.push(entry.file)
      const file = listed.content === 0 ? wanted.get(entry.file.file_path as string) : undefined
      if (file) {
        checkSame(file, entry)
        present.set(file.address, entry)
      } else leaving.push(entry)
    }
    if (mode === 'replace' && leaving.length > 0) gone.push({ header, listed, entries: leaving })
  }

  const kept = files.flatMap(file => {
    const entry = present.get(file.address)
    return entry ? [{ file, entry }] : []
  })
  return {
    added: files.filter(({ address }) => !present.has(address)),
    kept: mode === 'replace' ? kept : [],
    gone,
    carried: mode === 'append' ? manifests.map(({ listed }) => listed).filter(hasLiveFiles) : [],
    before: totalsOf(live),
  }
}

const hasLiveFiles = ({ added, existing }: ManifestListEntry): boolean => added.files + existing.files > 0

function checkSame(file: DataFileEntry, entry: ManifestEntry): void {
  const { rows, bytes } = decodeDataFile(entry.file, entry.sequenceNumber)
  if (rows !== file.rows || bytes !== file.bytes) {
    throw new IcebergError(
      `file ${file.address} is in the table with ${rows} rows and ${bytes} bytes and is given with ${file.rows} rows and ` +
        `${file.bytes} bytes: a data file never changes`,
    )
  }
}
