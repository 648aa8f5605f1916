import type { CommitTableRequest } from './metadata/bodies.ts'
import { isCreate } from './metadata/requirements.ts'

/** Verbs for what a snapshot does. Iceberg spec, "Snapshots", summary field "operation". */
const verbs: Record<string, string> = {
  append: 'Append to',
  overwrite: 'Change rows of',
  delete: 'Delete from',
  replace: 'Rewrite',
}

const snapshotsOf = ({ updates }: CommitTableRequest) =>
  updates.flatMap(update => (update.action === 'add-snapshot' ? [update.snapshot] : []))

/** A verb for what a commit does, with which its message begins. */
export function describeCommit(request: CommitTableRequest): string {
  if (isCreate(request.requirements)) return 'Create'
  const operation = snapshotsOf(request).at(-1)?.summary.operation
  return (operation && verbs[operation]) || 'Alter'
}

/** Where engines write their own name for what they were asked: Trino, Spark. */
const summaryMembers = ['trino_query_id', 'spark.app.id']
const printable = /^[\x21-\x7e]{1,200}$/

/**
 * The engine's own name for what asked, by which a commit is found in the engine's history: of the snapshots, or of the request's headers; undefined
 * where neither has one.
 */
export function findQueryId(
  headers: Record<string, string | undefined>,
  requests: readonly CommitTableRequest[] = [],
): string | undefined {
  const summaries = requests.flatMap(snapshotsOf).map(({ summary }) => summary as Record<string, unknown>)
  const candidates = [
    ...summaries.flatMap(summary => summaryMembers.map(member => summary[member])),
    headers['x-trino-query-id'],
    headers['x-request-id'],
  ]
  return candidates.find((id): id is string => typeof id === 'string' && printable.test(id))
}
