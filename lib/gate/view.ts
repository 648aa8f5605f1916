import { parseSerializedContents } from '../contents/serialize.ts'
import type { Environment } from '../environment.ts'
import { TransientError } from '../errors.ts'
import type { Contents, Field } from '../fields.ts'
import { type ColumnHistory, readHistory } from '../iceberg/compare-file.ts'
import { currentSchemaFields, parseTableMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { type LiveFile, verifySnapshot } from '../iceberg/verify-table.ts'
import { contentsPath, keyTablesPrefix, type Layer, parseTablePath, tablePath, versionPath } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { parseVersionRecord, type VersionRecord } from '../pipeline/version-record.ts'
import type { GateProblem } from './codes.ts'

/** One table as it stands at a ref, whoever wrote it. */
export interface TableView {
  layer: Layer
  dataset: string
  /** `raw.dm` */
  name: string
  metadata: TableMetadata
  columns: ColumnHistory
  /** Of the current snapshot, delete files included. */
  files: LiveFile[]
  /** Of the current snapshot's manifests. */
  manifests: string[]
}

/** A ref as the rules of structure judge it. */
export interface StudyView {
  study: string
  /** Of the lake. */
  bucket: string
  /** Every object on the ref; with `scope` those of them that were looked at. */
  listing: Listing
  /** The paths that are judged besides key tables, where those are not all: what is at others is what a good parent has. */
  scope?: Set<string>
  /** The tables that are judged: all, or those that are otherwise than at a good parent. */
  tables: TableView[]
  /** What could not be read at all. */
  problems: GateProblem[]
}

/** A table of a version: all of its columns are of declared types. */
export interface VersionTable extends TableView {
  fields: Field[]
}

/** What makes a version: what the other rules judge. Tables that people wrote beside it are not in it. */
export interface VersionView {
  study: string
  bucket: string
  contents?: Contents
  record?: VersionRecord
  listing: Listing
  scope?: Set<string>
  /** Those that are judged; whether a table is there at all, hasTable says. */
  tables: VersionTable[]
  problems: GateProblem[]
}

/** Reads at once, at most. */
const readsAtOnce = 8

/** Objects of a ref by path: what names their content, or undefined where that was not asked. */
export type Listing = ReadonlyMap<string, string | undefined>

/** Names of errors by which our readers say what is wrong with a document or a file. Whatever else is thrown says that it could not be read. */
const dataFaults = new Set(['Error', 'IcebergError', 'JsonError', 'NotFoundError', 'ZodError'])

/** True where an error tells of the data; false where it tells of a server, a right or a network, which is no verdict. */
export const isDataFault = (error: unknown): boolean => error instanceof Error && dataFaults.has(error.name)

type Reading = Pick<Environment, 'lakefs' | 'lake'>

async function readTable(
  { lakefs, lake }: Reading,
  { study, ref, path }: { study: string; ref: string; path: string },
  problems: GateProblem[],
): Promise<TableView | undefined> {
  const table = parseTablePath(path)
  if (!table) return undefined
  const name = `${table.layer}.${table.dataset}`
  const bytes = await lakefs.getObject(study, ref, path)
  if (!bytes) throw new TransientError(`${path} was listed at ${ref} of ${study} and is not there`)
  try {
    const metadata = parseTableMetadata(new TextDecoder().decode(bytes), path)
    const columns = readHistory(metadata)
    const { files, addresses: manifests, problems: disagreements } = await verifySnapshot(lake, metadata)
    problems.push(...disagreements.map(problem => ({ ...problem, table: name })))
    return { ...table, name, metadata, columns, files, manifests }
  } catch (error) {
    if (!isDataFault(error)) throw error
    problems.push({ code: 'table-unreadable', table: name, message: (error as Error).message })
    return undefined
  }
}

/**
 * Reads the tables of a ref: a branch with its staged changes, or a commit. `listing` is what is there; with `scope` only the tables at those
 * paths are read, and key tables where a version is judged. Throws TransientError where a server does not answer.
 */
export async function readStudyView(
  environment: Reading,
  {
    study,
    ref,
    listing,
    scope,
    isVersion,
  }: { study: string; ref: string; listing: Listing; scope?: Set<string>; isVersion: boolean },
): Promise<StudyView> {
  const problems: GateProblem[] = []
  const paths = [...listing.keys()].filter(
    path => !scope || scope.has(path) || (isVersion && path.startsWith(keyTablesPrefix)),
  )
  const tables = await mapConcurrently(paths, readsAtOnce, path =>
    readTable(environment, { study, ref, path }, problems),
  )
  const found = tables.filter(table => table !== undefined)
  return { study, bucket: environment.lake.bucket, listing, scope, tables: found, problems }
}

/** Reads what a ref declares, and its tables as a version has them. Throws TransientError where a server does not answer. */
export async function readVersionView(
  { lakefs }: Reading,
  { study, bucket, listing, scope, tables }: StudyView,
  ref: string,
): Promise<VersionView> {
  const view: VersionView = { study, bucket, listing, scope, tables: [], problems: [] }
  // Read outside of the attempts below: a server that fails says nothing of what is declared.
  const contents = await lakefs.getObject(study, ref, contentsPath)
  const record = await lakefs.getObject(study, ref, versionPath)
  const attempt = (path: string, parse: () => void) => {
    try {
      parse()
    } catch {
      view.problems.push({ code: 'declaration-unreadable', message: `${path} cannot be read` })
    }
  }
  attempt(contentsPath, () => {
    if (contents) view.contents = parseSerializedContents(new TextDecoder().decode(contents))
  })
  attempt(versionPath, () => {
    if (record) view.record = parseVersionRecord(record)
  })
  for (const table of tables.filter(({ layer }) => layer !== 'work')) {
    try {
      view.tables.push({ ...table, fields: currentSchemaFields(table.metadata) })
    } catch (error) {
      view.problems.push({ code: 'table-type', table: table.name, message: (error as Error).message })
    }
  }
  return view
}

/** The table of that layer and dataset, or undefined. */
export function findTable({ tables }: VersionView, layer: Layer, dataset: string): VersionTable | undefined {
  return tables.find(table => table.layer === layer && table.dataset === dataset)
}

/** True where the ref has that table, judged or not. Asked of tables that the ref declares: where that is no news, a good parent has them. */
export function hasTable(
  { listing, scope }: Pick<VersionView, 'listing' | 'scope'>,
  layer: Layer,
  dataset: string,
): boolean {
  const path = tablePath(layer, dataset)
  return listing.has(path) || (scope !== undefined && layer !== 'keys' && !scope.has(path))
}

/** Rows of the table's current snapshot. */
export const countRows = ({ files }: TableView): number => files.reduce((sum, { rows }) => sum + rows, 0)
