import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** An answer: a page without its id and its next address, as JSON text where digits matter; or another status. */
export type FakePage = Record<string, unknown> | string | { status: number; body?: string }

export interface FakeQuery {
  statement: string
  headers: IncomingMessage['headers']
  /** Pages that were asked for, the first answer included. */
  served: number
  /** The number of the page whose address was asked to be deleted. */
  cancelledAt?: number
}

export interface FakeTrino {
  url: string
  queries: FakeQuery[]
  close(): Promise<void>
}

const isStatus = (page: FakePage): page is { status: number; body?: string } =>
  typeof page === 'object' && typeof page.status === 'number'

/**
 * A server that speaks Trino's client protocol. `answer` gives the pages of a statement, the answer to its POST first; a page that is a status is
 * answered once, and the one after it when it is asked for again. A query that is cancelled ends with an error.
 * https://trino.io/docs/current/develop/client-protocol.html
 */
export async function startFakeTrino(answer: (statement: string) => Iterable<FakePage>): Promise<FakeTrino> {
  const queries: FakeQuery[] = []
  const iterators: { pages: FakePage[]; rest: Iterator<FakePage> }[] = []
  const server = createServer(async (request, response) => {
    const send = (status: number, body = '') =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    let [, id, token] = (/^\/v1\/statement\/(\d+)\/(\d+)$/.exec(request.url!) ?? []).map(Number)
    if (request.method === 'POST' && request.url === '/v1/statement') {
      const statement = await text(request)
      id = queries.length
      token = 0
      queries.push({ statement, headers: request.headers, served: 0 })
      iterators.push({ pages: [], rest: answer(statement)[Symbol.iterator]() })
    }
    const query = queries[id ?? -1]
    if (!query || token === undefined) return send(404)
    const { pages, rest } = iterators[id!]!
    if (request.method === 'DELETE') {
      query.cancelledAt = token
      return send(204)
    }
    if (query.cancelledAt !== undefined) {
      const error = { message: 'Query was canceled', errorName: 'USER_CANCELED' }
      return send(200, JSON.stringify({ id: `${id}`, error }))
    }
    // The next page is known once it is there, so the last can say that there is none.
    while (pages.length <= 1) {
      const { value, done } = rest.next()
      if (done) break
      pages.push(value)
    }
    const page = pages.shift()
    if (page === undefined) return send(410)
    if (isStatus(page)) return send(page.status, page.body)
    query.served = token + 1
    const members = typeof page === 'string' ? page : JSON.stringify(page).slice(1, -1)
    const next = pages.length > 0 ? `,"nextUri":"http://${request.headers.host}/v1/statement/${id}/${token + 1}"` : ''
    send(200, `{"id":"${id}"${next}${members ? ',' : ''}${members}}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    queries,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
