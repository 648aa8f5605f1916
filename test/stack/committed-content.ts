import type { Environment } from '../../lib/environment.ts'
import { sha256 } from '../../lib/hash.ts'
import { currentSchema, parseTableMetadata } from '../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../lib/iceberg/read-table.ts'
import { keyOfAddress, tablesPrefix } from '../../lib/layout.ts'

/** A table without what is a time or a name of an event: equal values = equal columns and cells. */
export interface TableContent {
  /** Columns with their field ids, types and docs, as JSON. */
  schema: string
  /** In the order of the table. Equal bytes are equal cells, rows and types. */
  files: { key: string; rows: number; sha256: string }[]
}

/** The tables at a ref by path: `tables/raw/dm.json`. */
export async function readContent(
  { lakefs, lake }: Pick<Environment, 'lakefs' | 'lake'>,
  study: string,
  ref: string,
): Promise<Record<string, TableContent>> {
  const tables: Record<string, TableContent> = {}
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: tablesPrefix })) {
    const metadata = parseTableMetadata(new TextDecoder().decode((await lakefs.getObject(study, ref, path))!))
    const files: TableContent['files'] = []
    for (const { address, rows } of await readDataFiles(lake, metadata)) {
      const key = keyOfAddress(lake.bucket, address)!
      files.push({ key, rows, sha256: sha256(await lake.get(key)) })
    }
    tables[path] = { schema: JSON.stringify(currentSchema(metadata)), files }
  }
  return tables
}
