import type { Environment } from '../../environment.ts'
import { createLakeWriter } from '../../iceberg/lake-writer.ts'
import { tablePath } from '../../layout.ts'
import { mapConcurrently } from '../../map-concurrently.ts'
import { commitStaged } from '../../pipeline/merge.ts'
import { stageTable } from '../../pipeline/table-objects.ts'
import { settle } from '../../settle.ts'
import { stageGate } from '../../study.ts'
import type { EditedTable } from './apply-edits.ts'

/** Tables that are written at once, at most. */
const writesAtOnce = 8

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
