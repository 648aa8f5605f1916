import type { Environment } from '../../lib/environment.ts'
import type { Problem } from '../../lib/errors.ts'
import { checkRef } from '../../lib/gate/check-ref.ts'
import { parseJson, stringifyJson } from '../../lib/json.ts'
import { LakefsError } from '../../lib/lakefs/client.ts'
import { runBranch, tablePath } from '../../lib/layout.ts'

export interface Tampering {
  /** What lakeFS answered to the commit; 412 = a hook refused it. Undefined: it was taken. */
  status?: number
  problems: Problem[]
}

interface SchemaDocument {
  'current-schema-id': number
  schemas: { 'schema-id': number; fields: { name: string; type: string }[] }[]
}

/**
 * What somebody could do who may write to lakeFS: on a branch of a version, declares another type for a column of a raw table, leaves the
 * data as it is, and commits. Leaves no branch behind.
 */
export async function tamperWithSchema(
  { lakefs, lake }: Environment,
  { study, version, dataset, column, type }: Record<'study' | 'version' | 'dataset' | 'column' | 'type', string>,
): Promise<Tampering> {
  // Of the version's runs, so that it is judged as they are: on a branch of one's own tables may be changed.
  const branch = runBranch(version, '000000000000')
  await lakefs.deleteBranch(study, branch)
  await lakefs.createBranch(study, { name: branch, source: version, hidden: true })
  try {
    const path = tablePath('raw', dataset)
    const bytes = await lakefs.getObject(study, branch, path)
    if (!bytes) throw new Error(`${study}@${version} has no table raw.${dataset}`)
    const table = parseJson(new TextDecoder().decode(bytes), path) as SchemaDocument
    const schema = table.schemas.find(candidate => candidate['schema-id'] === table['current-schema-id'])
    const field = schema?.fields.find(({ name }) => name === column)
    if (!field) throw new Error(`raw.${dataset} of ${study}@${version} has no column ${column}`)
    field.type = type
    const changed = new TextEncoder().encode(stringifyJson(table))
    await lakefs.uploadObject(study, branch, path, changed, { contentType: 'application/json' })
    try {
      await lakefs.commit(study, branch, { message: 'Change a type by hand' })
      return { problems: [] }
    } catch (error) {
      if (!(error instanceof LakefsError)) throw error
      const { problems } = await checkRef({ lakefs, lake }, study, branch)
      return { status: error.status, problems }
    }
  } finally {
    await lakefs.deleteBranch(study, branch)
  }
}
