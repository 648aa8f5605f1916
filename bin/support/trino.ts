/** One statement through Trino, page by page. https://trino.io/docs/current/develop/client-protocol.html */
import { setTimeout as sleep } from 'node:timers/promises'
import { BasicAuth, type Iterator, type QueryResult, Trino } from 'trino-client'
import { JsonError, parseJson } from '../../lib/json.ts'
import { CommandError } from './failure.ts'

export interface Column {
  name: string
  /** As Trino writes it: `decimal(10,2)`. */
  type: string
}

/** A page of a result, as the protocol has it; members that the package does not declare are Trino's all the same. */
export interface Page extends Omit<QueryResult, 'error' | 'data' | 'warnings'> {
  data?: unknown[][]
  /** Of statements that are no queries: `INSERT`, `CREATE TABLE`. */
  updateType?: string
  updateCount?: number | bigint
  warnings?: { message: string }[]
  error?: { message: string; errorName: string; errorLocation?: { lineNumber: number; columnNumber: number } }
}

/** Trino refused a statement, or could not end it. */
export class QueryError extends CommandError {
  override name = 'QueryError'
  /** Of Trino: `TABLE_NOT_FOUND`. */
  readonly errorName: string

  constructor({ message, errorName, errorLocation: at }: NonNullable<Page['error']>) {
    // What is wrong with the statement itself says where already.
    super(at && !message.startsWith('line ') ? `line ${at.lineNumber}:${at.columnNumber}: ${message}` : message)
    this.errorName = errorName
  }
}

/** A query was cancelled by us: what came of it is not all that there is. */
export class CancelledError extends Error {
  override name = 'CancelledError'
}

export interface QueryOptions {
  /** `http://127.0.0.1:8080` */
  server: string
  user: string
  password?: string
  catalog: string
  /** Told of each answer, those without rows included. */
  onPage?: (page: Page) => void
}

export interface Query {
  /**
   * Ends with the last page. Breaking it off cancels the query. Throws QueryError, CancelledError, and CommandError where Trino cannot be asked.
   */
  pages: AsyncIterable<Page>
  /** Has Trino end the query. Resolves with whether Trino did. */
  cancel(): Promise<boolean>
}

/** The part of the package's client that it keeps to itself: it is the only way to a cancellation by the protocol, and to the parser. */
interface Transport {
  clientConfig: {
    timeout?: number
    transformResponse?: ((text: string, headers: unknown, status?: number) => unknown)[]
  }
  request(request: { url: string; method: string; timeout?: number }): Promise<unknown>
}

/** ms; Trino answers within a second, with an empty page where it has nothing. */
const timeout = 60_000
const cancelTimeout = 5000
/** Tries of one page, and ms between them, which double. Trino begins a statement when its second page is asked for, so none is run twice. */
const attempts = 6
const pause = 100

/** Prepares a statement; it is sent when its pages are read. */
export function openQuery(
  statement: string,
  { server, user, password, catalog, onPage = () => {} }: QueryOptions,
): Query {
  const trino = Trino.create({
    server,
    catalog,
    source: 'studylake',
    ...(password === undefined ? {} : { auth: new BasicAuth(user, password) }),
    // Without the capability Trino cuts times to milliseconds.
    extraHeaders: { 'X-Trino-User': user, 'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME' },
  })
  const { client } = trino as unknown as { client: Transport }
  let nextUri: string | undefined
  let sent: Promise<unknown> | undefined
  let cancelled: Promise<boolean> | undefined

  client.clientConfig.timeout = timeout
  // The package's own parser would round integers of more than 53 bits.
  client.clientConfig.transformResponse = [
    (text, _headers, status) => {
      if (status !== 200) return text
      const page = parseJson(text, 'the answer') as Page
      nextUri = page.nextUri
      onPage(page)
      return page
    },
  ]

  async function attempt<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let tried = 1; ; tried++) {
      try {
        return await call()
      } catch (error) {
        if (cancelled || tried === attempts || !isPassing(error)) throw describe(error, server)
        await sleep(pause * 2 ** (tried - 1))
      }
    }
  }

  function cancel(): Promise<boolean> {
    cancelled ??= (async () => {
      await sent?.catch(() => {})
      if (nextUri === undefined) return true
      const request = { url: nextUri, method: 'DELETE', timeout: cancelTimeout }
      return client.request(request).then(
        () => true,
        () => false,
      )
    })()
    return cancelled
  }

  async function* readPages(): AsyncGenerator<Page> {
    let ended = false
    try {
      const sending = attempt(() => trino.query(statement))
      sent = sending
      const iterator = (await sending) as Iterator<unknown>
      for (let last: unknown; !cancelled; ) {
        const { value, done } = await attempt(() => iterator.next())
        const page = value as Page
        if (cancelled) break
        // A query that ends with its first answer has no other.
        if (page === last) return
        last = page
        ended = page.nextUri === undefined
        if (page.error) throw new QueryError(page.error)
        yield page
        if (done || ended) return
      }
    } catch (error) {
      // What is broken off is answered as a failure.
      if (!cancelled) throw error
    } finally {
      if (!ended) await cancel()
    }
    throw new CancelledError('the query was cancelled')
  }
  return { pages: readPages(), cancel }
}

interface HttpFailure {
  code?: string
  response?: { status: number }
}

/** An answer that the protocol says to ask for again, or none. */
function isPassing(error: unknown): boolean {
  const { code, response } = error as HttpFailure
  return response ? [429, 502, 503, 504].includes(response.status) : code === 'ECONNRESET' || code === 'ECONNABORTED'
}

function describe(error: unknown, server: string): Error {
  const { code, response } = error as HttpFailure
  if (error instanceof JsonError) return new CommandError(`what answers at ${server} is not Trino`, { cause: error })
  if (response?.status === 401 || response?.status === 403) {
    const hint = 'TRINO_USER, TRINO_PASSWORD and --user say who asks'
    return new CommandError(`Trino at ${server} does not let us in (${response.status}): ${hint}`, { cause: error })
  }
  const what = response ? `answered ${response.status}` : `does not answer (${code ?? (error as Error).message})`
  return new CommandError(
    `Trino at ${server} ${what}. Is it there? "npm run stack" starts one; TRINO_URL names another`,
    {
      cause: error,
    },
  )
}
