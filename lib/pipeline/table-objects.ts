import type { Environment } from '../environment.ts'
import { parseTableMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { type Layer, parseTablePath, tablePath, tablesPrefix } from '../layout.ts'

/** The table object's content type: part of what lakeFS compares, so always the same. */
const contentType = 'application/json'

/** The table's metadata at a ref, or undefined where the table is not there. */
export async function readTableAt(
  { lakefs }: Pick<Environment, 'lakefs'>,
  study: string,
  ref: string,
  layer: Layer,
  dataset: string,
): Promise<TableMetadata | undefined> {
  const bytes = await lakefs.getObject(study, ref, tablePath(layer, dataset))
  return bytes && parseTableMetadata(new TextDecoder().decode(bytes))
}

/** Points a branch at a table's metadata: the only pointer there is. Staged, not committed. */
export async function stageTable(
  { lakefs }: Pick<Environment, 'lakefs'>,
  study: string,
  branch: string,
  layer: Layer,
  dataset: string,
  text: string,
): Promise<void> {
  await lakefs.uploadObject(study, branch, tablePath(layer, dataset), new TextEncoder().encode(text), { contentType })
}

/** The tables at a ref, in the order of their paths. Objects below `tables/` that are no table are left out. */
export async function listTables(
  { lakefs }: Pick<Environment, 'lakefs'>,
  study: string,
  ref: string,
): Promise<{ layer: Layer; dataset: string }[]> {
  const tables: { layer: Layer; dataset: string }[] = []
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: tablesPrefix })) {
    const table = parseTablePath(path)
    if (table) tables.push(table)
  }
  return tables
}

/** The committed head of a branch as a ref: staged changes are not seen through it. */
export const committed = (branch: string): string => `${branch}@`
