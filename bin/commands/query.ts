import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { text as readAll } from 'node:stream/consumers'
import { defaultFolder, readState } from '../../infra/stack/state.ts'
import { type QueryConfig, readQueryConfig } from '../../lib/config.ts'
import { formatCatalogProperties, formatCreateCatalog } from '../../lib/trino-catalog.ts'
import { defineStudyCommand } from '../support/define.ts'
import { CommandError, exitCodes, UsageError } from '../support/failure.ts'
import { onInterrupt } from '../support/interrupt.ts'
import { count, type Output } from '../support/output.ts'
import { resolveFromUser } from '../support/paths.ts'
import { createCsvPrinter, createJsonPrinter, createTablePrinter, type RowPrinter } from '../support/print-rows.ts'
import { parseStatement } from '../support/statement.ts'
import { CancelledError, openQuery, type Page, type Query, QueryError, type QueryOptions } from '../support/trino.ts'

/** Whoever reads the result wants no more of it. */
class ClosedError extends Error {
  override name = 'ClosedError'
}

/** Writes a piece of the result, and waits until it is taken. Throws ClosedError. */
function write(text: string, output: Output): Promise<void> {
  output.clear()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  process.stdout.write(text, error => {
    if (!error) resolve()
    else reject((error as NodeJS.ErrnoException).code === 'EPIPE' ? new ClosedError() : error)
  })
  return promise
}

async function readStatement({ sql, file }: { sql?: string; file?: string }): Promise<string> {
  if ((sql === undefined) === (file === undefined))
    throw new UsageError('query: the statement is an argument, or - for standard input, or in the file of --file')
  return parseStatement(
    sql === '-' || file === '-'
      ? await readAll(process.stdin)
      : (sql ?? (await readFile(resolveFromUser(file!), 'utf8'))),
  )
}

/** The name that this machine knows the user by. */
function findUser(): string {
  try {
    return userInfo().username
  } catch {
    return 'studylake'
  }
}

/** What a Trino that takes no CREATE CATALOG has to be given, its secrets as it reads them from its own environment. */
function describeCatalog(name: string, { catalog }: QueryConfig): string {
  const secret = (variable: string): string => `\${ENV:${variable}}`
  const { url = 'https://…', objectStore = {} } = catalog ?? {}
  const credentials = objectStore.credentials && {
    accessKeyId: secret('OBJECT_STORE_ACCESS_KEY_ID'),
    secretAccessKey: secret('OBJECT_STORE_SECRET_ACCESS_KEY'),
  }
  const properties = { url, token: secret('CATALOG_TOKEN'), objectStore: { ...objectStore, credentials } }
  return `etc/catalog/${name}.properties of each of its nodes:\n\n${formatCatalogProperties(properties)}`
}

/** Makes the catalog in Trino. Throws CommandError, which says how else it comes there. */
async function createCatalog(options: QueryOptions, config: QueryConfig): Promise<void> {
  const { catalog: name } = options
  if (!config.catalog)
    throw new CommandError(
      `Trino has no catalog ${name}. Set CATALOG_URL and CATALOG_TOKEN, and it is made; or put this into ${describeCatalog(name, config)}`,
    )
  try {
    for await (const _ of openQuery(formatCreateCatalog(name, config.catalog), options).pages);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    const what = `Trino has no catalog ${name}, and does not take CREATE CATALOG (${error.message})`
    const how = 'Set catalog.management=dynamic in its config.properties, or put this into'
    throw new CommandError(`${what}. ${how} ${describeCatalog(name, config)}`, { cause: error })
  }
}

/** `INSERT: 3 rows`, `CREATE TABLE` */
const describeUpdate = ({ updateType, updateCount }: Page): string =>
  updateCount == null ? `${updateType}` : `${updateType}: ${count(Number(updateCount), 'row')}`

/** Prints the pages of a query; as text, what a statement has done that is no query. Throws what the pages throw, CommandError and ClosedError. */
async function print(
  query: Query,
  printer: RowPrinter,
  { output, text }: { output: Output; text: boolean },
): Promise<void> {
  let begun = false
  let update: Page | undefined
  for await (const page of query.pages) {
    if (page.updateType !== undefined) update = page
    if (text && update) continue
    if (page.columns?.length && !begun) {
      begun = true
      await printer.begin(page.columns)
    }
    if (page.data) await printer.rows(page.data)
  }
  if (text && update) output.line(describeUpdate(update))
  else await printer.end()
}

const isMissingCatalog = (error: unknown, catalog: string): boolean =>
  error instanceof QueryError && error.errorName === 'CATALOG_NOT_FOUND' && error.message.includes(`'${catalog}'`)

function describeProgress({ stats }: Page): string {
  const { state = '', processedRows = 0, progressPercentage } = stats ?? {}
  const percent = progressPercentage ? `, ${Math.round(progressPercentage)} %` : ''
  return `${state.toLowerCase()}${percent}, ${count(processedRows, 'row')} read`
}

function createPrinter({ csv, output }: { csv: boolean; output: Output }): RowPrinter {
  const take = (text: string) => write(text, output)
  if (output.json) return createJsonPrinter(take)
  return csv ? createCsvPrinter(take) : createTablePrinter(take, { width: process.stdout.columns })
}

async function run(
  statement: string,
  options: QueryOptions,
  { config, output, csv }: { config: QueryConfig; output: Output; csv: boolean },
): Promise<number> {
  let query: Query | undefined
  let stopped = false
  const forget = onInterrupt(() => {
    stopped = true
    query?.cancel()
  })
  const ask = async (): Promise<void> => {
    query = openQuery(statement, options)
    await print(query, createPrinter({ csv, output }), { output, text: !csv && !output.json })
  }
  try {
    try {
      await ask()
    } catch (error) {
      if (!isMissingCatalog(error, options.catalog)) throw error
      await createCatalog(options, config)
      if (!stopped) await ask()
    }
  } catch (error) {
    if (!(error instanceof ClosedError || error instanceof CancelledError)) throw error
  } finally {
    output.clear()
    forget()
  }
  if (!stopped) return exitCodes.done
  if (!(await query?.cancel())) console.error('studylake: Trino did not say that the query has ended')
  return exitCodes.interrupted
}

export default defineStudyCommand({
  name: 'query',
  description: 'Ask SQL of every version of every study, through Trino (TRINO_URL)',
  args: {
    sql: { type: 'positional', required: false, description: 'One statement; - reads it from standard input' },
    file: { type: 'string', valueHint: 'FILE', description: 'Read the statement from a file' },
    csv: { type: 'boolean', default: false, description: 'Print CSV; a null is an empty cell, empty text is ""' },
    json: { type: 'boolean', default: false, description: 'Print a JSON array with an object a row, each on a line' },
    catalog: { type: 'string', default: 'studylake', description: 'The Trino catalog; made where it is missing' },
    user: { type: 'string', description: 'Who asks; default TRINO_USER, or who is logged in' },
    data: { type: 'string', valueHint: 'DIR', default: defaultFolder, description: 'Of the local stack, if it runs' },
  },
  async run({ args, data, output }) {
    if (args.csv && output.json) throw new UsageError('query: --csv or --json, not both')
    const statement = await readStatement(args)
    const config = readQueryConfig(process.env)
    const server = config.trino.url ?? readState(data)?.endpoints.trino
    if (server === undefined)
      throw new CommandError('where is Trino? Set TRINO_URL, or start the local stack with "npm run stack"')
    const options: QueryOptions = {
      server,
      user: args.user ?? config.trino.user ?? findUser(),
      password: config.trino.password,
      catalog: args.catalog,
      onPage: page => output.progress(describeProgress(page)),
    }
    return run(statement, options, { config, output, csv: args.csv })
  },
})
