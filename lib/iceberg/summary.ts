import type { AvroRecord } from './avro.ts'
import type { WriteMode } from './plan-change.ts'

/** Sums over files of one snapshot. */
export interface FileTotals {
  dataFiles: number
  deleteFiles: number
  records: number
  /** Of data files and delete files. */
  bytes: number
  positionDeletes: number
  equalityDeletes: number
}

/** Sums over `data_file` records of manifests. */
export function totalsOf(files: AvroRecord[]): FileTotals {
  const rowsOf = (content: number) =>
    files.filter(file => (file.content ?? 0) === content).reduce((sum, file) => sum + (file.record_count as number), 0)
  const dataFiles = files.filter(file => (file.content ?? 0) === 0).length
  return {
    dataFiles,
    deleteFiles: files.length - dataFiles,
    records: rowsOf(0),
    bytes: files.reduce((sum, file) => sum + (file.file_size_in_bytes as number), 0),
    positionDeletes: rowsOf(1),
    equalityDeletes: rowsOf(2),
  }
}

/**
 * A snapshot's summary (spec, "Snapshots" and appendix F, "Optional Snapshot Summary Fields"): what came, what went, as far as it is not
 * zero, and the totals. The first snapshot of a replaced table is an `append`.
 */
export function summarizeChange({
  mode,
  first,
  before,
  added,
  gone,
}: {
  mode: WriteMode
  /** True for a table that has no snapshot yet. */
  first: boolean
  before: FileTotals
  added: FileTotals
  gone: FileTotals
}): { operation: string; [name: string]: string } {
  const total = (name: keyof FileTotals) => before[name] + added[name] - gone[name]
  const changes = {
    'added-data-files': added.dataFiles,
    'added-records': added.records,
    'added-files-size': added.bytes,
    'deleted-data-files': gone.dataFiles,
    'deleted-records': gone.records,
    'removed-files-size': gone.bytes,
    'removed-delete-files': gone.deleteFiles,
    'removed-position-deletes': gone.positionDeletes,
    'removed-equality-deletes': gone.equalityDeletes,
  }
  const totals = {
    'total-data-files': total('dataFiles'),
    'total-delete-files': total('deleteFiles'),
    'total-records': total('records'),
    'total-files-size': total('bytes'),
    'total-position-deletes': total('positionDeletes'),
    'total-equality-deletes': total('equalityDeletes'),
  }
  const entries = [...Object.entries(changes).filter(([, value]) => value !== 0), ...Object.entries(totals)]
  return {
    operation: mode === 'replace' && !first ? 'overwrite' : 'append',
    ...Object.fromEntries(entries.map(([name, value]) => [name, String(value)])),
  }
}
