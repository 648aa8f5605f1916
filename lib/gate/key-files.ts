import type { Environment } from '../environment.ts'
import { parseTableMetadata } from '../iceberg/metadata.ts'
import { readDataFiles } from '../iceberg/read-table.ts'
import { keyTablesPrefix, parseTablePath } from '../layout.ts'

/** The data files of a ref's key tables, by entity. */
export async function readKeyFiles(
  { lakefs, lake }: Pick<Environment, 'lakefs' | 'lake'>,
  study: string,
  ref: string,
): Promise<Map<string, string[]>> {
  const entities = new Map<string, string[]>()
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: keyTablesPrefix })) {
    const entity = parseTablePath(path)?.dataset
    const bytes = await lakefs.getObject(study, ref, path)
    if (entity === undefined || !bytes) continue
    const files = await readDataFiles(lake, parseTableMetadata(new TextDecoder().decode(bytes), path))
    entities.set(
      entity,
      files.map(({ address }) => address),
    )
  }
  return entities
}
