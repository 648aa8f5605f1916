/**
 * The embedded platform's one HTTP server: the functions' URLs, which lakeFS and SQL engines call, and the control interface, by
 * which a command reaches a platform that another process runs. On loopback; the control interface wants a token, because any
 * program and any web page on this machine can reach loopback.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Log } from '../../lib/log.ts'
import { answerByFunction, readBody, type UrlHandler } from './function-url.ts'
import { loopback } from './settings.ts'

/** What the control interface does. Answers are sent as JSON. */
export interface Control {
  /** Streams an object into the landing bucket. */
  upload(key: string, body: AsyncIterable<Uint8Array>): Promise<unknown>
  rescan(scope: { study?: string; version?: string }): Promise<unknown>
  status(scope: { study: string; version: string }): Promise<unknown>
  /** Waits a while for the work to be done and says whether it is. */
  idle(): Promise<unknown>
  /** What was given up, message by message. */
  deadLetters(): Promise<unknown>
  /** Sends what was given up to its work queue again. */
  redrive(scope: { queue?: string; messageId?: string }): Promise<unknown>
  /** What runs here. */
  about(): unknown
}

export interface LocalServer {
  /** Takes no new connections; resolves when the open requests are answered. */
  close(): Promise<void>
  /** Cuts every connection. */
  kill(): void
}

/** Listens on a loopback port. Rejects with the system's error where the port is taken. */
export async function startServer({
  port,
  functions,
  control,
  controlToken,
  log,
}: {
  port: number
  /** By name: `check` is at /functions/check. */
  functions: Record<string, { handler: UrlHandler; timeoutSeconds: number }>
  control: Control
  controlToken: string
  log: Log
}): Promise<LocalServer> {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // As it was sent: a URL would resolve the dots in names that clients may try.
    const path = request.url?.split('?')[0] ?? '/'
    const match = /^\/functions\/([^/]+)(\/.*)?$/.exec(path)
    const called = match && Object.hasOwn(functions, match[1]!) ? functions[match[1]!] : undefined
    if (match && called) {
      const { handler, timeoutSeconds } = called
      return answerByFunction(handler, request, response, { name: match[1]!, rawPath: match[2] ?? '/', timeoutSeconds })
    }
    if (match) return sendJson(response, 404, { message: `there is no function ${match[1]}` })
    if (!hasToken(request, controlToken))
      return sendJson(response, 401, { message: 'the control token is missing or wrong' })
    await answerControl(control, request, response, path)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error('request failed', {
        method: request.method,
        error: error instanceof Error ? `${error.name}: ${error.message}` : typeof error,
      })
      if (!response.headersSent) sendJson(response, 500, { message: error instanceof Error ? error.message : 'failed' })
      else response.destroy()
    })
  })
  // An upload takes as long as it takes.
  server.requestTimeout = 0
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, loopback, resolve)
  await listening

  return {
    close() {
      const { promise, resolve: closed } = Promise.withResolvers<void>()
      // A connection that is answered only now stays open for the next request, unless it is closed again.
      const sweep = setInterval(() => server.closeIdleConnections(), 20)
      server.close(() => closed())
      return promise.finally(() => clearInterval(sweep))
    },
    kill() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answerControl(
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const route = `${request.method} ${path}`
  if (request.method === 'PUT' && path.startsWith('/landing/')) {
    const key = decodeURIComponent(path.slice('/landing/'.length))
    return sendJson(response, 200, await control.upload(key, request))
  }
  if (route === 'POST /rescan') {
    const { study, version } = await readScope(request)
    return sendJson(response, 200, await control.rescan({ study, version }))
  }
  if (route === 'GET /dead-letters') return sendJson(response, 200, await control.deadLetters())
  if (route === 'POST /dead-letters/redrive') {
    const { queue, messageId } = await readScope(request)
    return sendJson(response, 200, await control.redrive({ queue, messageId }))
  }
  if (route === 'GET /status') {
    const [study, version] = [url.searchParams.get('study'), url.searchParams.get('version')]
    if (!study || !version) return sendJson(response, 400, { message: 'study and version are needed' })
    return sendJson(response, 200, await control.status({ study, version }))
  }
  if (route === 'GET /idle') return sendJson(response, 200, await control.idle())
  if (route === 'GET /') return sendJson(response, 200, control.about())
  sendJson(response, 404, { message: `there is no ${route}` })
}

/** What a request is limited to; everything where it has no body. */
async function readScope(request: IncomingMessage): Promise<Record<string, string | undefined>> {
  const body = await readBody(request, 65_536)
  return body && body.length > 0 ? (JSON.parse(body.toString()) as Record<string, string>) : {}
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value ?? null))
}

function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const expected = Buffer.from(`Bearer ${token}`)
  const shown = Buffer.from(headers.authorization ?? '')
  return shown.length === expected.length && timingSafeEqual(shown, expected)
}
