import { parseSerializedContents } from '../contents/serialize.ts'
import type { Environment } from '../environment.ts'
import { type Problem, TransientError } from '../errors.ts'
import type { Contents, Field } from '../fields.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import { currentSchemaFields, parseTableMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { verifySnapshot } from '../iceberg/verify-table.ts'
import { contentsPath, type Layer, parseTablePath, tablesPrefix, versionPath } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { parseVersionRecord, type VersionRecord } from '../pipeline/version-record.ts'

/** One table as it stands at a ref. */
export interface TableView {
  layer: Layer
  dataset: string
  /** `raw.dm` */
  name: string
  metadata: TableMetadata
  fields: Field[]
  /** Of the current snapshot. */
  files: DataFile[]
}

/** All that the rules judge: read from one ref, and from nothing else. */
export interface StudyView {
  study: string
  /** Of the lake. */
  bucket: string
  contents?: Contents
  record?: VersionRecord
  tables: TableView[]
  /** What could not be read at all. */
  problems: Problem[]
}

/** Reads at once, at most. */
const readsAtOnce = 8

/** Names of errors by which our readers say what is wrong with a document or a file. Whatever else is thrown says that it could not be read. */
const dataFaults = new Set(['Error', 'IcebergError', 'JsonError', 'NotFoundError', 'ZodError'])

/** True where an error tells of the data; false where it tells of a server, a right or a network, which is no verdict. */
export const isDataFault = (error: unknown): boolean => error instanceof Error && dataFaults.has(error.name)

async function readTable(
  { lakefs, lake }: Pick<Environment, 'lakefs' | 'lake'>,
  { study, ref, path }: { study: string; ref: string; path: string },
  problems: Problem[],
): Promise<TableView | undefined> {
  const table = parseTablePath(path)
  if (!table) {
    problems.push({ code: 'table-misplaced', message: `${path} is not the path of a table` })
    return undefined
  }
  const name = `${table.layer}.${table.dataset}`
  const bytes = await lakefs.getObject(study, ref, path)
  if (!bytes) throw new TransientError(`${path} was listed at ${ref} of ${study} and is not there`)
  try {
    const metadata = parseTableMetadata(new TextDecoder().decode(bytes), path)
    const { files, problems: disagreements } = await verifySnapshot(lake, metadata)
    problems.push(...disagreements.map(message => ({ code: 'snapshot-inconsistent', table: name, message })))
    return { ...table, name, metadata, fields: currentSchemaFields(metadata), files }
  } catch (error) {
    if (!isDataFault(error)) throw error
    problems.push({ code: 'table-unreadable', table: name, message: (error as Error).message })
    return undefined
  }
}

/** Reads a ref: a branch with its staged changes, or a commit. Throws TransientError where a server does not answer. */
export async function readStudyView(
  environment: Pick<Environment, 'lakefs' | 'lake'>,
  study: string,
  ref: string,
): Promise<StudyView> {
  const { lakefs } = environment
  const problems: Problem[] = []
  const paths: string[] = []
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: tablesPrefix })) paths.push(path)
  const tables = await mapConcurrently(paths, readsAtOnce, path =>
    readTable(environment, { study, ref, path }, problems),
  )
  const view: StudyView = {
    study,
    bucket: environment.lake.bucket,
    tables: tables.filter(table => table !== undefined),
    problems,
  }
  // Read outside of the attempts below: a server that fails says nothing of what is declared.
  const contents = await lakefs.getObject(study, ref, contentsPath)
  const record = await lakefs.getObject(study, ref, versionPath)
  const attempt = (path: string, parse: () => void) => {
    try {
      parse()
    } catch {
      problems.push({ code: 'declaration-unreadable', message: `${path} cannot be read` })
    }
  }
  attempt(contentsPath, () => {
    if (contents) view.contents = parseSerializedContents(new TextDecoder().decode(contents))
  })
  attempt(versionPath, () => {
    if (record) view.record = parseVersionRecord(record)
  })
  return view
}

/** The table of that layer and dataset, or undefined. */
export function findTable({ tables }: StudyView, layer: Layer, dataset: string): TableView | undefined {
  return tables.find(table => table.layer === layer && table.dataset === dataset)
}

/** Rows of the table's current snapshot. */
export const countRows = ({ files }: TableView): number => files.reduce((sum, { rows }) => sum + rows, 0)
