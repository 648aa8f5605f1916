import { setTimeout as sleep } from 'node:timers/promises'
import { openTrinoQuery, type Query, StatementError, UnansweredError } from '../trino-query.ts'
import { EngineError, type SqlEngine } from './engine.ts'

export interface TrinoEngineOptions {
  /** `https://trino.example:8443` */
  url: string
  user: string
  /** Only over HTTPS does Trino take one. */
  password?: string
  catalog: string
  /** Seconds that a statement may take: a good part of a hook's time is left for the rest. */
  seconds?: number
}

/** All rows of a query. Throws what its pages throw, and an EngineError where they are no whole result. */
async function readRows({ pages }: Query, server: string): Promise<unknown[][]> {
  const rows: unknown[][] = []
  let columns = 0
  let state: unknown
  for await (const page of pages) {
    columns = page.columns?.length ?? columns
    state = page.stats?.state
    rows.push(...(page.data ?? []))
  }
  // An answer without rows is lawful only from who says of what it has none: whatever else answers with JSON is not to be taken for it.
  if (columns > 0 && state === 'FINISHED') return rows
  throw new EngineError(`what answers at ${server} does not answer as a SQL engine`)
}

function describe(error: unknown, server: string): unknown {
  const subject = `the SQL engine at ${server}`
  // What it says beyond the kind of its error may quote anything.
  if (error instanceof StatementError) {
    const kind = /^[A-Z0-9_]{1,60}$/.test(error.errorName) ? error.errorName : 'an error'
    return new EngineError(`${subject} did not list its columns: ${kind}`, { cause: error })
  }
  if (!(error instanceof UnansweredError)) return error
  const { status, cause } = error
  if (status === 401 || status === 403)
    return new EngineError(`${subject} does not let the gate in (${status})`, { cause, status })
  return new EngineError(`${subject} ${status === undefined ? 'does not answer' : `answered ${status}`}`, {
    cause,
    status,
  })
}

/** Trino as the engine beside the lake. Each statement ends after a while, whatever answers or does not. */
export function createTrinoEngine({ url, user, password, catalog, seconds = 20 }: TrinoEngineOptions): SqlEngine {
  const server = new URL(url).host
  const limit = seconds * 1000
  return {
    async query(statement) {
      const query = openTrinoQuery(statement, { server: url, user, password, catalog, timeout: limit })
      const waiting = new AbortController()
      const late = sleep(limit, undefined, { signal: waiting.signal }).catch(() => undefined)
      const reading = readRows(query, server)
      try {
        const rows = await Promise.race([reading, late])
        if (rows) return rows
        throw new EngineError(`the SQL engine at ${server} did not answer within ${seconds} s`)
      } catch (error) {
        throw describe(error, server)
      } finally {
        waiting.abort()
        // Of what is late nobody waits for the end.
        reading.catch(() => {})
        query.cancel().catch(() => {})
      }
    },
  }
}
