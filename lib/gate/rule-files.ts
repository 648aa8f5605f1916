import type { Environment } from '../environment.ts'
import { NotFoundError, type Problem } from '../errors.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import { keyOfAddress } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { readFooter } from '../parquet/footer.ts'
import { footerFields } from '../parquet/schema.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { compareColumns, type StatedColumn } from './compare-columns.ts'
import { isDataFault, type StudyView, type TableView } from './view.ts'

/** What a file's own footer says. */
interface FooterFacts {
  rows: number
  columns: StatedColumn[]
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
  const facts = { rows: Number(metadata.num_rows), columns: footerFields(metadata) }
  cache.set(name, facts)
  if (cache.size > remembered) cache.delete(cache.keys().next().value!)
  return facts
}

/** A data file's name as a person reads it: the start of its hash is enough to find it. */
function shorten(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1).replace(/^([0-9a-f]{12})[0-9a-f]{52}/, '$1…')
}

async function checkFile(lake: ObjectStore, { name: table, fields }: TableView, file: DataFile): Promise<Problem[]> {
  const { address, bytes, rows } = file
  const key = keyOfAddress(lake.bucket, address)
  if (key === undefined) return [{ code: 'file-elsewhere', table, message: `${address} is not in the lake bucket` }]
  const info = await lake.head(key)
  if (!info) return [{ code: 'file-missing', table, message: `${address} does not exist` }]
  if (info.size !== bytes) {
    return [
      {
        code: 'file-size',
        table,
        message: `${address} has another size`,
        expected: `${bytes} bytes`,
        found: `${info.size} bytes`,
      },
    ]
  }
  let facts: FooterFacts
  try {
    facts = await readFacts(lake, key, info)
  } catch (error) {
    if (!isDataFault(error)) throw error
    if (error instanceof NotFoundError) return [{ code: 'file-missing', table, message: `${address} does not exist` }]
    return [{ code: 'file-unreadable', table, message: (error as Error).message }]
  }
  const problems = compareColumns({
    expected: fields,
    found: facts.columns,
    code: 'footer',
    table,
    subject: `the footer of ${shorten(address)}`,
  })
  if (facts.rows !== rows) {
    problems.push({
      code: 'file-rows',
      table,
      message: `${address} has another row count`,
      expected: `${rows}`,
      found: `${facts.rows}`,
    })
  }
  return problems
}

/** Every data file of every table: it exists, its size and rows are the manifest's, its footer is the Iceberg schema. */
export async function checkFiles({ lake }: Pick<Environment, 'lake'>, { tables }: StudyView): Promise<Problem[]> {
  const files = tables.flatMap(table =>
    table.files.filter(({ content }) => content === 0).map(file => ({ table, file })),
  )
  const problems = await mapConcurrently(files, readsAtOnce, ({ table, file }) => checkFile(lake, table, file))
  return problems.flat()
}
