import { randomBytes } from 'node:crypto'
import type { Environment } from '../../environment.ts'
import { sha256 } from '../../hash.ts'
import type { TableMetadata } from '../../iceberg/metadata.ts'
import { address, type Layer, metadataKey } from '../../layout.ts'
import { onHiddenBranch } from '../../pipeline/hidden-branch.ts'
import type { TableEdit } from '../table-edit.ts'
import { applyEdits, type EditedTable, isChanged, nameOf } from './apply-edits.ts'
import { commitTables } from './commit-tables.ts'
import { mergeOnce } from './merge-once.ts'
import { branchGone, explainEarly } from './refuse.ts'

export interface CommitRequest {
  study: string
  /** The branch that is to change. */
  branch: string
  /** Done in this order, and all or none of them. */
  edits: readonly TableEdit[]
  /** Who asked for it, as the commit is to say. */
  author: string
  /** A verb, with which the commit's message begins: `Create`, `Append to`, `Drop`. */
  purpose: string
  /** The engine's own name for what asked, where it gave one. */
  queryId?: string
}

/** A table as it is after a commit. */
export interface CommittedTable {
  layer: Layer
  table: string
  metadata: TableMetadata
  /** The metadata document, as it lies at `location` and on the branch. */
  text: string
  location: string
}

export interface CommitResult {
  /** A commit of the branch that holds the edits: their own, but where its name was lost on the way. */
  commit: string
  /** Those of the edits that are there afterwards, changed or not, in the order of the first edits. */
  tables: CommittedTable[]
}

/** Tables that a commit names. */
const namesShown = 50

function listNames(tables: readonly EditedTable[], most: number): string {
  const names = tables.slice(0, most).map(nameOf)
  return tables.length > most ? `${names.join(', ')} and ${tables.length - most} more` : names.join(', ')
}

function describe(tables: readonly EditedTable[], { purpose, author, queryId }: CommitRequest) {
  return {
    message: `${purpose} ${listNames(tables, 3)}`,
    metadata: { author, purpose, tables: listNames(tables, namesShown), ...(queryId && { queryId }) },
  }
}

/**
 * Edits tables of a branch: one gated merge, which is seen whole or not at all. The edits are made on the tables as they are at the branch's head,
 * and where somebody else changes one of the same tables before the merge, theirs stay and these are refused. Edits that change nothing make no
 * commit.
 *
 * Throws what an edit throws, and CatalogError: NoSuchNamespace where there is no such branch, BadRequest with the gate's list, CommitFailed after a
 * change by others, ServiceUnavailable where a server does not answer and nothing is changed, CommitStateUnknown where that cannot be told.
 */
export async function commitEdits(
  environment: Environment,
  request: CommitRequest,
  { makeSuffix = () => randomBytes(4).toString('hex') }: { /** 8 hex digits. */ makeSuffix?: () => string } = {},
): Promise<CommitResult> {
  const { study, branch: destination, edits } = request
  try {
    const base = (await environment.lakefs.getBranch(study, destination))?.commitId
    if (base === undefined) throw branchGone(study, destination)
    const tables = await applyEdits(environment, { study, commit: base, edits })
    const changed = tables.filter(isChanged)
    const words = describe(changed, request)
    const commitChanged = () =>
      onHiddenBranch(environment, { study, base, suffix: makeSuffix() }, async branch => {
        const head = await commitTables(environment, { study, branch, tables: changed, ...words })
        return mergeOnce(environment, { study, branch, head, destination, ...words })
      })
    const commit = changed.length === 0 ? base : await commitChanged()
    return { commit, tables: tables.flatMap(table => present(environment, study, table)) }
  } catch (error) {
    // A merge explains itself: what it throws stays as it is.
    throw explainEarly(error)
  }
}

function present({ lake }: Environment, study: string, { layer, table, after }: EditedTable): CommittedTable[] {
  if (!after) return []
  const key = metadataKey(study, layer, table, sha256(after.text))
  return [{ layer, table, ...after, location: address(lake.bucket, key) }]
}
