import { stringifyJson } from '../json.ts'
import { type CatalogError, errorStatus } from './error.ts'

/** What goes back over HTTP. */
export interface CatalogAnswer {
  status: number
  headers: Record<string, string>
  /** JSON, or empty. */
  body: string
}

const jsonHeaders = { 'content-type': 'application/json' }

/** 200 with that value. */
export const json = (value: unknown): CatalogAnswer => ({
  status: 200,
  headers: jsonHeaders,
  body: stringifyJson(value),
})
/** 204. */
export const noContent: CatalogAnswer = { status: 204, headers: {}, body: '' }

/** The protocol's error. Iceberg REST catalog specification, "IcebergErrorResponse". */
export function errorAnswer({ type, message }: Pick<CatalogError, 'type' | 'message'>): CatalogAnswer {
  const status = errorStatus[type]
  // Who is to show a token is told of which kind: RFC 6750, section 3.
  const challenge: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return { ...json({ error: { message, type, code: status } }), status, headers: { ...jsonHeaders, ...challenge } }
}
