import type { Environment } from '../../lib/environment.ts'
import { type Field, formatType } from '../../lib/fields.ts'
import {
  currentSchema,
  currentSchemaFields,
  type DataFile,
  IcebergError,
  readDataFiles,
  type TableMetadata,
} from '../../lib/iceberg/table.ts'
import type { Commit } from '../../lib/lakefs/client.ts'
import { datasetRule, fits, type Layer, layers } from '../../lib/layout.ts'
import { listTables, readTableAt } from '../../lib/pipeline/table-objects.ts'
import { CommandError, UsageError } from './failure.ts'
import { checkStudy } from './study-folder.ts'

/** `ilms@v1`: a study, and a branch, tag or commit of it. Throws UsageError. */
export function parseStudyRef(text: string): { study: string; ref: string } {
  const [study = '', ref = '', ...rest] = text.split('@')
  if (ref === '' || rest.length > 0)
    throw new UsageError(
      `${JSON.stringify(text)} does not fit: STUDY@REF, a version, tag or commit of a study, as in ilms@v1`,
    )
  return { study: checkStudy(study), ref }
}

/** `base.patients`. Throws UsageError. */
export function parseTableName(text: string): { layer: Layer; dataset: string } {
  const [layer = '', dataset = '', ...rest] = text.toLowerCase().split('.')
  if (rest.length > 0 || !layers.includes(layer as Layer) || !fits(datasetRule, dataset))
    throw new UsageError(
      `${JSON.stringify(text)} does not fit: LAYER.DATASET with layer ${layers.join(', ')}, as in base.patients`,
    )
  return { layer: layer as Layer, dataset }
}

/** The commit that a ref names; a branch is read at its committed head. Throws CommandError, which lists what there is. */
export async function resolveRef({ lakefs }: Environment, study: string, ref: string): Promise<Commit> {
  const commit = await lakefs.getCommit(study, ref)
  if (commit) return commit
  if (!(await lakefs.getRepository(study))) {
    const known: string[] = []
    for await (const { id } of lakefs.listRepositories()) known.push(id)
    throw new CommandError(
      `there is no study ${study}; there ${known.length > 0 ? `are: ${known.join(', ')}` : 'is none yet'}`,
    )
  }
  const branches: string[] = []
  for await (const { id } of lakefs.listBranches(study)) branches.push(id)
  throw new CommandError(`${study} has no version, tag or commit ${ref}; its branches are: ${branches.join(', ')}`)
}

/** A table at a commit. */
export interface Table {
  layer: Layer
  dataset: string
  columns: { name: string; type: string; nullable: boolean; label?: string }[]
  /** Undefined where an engine made columns of types that no contents file can declare. */
  fields: Field[] | undefined
  files: DataFile[]
  rows: number
}

function declaredFields(metadata: TableMetadata): Field[] | undefined {
  try {
    return currentSchemaFields(metadata)
  } catch (error) {
    if (error instanceof IcebergError) return undefined
    throw error
  }
}

/** Reads one table, or undefined where the commit does not have it. */
export async function readTable(
  environment: Environment,
  { study, commit, layer, dataset }: { study: string; commit: string; layer: Layer; dataset: string },
): Promise<Table | undefined> {
  const metadata = await readTableAt(environment, study, commit, layer, dataset)
  if (!metadata) return undefined
  const files = await readDataFiles(environment.lake, metadata)
  const rows = files.reduce((sum, { content, rows }) => sum + (content === 0 ? rows : 0), 0)
  const fields = declaredFields(metadata)
  const columns = currentSchema(metadata).fields.map(({ name, type, required, doc }, at) => ({
    name,
    type: fields ? formatType(fields[at]!.type) : typeof type === 'string' ? type : (type as { type: string }).type,
    nullable: !required,
    label: doc,
  }))
  return { layer, dataset, columns, fields, files, rows }
}

/** Reads one table. Throws CommandError, which lists the tables that there are. */
export async function requireTable(
  environment: Environment,
  place: { study: string; ref: string; commit: string; layer: Layer; dataset: string },
): Promise<Table> {
  const table = await readTable(environment, place)
  if (table) return table
  const names = (await listTables(environment, place.study, place.commit)).map(
    ({ layer, dataset }) => `${layer}.${dataset}`,
  )
  const known = names.length > 0 ? `its tables are: ${names.join(', ')}` : 'it has no tables'
  throw new CommandError(`${place.study}@${place.ref} has no table ${place.layer}.${place.dataset}; ${known}`)
}
