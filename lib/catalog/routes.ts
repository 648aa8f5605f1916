import type { Environment } from '../environment.ts'
import { describeProblem, Rejection, TransientError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { fits, type Layer, studyRule } from '../layout.ts'
import type { LogFields } from '../log.ts'
import { type CatalogAnswer, errorAnswer, json } from './answer.ts'
import { CatalogError } from './error.ts'
import { decodePart } from './names.ts'
import { createNamespaceRoutes } from './namespaces.ts'
import { createOtherRoutes } from './other-routes.ts'
import { createTableReads } from './read-tables.ts'
import { createRefs } from './refs.ts'
import { createRights } from './rights.ts'
import { type Call, noSuch, type Route, type Services } from './route.ts'
import { createTables } from './tables.ts'
import type { Authenticate, Caller } from './tokens.ts'
import { createTableWrites } from './write-tables.ts'

export interface CatalogRequest {
  method: string
  /** Below the catalog's address, percent-encoded: `/v1/config`. */
  path: string
  query: URLSearchParams
  /** By lower-case name. */
  headers: Record<string, string | undefined>
  body: string
  /** In answers to what should not happen, and in the log. */
  requestId: string
}

export interface CatalogOptions {
  authenticate: Authenticate
  /** Of versions. */
  writableLayers: readonly Layer[]
  /** What clients are told of the object store, by the names of their own settings. Never a secret: tokens that may only read see it. */
  clientConfig: Record<string, string>
  /** An error as it may be logged. */
  describeError: (error: unknown) => LogFields
}

export type Catalog = (request: CatalogRequest) => Promise<CatalogAnswer>

/** Bytes of a body that is read. Lambda takes a megabyte more. */
const largestBody = 5 * 2 ** 20
/** Seconds after which a client may come again: nothing was done. */
const retryAfter = 1

/** What follows `/v1/`, or `/v1/{prefix}/`, in a path. */
interface Found {
  route: Route
  params: Record<string, string>
}

/**
 * An Iceberg REST catalog of all studies at all their refs. Resolves with an answer to any request: an error is the protocol's JSON, without a stack
 * and without anything of a table's values. Iceberg REST catalog specification, open-api/rest-catalog-open-api.yaml.
 */
export function createCatalog(
  environment: Environment,
  { authenticate, writableLayers, clientConfig, describeError }: CatalogOptions,
): Catalog {
  const refs = createRefs(environment)
  const services: Services = {
    environment,
    refs,
    tables: createTables(environment),
    rights: createRights({ refs, writable: writableLayers }),
    clientConfig,
  }
  const routes = [
    ...createNamespaceRoutes(services),
    ...createTableReads(services),
    ...createTableWrites(services),
    ...createOtherRoutes(),
  ]
  const compiled = routes.map(route => ({ route, parts: route.path.split('/') }))
  const endpoints = routes
    .filter(({ unsupported }) => !unsupported)
    .map(({ method, path }) => `${method} /v1/{prefix}/${path}`)

  /** The routes of that path, whatever their method. */
  function findRoutes(parts: readonly string[]): Found[] {
    return compiled.flatMap(({ route, parts: pattern }) => {
      if (pattern.length !== parts.length) return []
      const params: Record<string, string> = {}
      for (const [at, part] of pattern.entries()) {
        if (part.startsWith('{')) params[part.slice(1, -1)] = parts[at]!
        else if (part !== parts[at]) return []
      }
      return [{ route, params }]
    })
  }

  /** What clients are to do before all else. Iceberg REST catalog specification, "/v1/config". */
  async function configure(caller: Caller, query: URLSearchParams): Promise<CatalogAnswer> {
    const warehouse = query.get('warehouse') || undefined
    if (warehouse !== undefined) {
      const known = fits(studyRule, warehouse) && caller.mayRead(warehouse)
      if (!known || !(await environment.lakefs.getRepository(warehouse)))
        throw new CatalogError(
          'NoSuchWarehouseException',
          'there is no such warehouse: give the name of a study, or none',
        )
    }
    return json({
      // A token that clients were given by hand cannot be had anew from here.
      overrides: { ...(warehouse && { prefix: warehouse }), 'token-refresh-enabled': 'false' },
      defaults: clientConfig,
      endpoints,
    })
  }

  async function answer({ method, path, query, headers, body }: CatalogRequest): Promise<CatalogAnswer> {
    const [version, ...parts] = splitPath(path)
    const route = `${method} ${parts.join('/')}`
    if (version === 'v1' && route === 'POST oauth/tokens') return noTokens
    const caller = authenticate(headers.authorization)
    if (!caller) throw new CatalogError('NotAuthorizedException', 'a bearer token is needed that this catalog knows')
    if (version !== 'v1') throw noSuchPath
    if (route === 'GET config') return configure(caller, query)
    const [prefix, ...rest] = parts
    const plain = findRoutes(parts)
    const found = plain.length > 0 ? plain : findRoutes(rest)
    const warehouse = plain.length > 0 ? undefined : prefix
    if (found.length === 0) throw noSuchPath
    const { route: chosen, params } = found.find(({ route: { method: of } }) => of === method) ?? {}
    if (!chosen || !params)
      throw new CatalogError('UnsupportedOperationException', `there is no ${method} for ${found[0]!.route.path}`)
    if (warehouse !== undefined && !(fits(studyRule, warehouse) && caller.mayRead(warehouse)))
      throw noSuch('NoSuchNamespaceException', warehouse)
    if (Buffer.byteLength(body) > largestBody)
      throw new CatalogError('RequestTooLargeException', `the body is larger than ${largestBody} bytes`)
    const call: Call = { caller, params, query, headers, warehouse, body: () => readBody(body) }
    return chosen.handle(call)
  }

  return async request => {
    const log = environment.log.with({ requestId: request.requestId })
    const explain = (error: unknown): CatalogAnswer => {
      if (error instanceof CatalogError) return errorAnswer(error)
      if (error instanceof Rejection)
        return errorAnswer({ type: 'BadRequestException', message: error.problems.map(describeProblem).join('; ') })
      if (error instanceof TransientError) {
        log.warn('the catalog could not answer', describeError(error))
        return errorAnswer({
          type: 'ServiceUnavailableException',
          message: 'nothing was done, because a server that the catalog needs does not answer: try again',
        })
      }
      log.error('the catalog failed', describeError(error))
      return errorAnswer({
        type: 'InternalServerError',
        message: `the catalog failed; its log says why at request ${request.requestId}`,
      })
    }
    const given = await answer(request).catch(explain)
    const { status } = given
    const headers = status === 503 ? { ...given.headers, 'retry-after': String(retryAfter) } : given.headers
    log.info('answered', { method: request.method, path: shorten(request.path), status })
    return { status, headers, body: request.method === 'HEAD' ? '' : given.body }
  }
}

const noSuchPath = new CatalogError(
  'NotFoundException',
  'there is nothing at this path: the catalog answers below /v1/',
)

/** The route that the specification takes back, in its own form of error. Iceberg REST catalog specification, "OAuthErrorResponse". */
const noTokens: CatalogAnswer = {
  ...json({
    error: 'unsupported_grant_type',
    error_description: 'this catalog hands out no tokens: give the one that you have as the property "token"',
  }),
  status: 400,
}

/**
 * The parts of a path, decoded. AWS gives the paths of function URLs as they were sent; what decodes them earlier leaves nothing to decode in any name
 * that there can be.
 */
function splitPath(path: string): string[] {
  return path.replace(/^\/+/, '').split('/').map(decodePart)
}

function readBody(text: string): unknown {
  try {
    return parseJson(text, 'the body')
  } catch (cause) {
    throw new CatalogError('BadRequestException', 'the body is no JSON', { cause })
  }
}

/** A path as it is logged: names of studies, refs and tables, and not more than a line of them. */
const shorten = (path: string): string => (path.length > 200 ? `${path.slice(0, 200)}…` : path)
