import { randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ObjectStore } from '../../../lib/store/object-store.ts'
import { createActions } from './actions.ts'
import { createCommits } from './commits.ts'
import type { Core } from './core.ts'
import { openDatabase } from './database.ts'
import { ApiError } from './errors.ts'
import { createReader } from './reader.ts'
import { createResolver } from './refs.ts'
import { createRepositories } from './repository.ts'
import type { Reply } from './request.ts'
import { createRouter, type Route } from './router.ts'
import { actionRoutes } from './routes-actions.ts'
import { diffRoutes } from './routes-diffs.ts'
import { objectRoutes } from './routes-objects.ts'
import { refRoutes } from './routes-refs.ts'
import { repositoryRoutes } from './routes-repositories.ts'
import { uploadRoutes } from './routes-uploads.ts'
import { versioningRoutes } from './routes-versioning.ts'
import { createStaging } from './staging.ts'
import { createTrees } from './trees.ts'
import { createVersioning } from './versioning.ts'
import type { HookEnvironment } from './webhook.ts'

export interface LakefsServerOptions {
  /** Where the server's database lies. One server at a time. */
  folder: string
  /** Where the bytes lie: repositories take namespaces `s3://<its bucket>/…`. */
  store: ObjectStore
  /** 0, the default, takes a free one. */
  port?: number
  host?: string
  credentials: { accessKeyId: string; secretAccessKey: string }
  /** Of it, action files see what starts with `LAKEFSACTION_`. */
  env?: HookEnvironment
  /** The committer's name. */
  user?: string
  now?: () => Date
  /** A text that was never given before and that nobody can guess. */
  randomId?: () => string
}

export interface LakefsServer {
  /** `http://127.0.0.1:<port>` */
  endpoint: string
  port: number
  /** Ends open requests and waits for post-event hooks that are on their way. */
  close(): Promise<void>
}

const basePath = '/api/v1'
/** ms */
const idleTimeout = 120_000

/**
 * Starts a server that speaks the part of the lakeFS API which the project uses, with lakeFS's answers. What it has acknowledged is in its
 * database and in the block store, whatever becomes of the process; another start with the same folder and store goes on from there.
 *
 * It differs from lakeFS (1.84), on purpose, where lakeFS is late or loses things. lakeFS keeps in mind which action files a ref has (5 to
 * 7.5 seconds), that a repository exists (5 to 7) and which branches are protected (3 to 6). Its merge may drop an object that the
 * destination added behind the source's last one, where the next object of the base has the same content. Its cherry-pick changes the picked
 * commit in memory, so that for ten minutes that commit is not found by its id. And a tree's id hangs on its history there, on its content
 * alone here: in rare cases a merge or revert that changes nothing is a commit there and refused here. Hooks of the types `airflow` and `lua` do not
 * run here.
 */
export async function startLakefsServer(options: LakefsServerOptions): Promise<LakefsServer> {
  const { folder, port = 0, host = '127.0.0.1', credentials } = options
  const core = createCore(options)
  const versioning = createVersioning(core)
  const routes: Route[] = [
    ['GET', '/healthcheck', () => ({ status: 204 })],
    ...repositoryRoutes(core),
    ...refRoutes(core),
    ...objectRoutes(core),
    ...uploadRoutes(core),
    ...versioningRoutes(core, versioning),
    ...diffRoutes(core, versioning),
    ...actionRoutes(core),
  ]
  const findRoute = createRouter(routes)
  const isAllowed = createCheck(credentials)

  async function answer(raw: IncomingMessage): Promise<Reply> {
    const url = new URL(raw.url ?? '/', 'http://localhost')
    const path = url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length) : undefined
    const found = path === undefined ? undefined : findRoute(raw.method ?? 'GET', path)
    if (!found) throw new ApiError(404, 'invalid API endpoint')
    if (path !== '/healthcheck' && !isAllowed(raw.headers.authorization)) {
      throw new ApiError(401, 'error authenticating request')
    }
    return found.handler({ params: found.params, query: url.searchParams, raw })
  }

  const server = createServer((raw, response) => {
    answer(raw)
      .catch(toReply)
      .then(reply => send(raw, response, reply))
      .catch(error => response.destroy(error as Error))
  })
  // A client that takes up an idle connection must not find it closing: it could not tell whether a commit was done.
  server.keepAliveTimeout = idleTimeout
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch(error => {
    core.database.close()
    throw new Error(`the lakeFS server of ${folder} cannot listen on ${host}:${port}`, { cause: error })
  })
  const bound = (server.address() as AddressInfo).port
  return {
    endpoint: `http://${host}:${bound}`,
    port: bound,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await core.actions.settle()
      core.database.close()
    },
  }
}

function createCore({
  folder,
  store,
  env = {},
  user = 'admin',
  now = () => new Date(),
  randomId = randomUUID,
}: LakefsServerOptions): Core {
  const database = openDatabase(folder)
  const repositories = createRepositories(database)
  const commits = createCommits(database)
  const trees = createTrees(database)
  const staging = createStaging(database, trees)
  const resolver = createResolver(repositories, commits)
  const reader = createReader({ commits, trees, staging, resolver, store })
  const actions = createActions({ database, reader, store, env, user, now, randomId })
  return { database, repositories, commits, trees, staging, resolver, actions, store, user, now, randomId }
}

/** Checks basic authentication in a time that tells nothing. */
function createCheck({ accessKeyId, secretAccessKey }: LakefsServerOptions['credentials']) {
  const expected = Buffer.from(`${accessKeyId}:${secretAccessKey}`)
  return (authorization = ''): boolean => {
    const given = Buffer.from(/^Basic (.*)$/i.exec(authorization)?.[1] ?? '', 'base64')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

function toReply(error: unknown): Reply {
  if (error instanceof URIError) return { status: 400, json: { message: 'invalid URL escape' } }
  if (error instanceof ApiError) return { status: error.status, json: { message: error.message } }
  return { status: 500, json: { message: error instanceof Error ? error.message : 'internal server error' } }
}

async function send(raw: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  response.statusCode = reply.status
  response.setHeader('X-Request-Id', randomUUID())
  const payload = reply.json === undefined ? reply.text : `${JSON.stringify(reply.json)}\n`
  if (reply.json !== undefined) {
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('X-Content-Type-Options', 'nosniff')
  } else if (reply.text !== undefined) response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  // What is left of a body that nobody wanted must not be taken for the next request.
  if (!raw.complete) raw.resume()
  if (reply.body === undefined || reply.body instanceof Uint8Array) response.end(payload ?? reply.body)
  else await pipeline(Readable.from(reply.body), response)
}
