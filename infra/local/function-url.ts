import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FunctionUrlEvent, FunctionUrlResult } from '../../events/gate.ts'
import { type FunctionContext, FunctionTimeout, invokeFunction } from './invoke.ts'

export type UrlHandler = (event: FunctionUrlEvent, context: FunctionContext) => Promise<FunctionUrlResult>

/** Bytes of a request that Lambda takes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const largestBody = 6 * 2 ** 20
/** In the form of the catalog's errors, whose clients are those that send much. */
const tooLarge = JSON.stringify({
  error: {
    message: `the request is larger than ${largestBody} bytes`,
    type: 'RequestTooLargeException',
    code: 413,
  },
})

/**
 * Answers one HTTP request as a function's URL does. `rawPath` is what follows the function's own address. A function that fails or
 * does not return in time answers 502, as Lambda does.
 */
export async function answerByFunction(
  handler: UrlHandler,
  request: IncomingMessage,
  response: ServerResponse,
  { name, rawPath, timeoutSeconds }: { name: string; rawPath: string; timeoutSeconds: number },
): Promise<void> {
  const body = await readBody(request, largestBody)
  if (!body) {
    // What is still on its way is not read, so the connection cannot be used again.
    response.writeHead(413, { 'content-type': 'application/json', connection: 'close' }).end(tooLarge)
    return
  }
  try {
    const event = toFunctionUrlEvent(request, body, rawPath)
    const result = await invokeFunction(handler, event, { name, timeoutSeconds })
    response.writeHead(result.statusCode, { 'content-type': 'application/json', ...result.headers }).end(result.body)
  } catch (error) {
    const status = error instanceof FunctionTimeout ? 504 : 502
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"the function failed"}')
    throw error
  }
}

/** The event of one request. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
export function toFunctionUrlEvent(request: IncomingMessage, body: Buffer, rawPath: string): FunctionUrlEvent {
  const [, query = ''] = /^[^?]*\?(.*)$/s.exec(request.url ?? '') ?? []
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  )
  const isText = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded))/.test(
    request.headers['content-type'] ?? 'text/plain',
  )
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: query,
    headers,
    queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    requestContext: {
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: request.headers['user-agent'] ?? '',
      },
    },
    ...(body.length > 0 ? { body: body.toString(isText ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !isText,
  } as FunctionUrlEvent
}

/** The request's body, or undefined where it is larger than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
