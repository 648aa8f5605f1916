import { type CatalogAnswer, json, noContent } from './answer.ts'
import { CatalogError } from './error.ts'
import { formatNamespace } from './names.ts'
import { readPage, takePage } from './pages.ts'
import type { Head } from './refs.ts'
import { type Call, noSuch, openNamespace, openTable, type Route, type Services } from './route.ts'
import { keepReferenced, type StoredTable } from './tables.ts'

/** Seconds for which an answer on a commit is good: it never changes. */
const immutableFor = 31_536_000

/** How long a client may keep an answer without asking. Never a shared cache: the answer depends on the token. */
const cacheControl = ({ immutable }: Head): string =>
  immutable ? `private, max-age=${immutableFor}, immutable` : 'private, no-cache'

/** A table with its address, as the protocol wants it. The metadata goes through as it is: a parser of JSON might round its ids. */
export function tableAnswer(
  stored: StoredTable,
  {
    location,
    config,
    headers = {},
  }: {
    /** Undefined for what is not committed yet. */
    location: string | undefined
    config?: Record<string, string>
    headers?: Record<string, string>
  },
): CatalogAnswer {
  const members = [
    ...(location === undefined ? [] : [`"metadata-location":${JSON.stringify(location)}`]),
    `"metadata":${stored.text.trim()}`,
    ...(config === undefined ? [] : [`"config":${JSON.stringify(config)}`]),
  ]
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...(location && { etag: etagOf(stored, 'all') }), ...headers },
    body: `{${members.join(',')}}`,
  }
}

/** Two documents on one state of a table are two: hence the mode. */
const etagOf = ({ sha256 }: StoredTable, mode: 'all' | 'refs'): string => `"${sha256}${mode === 'refs' ? '-refs' : ''}"`

/** RFC 9110, section 13.1.2: weak comparison. */
function isKnown(header: string | undefined, etag: string): boolean {
  const known = header?.split(',').map(item => item.trim().replace(/^W\//, '')) ?? []
  return known.includes(etag) || known.includes('*')
}

/** Reading of tables. Nothing is served of a commit that the gate has not found good. */
export function createTableReads(services: Services): Route[] {
  const { refs, tables, rights, clientConfig } = services

  async function list(call: Call): Promise<CatalogAnswer> {
    const page = readPage(call.query)
    const { namespace, head } = await openNamespace(services, call)
    const { layer } = namespace
    const names = layer === undefined ? [] : await tables.list(head, layer)
    if (names.length === 0) {
      if (layer !== undefined && !(await rights.writableLayers(head)).includes(layer))
        throw noSuch('NoSuchNamespaceException', call.params.namespace ?? '')
      return json({ identifiers: [], 'next-page-token': null })
    }
    await refs.requireGood(head)
    const { after = '' } = page
    const rest = names.filter(name => name > after)
    const { items, nextPageToken } = await takePage(asAsync(rest), page, name => name)
    const levels = formatNamespace(namespace)
    return json({
      identifiers: items.map(name => ({ namespace: levels, name })),
      'next-page-token': nextPageToken,
    })
  }

  async function find(call: Call) {
    const { name, head, shown } = await openTable(services, call)
    const stored = await tables.read(head, name)
    if (!stored) throw noSuch('NoSuchTableException', shown)
    await refs.requireGood(head)
    return { name, head, stored }
  }

  async function load(call: Call): Promise<CatalogAnswer> {
    const mode = call.query.get('snapshots') ?? 'all'
    if (mode !== 'all' && mode !== 'refs')
      throw new CatalogError('BadRequestException', 'snapshots is neither all nor refs')
    const { name, head, stored } = await find(call)
    const etag = etagOf(stored, mode)
    const headers = { etag, 'cache-control': cacheControl(head) }
    if (isKnown(call.headers['if-none-match'], etag)) return { status: 304, headers, body: '' }
    const location = await tables.locate(name, stored)
    const shown = mode === 'all' ? stored : { ...stored, text: keepReferenced(stored.text) }
    return tableAnswer(shown, { location, config: clientConfig, headers })
  }

  return [
    { method: 'GET', path: 'namespaces/{namespace}/tables', handle: list },
    { method: 'GET', path: 'namespaces/{namespace}/tables/{table}', handle: load },
    {
      method: 'HEAD',
      path: 'namespaces/{namespace}/tables/{table}',
      handle: call => find(call).then(() => noContent),
    },
  ]
}

async function* asAsync<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items
}
