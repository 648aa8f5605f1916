import type { Environment } from '../environment.ts'
import type { CatalogAnswer } from './answer.ts'
import { CatalogError, type ErrorType } from './error.ts'
import { type NamespaceName, parseNamespace, quote, readTableName } from './names.ts'
import type { Head, Refs } from './refs.ts'
import type { Rights } from './rights.ts'
import type { TableName } from './table-edit.ts'
import type { Tables } from './tables.ts'
import type { Caller } from './tokens.ts'

/** One request, once it is known who asks and for what. */
export interface Call {
  caller: Caller
  /** What stands in the path for `{namespace}`, `{table}` …, decoded. */
  params: Record<string, string>
  query: URLSearchParams
  /** By lower-case name. */
  headers: Record<string, string | undefined>
  /** The study that the client has chosen as its warehouse: nothing else is there for it. */
  warehouse: string | undefined
  /** The parsed body. Throws CatalogError where it is no JSON. */
  body(): unknown
}

export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  /** Below `/v1/{prefix}/`. */
  path: string
  handle(call: Call): Promise<CatalogAnswer> | CatalogAnswer
  /** Answered, and not told of as an endpoint that there is. */
  unsupported?: boolean
}

/** What the routes work with. */
export interface Services {
  environment: Environment
  refs: Refs
  tables: Tables
  rights: Rights
  /** What clients are told of the object store, by the names of their own settings. */
  clientConfig: Record<string, string>
}

const missing: Record<'NoSuchNamespaceException' | 'NoSuchTableException', string> = {
  NoSuchNamespaceException: 'namespace',
  NoSuchTableException: 'table',
}

/** What to throw where a name leads nowhere, or may not be seen. */
export const noSuch = (type: keyof typeof missing, name: string): CatalogError =>
  new CatalogError(type, `there is no ${missing[type]} ${quote(name)}`)

/** True where there is such a study for this client: what may not be seen is not there. */
const isVisible = ({ caller, warehouse }: Call, { study }: NamespaceName): boolean =>
  caller.mayRead(study) && (warehouse === undefined || warehouse === study)

/** What the ref of a name is now; undefined where there is no such study for this client, or no such ref. */
export async function resolveVisible(
  { refs }: Pick<Services, 'refs'>,
  call: Call,
  name: NamespaceName,
): Promise<Head | undefined> {
  return isVisible(call, name) ? refs.resolve(name) : undefined
}

/** The namespace that the path or a query names, and what its ref names now. Throws CatalogError where it is not there. */
export async function openNamespace(
  services: Pick<Services, 'refs'>,
  call: Call,
  text = call.params.namespace ?? '',
): Promise<{ namespace: NamespaceName; head: Head }> {
  const namespace = parseNamespace(text)
  const head = namespace && (await resolveVisible(services, call, namespace))
  if (!namespace || !head) throw noSuch('NoSuchNamespaceException', text)
  return { namespace, head }
}

/** The table that the path names, as a name, and what its ref names now. Throws CatalogError where there can be no such table. */
export async function openTable(
  services: Pick<Services, 'refs'>,
  call: Call,
): Promise<{ name: TableName; head: Head; shown: string }> {
  const { namespace: text = '', table = '' } = call.params
  const shown = `${text}.${table}`
  const namespace = parseNamespace(text)
  const name = readTableName(namespace, table)
  const head = name && (await resolveVisible(services, call, name))
  if (!name || !head) throw noSuch('NoSuchTableException', shown)
  return { name, head, shown }
}

/** A route that says why there is nothing behind it. */
export const refusing = (method: Route['method'], path: string, type: ErrorType, reason: string): Route => ({
  method,
  path,
  unsupported: true,
  handle() {
    throw new CatalogError(type, reason)
  },
})
