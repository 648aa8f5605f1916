import { createHttp, type Fetch, type Http, type HttpRequest } from '../http.ts'
import { LakefsError, readDetail } from './error.ts'

export interface LakefsConnection {
  /** `http://127.0.0.1:8000`, without `/api/v1`. */
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  /** Instead of the default, which retries 5xx, 429 and network failures with jitter. */
  http?: Http
  fetch?: Fetch
}

type Query = Record<string, string | number | boolean | undefined>

export interface LakefsRequest extends HttpRequest {
  query?: Query
  /** Sent as JSON. */
  json?: unknown
  /** Statuses that are answers rather than errors, beside 2xx. */
  accept?: readonly number[]
}

/** Joins path parts, each percent-encoded. */
export const apiPath = (...parts: string[]): string => `/${parts.map(encodeURIComponent).join('/')}`

function queryString(query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined)
  return pairs.length
    ? `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`
    : ''
}

/** Makes the function that sends one request to the lakeFS API and turns a refusal into a LakefsError. */
export function createRequest({
  endpoint,
  accessKeyId,
  secretAccessKey,
  fetch,
  http = createHttp({ service: 'lakeFS', ...(fetch ? { fetch } : {}) }),
}: LakefsConnection) {
  const base = `${endpoint.replace(/\/+$/, '')}/api/v1`
  const authorization = `Basic ${Buffer.from(`${accessKeyId}:${secretAccessKey}`).toString('base64')}`

  async function send(
    path: string,
    { query = {}, json, accept = [], ...request }: LakefsRequest = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization, ...request.headers }
    if (json !== undefined) headers['content-type'] = 'application/json'
    const body = json === undefined ? request.body : JSON.stringify(json)
    const response = await http(`${base}${path}${queryString(query)}`, { ...request, headers, body })
    if (response.ok || accept.includes(response.status)) return response
    const detail = readDetail(await response.text())
    throw new LakefsError(`${request.method ?? 'GET'} ${path}`, { status: response.status, detail })
  }

  /** The JSON of an answer, or undefined where lakeFS says 404. */
  async function find<T>(path: string, request: LakefsRequest = {}): Promise<T | undefined> {
    const response = await send(path, { ...request, accept: [404] })
    if (response.status !== 404) return (await response.json()) as T
    await response.body?.cancel()
    return undefined
  }

  /** All results of a paged listing, page by page as they are asked for. */
  async function* pages<T>(path: string, query: Query = {}): AsyncGenerator<T> {
    let after = query.after
    for (;;) {
      const response = await send(path, { query: { amount: pageSize, ...query, after } })
      const page = (await response.json()) as { pagination: { has_more: boolean; next_offset: string }; results: T[] }
      yield* page.results
      if (!page.pagination.has_more) return
      after = page.pagination.next_offset
    }
  }

  return { send, find, pages }
}

export type LakefsSend = ReturnType<typeof createRequest>

/** lakeFS's largest page. */
const pageSize = 1000
