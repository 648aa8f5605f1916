/** Statements of commands through Trino: what goes wrong is said to the person who asked. */
import {
  openTrinoQuery,
  type Page,
  type Query,
  StatementError,
  type TrinoQueryOptions,
  UnansweredError,
} from '../../lib/trino-query.ts'
import { CommandError } from './failure.ts'

export { CancelledError, type Page, type Query } from '../../lib/trino-query.ts'

export interface Column {
  name: string
  /** As Trino writes it: `decimal(10,2)`. */
  type: string
}

/** Trino refused a statement, or could not end it. */
export class QueryError extends CommandError {
  override name = 'QueryError'
  /** Of Trino: `TABLE_NOT_FOUND`. */
  readonly errorName: string

  constructor({ message, errorName }: StatementError) {
    super(message)
    this.errorName = errorName
  }
}

export type QueryOptions = TrinoQueryOptions

/** Prepares a statement; it is sent when its pages are read. These throw QueryError, CancelledError, and CommandError where Trino cannot be asked. */
export function openQuery(statement: string, options: QueryOptions): Query {
  const { pages, cancel } = openTrinoQuery(statement, options)
  return { pages: translate(pages, options.server), cancel }
}

async function* translate(pages: AsyncIterable<Page>, server: string): AsyncGenerator<Page> {
  try {
    yield* pages
  } catch (error) {
    throw describe(error, server)
  }
}

function describe(error: unknown, server: string): unknown {
  if (error instanceof StatementError) return new QueryError(error)
  if (!(error instanceof UnansweredError)) return error
  const { message, status, cause } = error
  if (message === 'is not Trino') return new CommandError(`what answers at ${server} ${message}`, { cause })
  if (status === 401 || status === 403) {
    const hint = 'TRINO_USER, TRINO_PASSWORD and --user say who asks'
    return new CommandError(`Trino at ${server} does not let us in (${status}): ${hint}`, { cause })
  }
  return new CommandError(
    `Trino at ${server} ${message}. Is it there? "npm run stack" starts one; TRINO_URL names another`,
    { cause },
  )
}
