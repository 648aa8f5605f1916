import type { Environment } from '../environment.ts'
import { NotFoundError } from '../errors.ts'
import { compareFile } from '../iceberg/compare-file.ts'
import type { LiveFile } from '../iceberg/verify-table.ts'
import { keyOfAddress } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { readFooter } from '../parquet/footer.ts'
import { footerFields } from '../parquet/schema.ts'
import { type ParquetNode, schemaTree } from '../parquet/schema-tree.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { GateProblem } from './codes.ts'
import { compareColumns, type StatedColumn } from './compare-columns.ts'
import { isOwn } from './rule-addresses.ts'
import { isDataFault, type StudyView, type TableView, type VersionTable } from './view.ts'

/** What a file's own footer says. */
interface FooterFacts {
  rows: number
  columns: StatedColumn[]
  tree: ParquetNode[]
}

/** Footers read at once, at most. */
const readsAtOnce = 8
/** Files whose footers are remembered; the oldest go first. */
const remembered = 5_000
const caches = new WeakMap<ObjectStore, Map<string, FooterFacts>>()

/** Files never change, so a footer is read once: by address, size and ETag. */
async function readFacts(
  lake: ObjectStore,
  key: string,
  { size, etag }: { size: number; etag: string },
): Promise<FooterFacts> {
  const cache = caches.get(lake) ?? new Map<string, FooterFacts>()
  caches.set(lake, cache)
  const name = `${key} ${size} ${etag}`
  const known = cache.get(name)
  if (known) return known
  const metadata = await readFooter(lake, key, { size })
  const facts = { rows: Number(metadata.num_rows), columns: footerFields(metadata), tree: schemaTree(metadata) }
  cache.set(name, facts)
  if (cache.size > remembered) cache.delete(cache.keys().next().value!)
  return facts
}

/** A data file's name as a person reads it: the start of its hash is enough to find it. */
function shorten(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1).replace(/^([0-9a-f]{12})[0-9a-f]{52}/, '$1…')
}

/** Ids of the columns that a partition spec takes as they are: their values may stand in the manifest alone. */
function identityIds({ metadata }: TableView, specId: number): Set<number> {
  const spec = metadata['partition-specs'].find(candidate => candidate['spec-id'] === specId)
  const fields = (spec?.fields ?? []).filter(field => field.transform === 'identity')
  return new Set(fields.map(field => field['source-id'] as number))
}

/** Columns of every position-delete file: `file_path` and `pos` (spec, "Position Delete Files", "Reserved Field IDs"). */
const positionDeleteIds = [2147483546, 2147483545]

/** A delete file has the columns by which it names rows. */
function checkDeleteColumns({ columns }: TableView, file: LiveFile, { tree }: FooterFacts): string[] {
  const ids = new Set(tree.map(({ id }) => id))
  const needed = file.content === 1 ? positionDeleteIds : file.equalityIds
  const unknown = file.content === 2 ? file.equalityIds.filter(id => !columns.known.has(id)) : []
  const problems = needed.filter(id => !ids.has(id)).map(id => `lacks the column of field id ${id}`)
  problems.push(...unknown.map(id => `compares field id ${id}, which the table never had`))
  if (needed.length === 0) problems.push('names no columns to compare')
  return problems
}

/** What a footer says of columns against the table: exactly where the table is a version's, otherwise as engines read it. */
function checkColumns(table: TableView | VersionTable, file: LiveFile, facts: FooterFacts): GateProblem[] {
  const { name } = table
  const subject = `the footer of ${shorten(file.address)}`
  if (file.content !== 0) {
    const found = checkDeleteColumns(table, file, facts)
    return found.map(what => ({ code: 'delete-file-columns', table: name, message: `${subject} ${what}` }))
  }
  if ('fields' in table)
    return compareColumns({ expected: table.fields, found: facts.columns, code: 'footer', table: name, subject })
  return compareFile(table.columns, facts.tree, { identityIds: identityIds(table, file.specId) }).map(
    ({ kind, message, ...difference }) => ({
      code: `footer-${kind}`,
      table: name,
      message: `${subject} ${message}`,
      ...difference,
    }),
  )
}

async function checkFile(lake: ObjectStore, table: TableView | VersionTable, file: LiveFile): Promise<GateProblem[]> {
  const { name } = table
  const { address, bytes, rows } = file
  const key = keyOfAddress(lake.bucket, address)
  if (key === undefined) return []
  if (file.format !== 'PARQUET') {
    const message = `${address} is of a format that the gate cannot judge: write Parquet (write.format.default)`
    return [{ code: 'file-format', table: name, message, expected: 'PARQUET', found: file.format }]
  }
  const info = await lake.head(key)
  if (!info) return [{ code: 'file-missing', table: name, message: `${address} does not exist` }]
  if (info.size !== bytes) {
    const difference = { expected: `${bytes} bytes`, found: `${info.size} bytes` }
    return [{ code: 'file-size', table: name, message: `${address} has another size`, ...difference }]
  }
  let facts: FooterFacts
  try {
    facts = await readFacts(lake, key, info)
  } catch (error) {
    if (!isDataFault(error)) throw error
    if (error instanceof NotFoundError)
      return [{ code: 'file-missing', table: name, message: `${address} does not exist` }]
    return [{ code: 'file-unreadable', table: name, message: (error as Error).message }]
  }
  const problems = checkColumns(table, file, facts)
  if (facts.rows !== rows) {
    const difference = { expected: `${rows}`, found: `${facts.rows}` }
    problems.push({ code: 'file-rows', table: name, message: `${address} has another row count`, ...difference })
  }
  return problems
}

/**
 * Every file of every table, delete files included: it exists, its size and rows are the manifest's, its footer is what the table says. Rows are counted
 * as they stand in the files: those that a delete file takes away count too. `exact` are the tables that are a version's own.
 */
export async function checkFiles(
  { lake }: Pick<Environment, 'lake'>,
  view: StudyView,
  exact: VersionTable[] = [],
): Promise<GateProblem[]> {
  const byName = new Map(exact.map(table => [table.name, table]))
  // What lies elsewhere is refused as such, and not looked into.
  const files = view.tables.flatMap(table =>
    table.files
      .filter(({ address }) => isOwn(view, address))
      .map(file => ({ table: byName.get(table.name) ?? table, file })),
  )
  const problems = await mapConcurrently(files, readsAtOnce, ({ table, file }) => checkFile(lake, table, file))
  return problems.flat()
}
