import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One call of a webhook, as it came in. */
export interface HookCall {
  /** Path and query. */
  url: string
  headers: Record<string, string>
  body: Record<string, unknown>
}

export interface HookAnswer {
  status: number
  body?: string
}

type HookHandler = (call: HookCall) => HookAnswer | Promise<HookAnswer>

const shownHeaders = ['authorization', 'content-type', 'x-plain']

/** A webhook receiver on loopback. Paths: `/pass…` passes, `/refuse…` refuses, `/slow…` never answers in time, others as `handle` says. */
export async function startHookReceiver() {
  const calls: HookCall[] = []
  const handlers = new Map<string, HookHandler>([
    ['/pass', () => ({ status: 200, body: 'fine\n' })],
    ['/refuse', () => ({ status: 400, body: '{"problems":["one"]}\n' })],
    ['/slow', () => new Promise(resolve => setTimeout(resolve, 1500, { status: 200 }))],
  ])

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = Object.fromEntries(
      shownHeaders.flatMap(name => (request.headers[name] ? [[name, String(request.headers[name])]] : [])),
    )
    const call = { url: request.url!, headers, body: JSON.parse(Buffer.concat(chunks).toString()) }
    calls.push(call)
    const path = new URL(call.url, 'http://localhost').pathname
    const answer: HookAnswer = (await handlers.get(path)?.(call)) ?? { status: 404 }
    const { status, body: text = '' } = answer
    const length = Buffer.byteLength(text)
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, 'x-check': 'yes' })
    response.end(text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    handle: (path: string, handler: HookHandler) => void handlers.set(path, handler),

    /** The calls since the last time, which are then forgotten. Actions run side by side: their calls are put in the order of their names. */
    take: (): HookCall[] =>
      calls.splice(0).sort((a, b) => String(a.body.action_name).localeCompare(String(b.body.action_name))),
    async close(): Promise<void> {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export type HookReceiver = Awaited<ReturnType<typeof startHookReceiver>>
