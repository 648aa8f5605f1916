import type { Environment } from '../../lib/environment.ts'
import { sha256 } from '../../lib/hash.ts'
import { currentSchema, parseTableMetadata } from '../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../lib/iceberg/read-table.ts'
import { contentsPath, keyOfAddress, tablesPrefix } from '../../lib/layout.ts'
import { readVersionRecord } from '../../lib/pipeline/version-record.ts'

/** A table without what is a time or a name of an event: equal values = equal columns and cells. */
export interface TableContent {
  /** Columns with their field ids, types and docs, as JSON. */
  schema: string
  /** In the order of the table. Equal bytes are equal cells, rows and types. Keys are relative to the study's folder. */
  files: { key: string; rows: number; sha256: string }[]
}

/** What a ref holds, without the study's name and all that depends on when something happened. */
export interface CommittedContent {
  /** By path: `tables/raw/dm.json`. */
  tables: Record<string, TableContent>
  /** The declaration; empty on a branch that is no version's. */
  contents: string
  /** What the version was made of: its files with their hashes, rows in and out, keys. */
  record: unknown
}

/** Reads what a ref holds, the bytes of all its data files too. */
export async function readContent(
  { lakefs, lake }: Pick<Environment, 'lakefs' | 'lake'>,
  study: string,
  ref: string,
): Promise<CommittedContent> {
  const tables: Record<string, TableContent> = {}
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: tablesPrefix })) {
    const metadata = parseTableMetadata(new TextDecoder().decode((await lakefs.getObject(study, ref, path))!))
    const files: TableContent['files'] = []
    for (const { address, rows } of await readDataFiles(lake, metadata)) {
      const key = keyOfAddress(lake.bucket, address)!
      files.push({ key: key.replace(`data/${study}/`, ''), rows, sha256: sha256(await lake.get(key)) })
    }
    tables[path] = { schema: JSON.stringify(currentSchema(metadata)), files }
  }
  const {
    study: _study,
    fingerprint: _fingerprint,
    ...record
  } = (await readVersionRecord({ lakefs }, study, ref)) ?? {}
  return { tables, contents: new TextDecoder().decode(await lakefs.getObject(study, ref, contentsPath)), record }
}

/** The objects of a lake below a prefix, by key. */
export async function listObjects(
  store: { list(prefix: string): AsyncIterable<{ key: string }> },
  prefix: string,
): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}
