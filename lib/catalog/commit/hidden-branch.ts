import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../../environment.ts'
import { createLakeWriter } from '../../iceberg/lake-writer.ts'
import { sqlBranch, tablePath } from '../../layout.ts'
import { mapConcurrently } from '../../map-concurrently.ts'
import { commitStaged } from '../../pipeline/merge.ts'
import { stageTable } from '../../pipeline/table-objects.ts'
import { settle } from '../../settle.ts'
import { stageGate } from '../../study.ts'
import type { EditedTable } from './apply-edits.ts'

/** Tables that are written at once, at most. */
const writesAtOnce = 8
/** ms that an answer waits for its hidden branch to go away. */
const farewell = 2000

/** Deletes a branch, if that goes well and soon: a sweep deletes what stays. */
async function dropBranch({ lakefs }: Environment, study: string, branch: string): Promise<void> {
  const waiting = new AbortController()
  const deleted = lakefs.deleteBranch(study, branch).catch(() => {})
  const late = sleep(farewell, undefined, { signal: waiting.signal }).catch(() => {})
  await Promise.race([deleted, late])
  waiting.abort()
}

/** Does work on a hidden branch of its own, made at a commit id. However the work ends, the branch goes. */
export async function onHiddenBranch<Result>(
  environment: Environment,
  { study, base, suffix }: { study: string; base: string; suffix: string },
  work: (branch: string) => Promise<Result>,
): Promise<Result> {
  const branch = sqlBranch(environment.now(), suffix)
  try {
    await environment.lakefs.createBranch(study, { name: branch, source: base, hidden: true })
    return await work(branch)
  } finally {
    await dropBranch(environment, study, branch)
  }
}

async function stageEdit(
  environment: Environment,
  { study, branch, edited }: { study: string; branch: string; edited: EditedTable },
): Promise<void> {
  const { layer, table, after } = edited
  if (!after) return environment.lakefs.deleteObject(study, branch, tablePath(layer, table))
  const document = createLakeWriter({ store: environment.lake, study, layer, dataset: table })
  await settle([document.putMetadata(after.text), stageTable(environment, study, branch, layer, table, after.text)])
}

/**
 * Puts the tables' documents into the lake and points the branch at them, with the gate as it is now, since lakeFS takes a merge's hooks from its
 * source. Resolves with the id of the commit that holds this. Throws Rejection with the gate's list.
 */
export async function commitTables(
  environment: Environment,
  {
    study,
    branch,
    tables,
    ...words
  }: {
    study: string
    branch: string
    tables: readonly EditedTable[]
    message: string
    metadata: Record<string, string>
  },
): Promise<string> {
  const { lakefs, config } = environment
  await settle([
    stageGate(lakefs, { study, branch, url: config.gate.url }),
    mapConcurrently(tables, writesAtOnce, edited => stageEdit(environment, { study, branch, edited })),
  ])
  return commitStaged(environment, { study, branch, ...words })
}
