/** One statement through Trino, page by page. https://trino.io/docs/current/develop/client-protocol.html */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Iterator, QueryResult } from 'trino-client'
import { JsonError, parseJson } from './json.ts'

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
export class StatementError extends Error {
  override name = 'StatementError'
  /** Of Trino: `TABLE_NOT_FOUND`. */
  readonly errorName: string

  constructor({ message, errorName, errorLocation: at }: NonNullable<Page['error']>) {
    // What is wrong with the statement itself says where already.
    super(at && !message.startsWith('line ') ? `line ${at.lineNumber}:${at.columnNumber}: ${message}` : message)
    this.errorName = errorName
  }
}

/** Trino could not be asked. */
export class UnansweredError extends Error {
  override name = 'UnansweredError'
  /** Of the HTTP answer; undefined where there was none, or one that Trino does not give. */
  readonly status: number | undefined

  constructor(message: string, { cause, status }: { cause: unknown; status?: number }) {
    super(message, { cause })
    this.status = status
  }
}

/** A query was cancelled by us: what came of it is not all that there is. */
export class CancelledError extends Error {
  override name = 'CancelledError'
}

export interface TrinoQueryOptions {
  /** `http://127.0.0.1:8080` */
  server: string
  user: string
  password?: string
  catalog: string
  /** Told of each answer, those without rows included. */
  onPage?: (page: Page) => void
  /** ms that one answer may take; Trino answers within a second, with an empty page where it has nothing. */
  timeout?: number
}

export interface Query {
  /**
   * Ends with the last page. Breaking it off cancels the query. Throws StatementError, CancelledError, and UnansweredError where Trino cannot be
   * asked.
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

const cancelTimeout = 5000
/** Tries of one page, and ms between them, which double. Trino begins a statement when its second page is asked for, so none is run twice. */
const attempts = 6
const pause = 100

/** Prepares a statement; it is sent when its pages are read. */
export function openTrinoQuery(
  statement: string,
  { server, user, password, catalog, onPage = () => {}, timeout = 60_000 }: TrinoQueryOptions,
): Query {
  let client: Transport
  let nextUri: string | undefined
  let sent: Promise<unknown> | undefined
  let cancelled: Promise<boolean> | undefined

  async function send(): Promise<Iterator<unknown>> {
    // Loaded only now: most of who might ask never does.
    const { BasicAuth, Trino } = await import('trino-client')
    const trino = Trino.create({
      server,
      catalog,
      source: 'studylake',
      ...(password === undefined ? {} : { auth: new BasicAuth(user, password) }),
      // Without the capability Trino cuts times to milliseconds.
      extraHeaders: { 'X-Trino-User': user, 'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME' },
    })
    client = (trino as unknown as { client: Transport }).client
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
    return attempt(() => trino.query(statement)) as Promise<Iterator<unknown>>
  }

  async function attempt<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let tried = 1; ; tried++) {
      try {
        return await call()
      } catch (error) {
        if (cancelled || tried === attempts || !isPassing(error)) throw describe(error)
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
      if (!cancelled) {
        const sending = send()
        sent = sending
        const iterator = await sending
        for (let last: unknown; !cancelled; ) {
          const { value, done } = await attempt(() => iterator.next())
          const page = value as Page
          if (cancelled) break
          // A query that ends with its first answer has no other.
          if (page === last) return
          last = page
          ended = page.nextUri === undefined
          if (page.error) throw new StatementError(page.error)
          yield page
          if (done || ended) return
        }
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

function describe(cause: unknown): UnansweredError {
  const { code, response } = cause as HttpFailure
  if (cause instanceof JsonError) return new UnansweredError('is not Trino', { cause })
  if (response) return new UnansweredError(`answered ${response.status}`, { cause, status: response.status })
  return new UnansweredError(`does not answer (${code ?? (cause as Error).message})`, { cause })
}
