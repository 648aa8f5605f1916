import { CatalogError } from '../../lib/catalog/error.ts'
import { formatTableMetadata, parseTableMetadata, type TableMetadata } from '../../lib/iceberg/metadata.ts'
import { stringifyJson } from '../../lib/json.ts'
import { applyOurs, nextSnapshot, setRef, startTable } from './catalog-updates-sequences.ts'
import { runPython } from './python.ts'

/** A document's text, why there is none, or null for a requirement that holds. */
export type Answer = string | { refused: string } | null
/** What pyiceberg makes of each case; see catalog-updates.py. */
export const askPython = (cases: object[]) => runPython<Answer[]>('catalog-updates.py', cases)

/** Where the document before a commit lies, as far as these tests care. */
export const previous = 's3://lake/metadata/before.metadata.json'
/** A commit as the script takes it. */
export const caseOf = (before: TableMetadata, updates: object[], address = previous) => ({
  before: formatTableMetadata(before),
  updates: stringifyJson(updates),
  previous: address,
})

/** The document of an answer. Throws where pyiceberg refused. */
export function documentOf(answer: Answer | undefined): TableMetadata {
  if (typeof answer !== 'string') throw new Error(`pyiceberg: ${answer?.refused ?? 'no document'}`)
  return parseTableMetadata(answer, 'document of pyiceberg')
}

/** The name of the protocol's error that an act ends with, or `accepted`. */
export const refusalOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof CatalogError) return error.type
    throw error
  }
  return 'accepted'
}

/** The snapshots of a document's log. */
export const logOf = (metadata: TableMetadata) => metadata['snapshot-log']?.map(entry => entry['snapshot-id'])

/** Three snapshots, each committed to main by itself. */
export function threeSnapshots(): TableMetadata {
  return [11, 12, 13].reduce((metadata, id, n) => {
    const parent = n === 0 ? {} : { 'parent-snapshot-id': id - 1 }
    return applyOurs(metadata, [nextSnapshot(metadata, id, parent), setRef('main', id)], previous)
  }, startTable())
}

/** A document in one spelling: without members that say nothing, and without times that are neither a snapshot's nor the log's own. */
export function normalise(metadata: TableMetadata): unknown {
  const times = new Map((metadata.snapshots ?? []).map(snapshot => [String(snapshot['snapshot-id']), snapshot]))
  const { 'last-updated-ms': _, ...rest } = metadata
  return withoutEmpty({
    ...rest,
    // Writers differ in whether a snapshot still names a parent that is gone.
    snapshots: metadata.snapshots?.map(({ 'parent-snapshot-id': parent, ...snapshot }) =>
      times.has(String(parent)) ? { ...snapshot, 'parent-snapshot-id': parent } : snapshot,
    ),
    'snapshot-log': metadata['snapshot-log']?.map(entry => {
      const own = times.get(String(entry['snapshot-id']))?.['timestamp-ms'] === entry['timestamp-ms']
      return { 'snapshot-id': entry['snapshot-id'], time: own ? entry['timestamp-ms'] : 'of the commit' }
    }),
  })
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).filter(([name, member]) => {
    const isEmpty = mayBeLeftOut.has(name) && Object.keys((member ?? {}) as object).length === 0
    return member !== null && member !== undefined && !isEmpty
  })
  return Object.fromEntries(members.map(([name, member]) => [name, withoutEmpty(member)]))
}
const mayBeLeftOut = new Set([
  'identifier-field-ids',
  'statistics',
  'partition-statistics',
  'snapshots',
  'refs',
  'snapshot-log',
  'metadata-log',
])
