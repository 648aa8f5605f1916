import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Door, openDoor } from '../../../infra/stack/door.ts'
import { findFreePort } from '../../../infra/stack/ports.ts'

let behind: Server
let endpoint: string
let door: Door
const seen: { method?: string; url?: string; host?: string; token?: string; body: string }[] = []

beforeEach(async () => {
  seen.length = 0
  behind = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const { method, url, headers } = request
    seen.push({
      method,
      url,
      host: headers.host,
      token: headers['x-token'] as string,
      body: Buffer.concat(chunks).toString(),
    })
    if (url === '/breaks') response.destroy()
    else response.writeHead(422, { 'content-type': 'application/json' }).end('{"accepted":false}')
  })
  await new Promise<void>(resolve => behind.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(behind.address() as AddressInfo).port}`
  door = await openDoor({ port: await findFreePort() })
})
afterEach(async () => {
  await door.close()
  behind.closeAllConnections()
  behind.close()
})

test('requests go to the function of their name, with its host, and its answer comes back', async () => {
  await door.open('check', { endpoint, host: 'abc.lambda-url.local' })
  const body = JSON.stringify({ event: 'x'.repeat(100_000) })
  const response = await fetch(`${door.endpoint}/check?a=b`, { method: 'POST', body, headers: { 'x-token': 't' } })
  expect(response.status).toBe(422)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.json()).toEqual({ accepted: false })
  expect(seen).toEqual([{ method: 'POST', url: '/?a=b', host: 'abc.lambda-url.local', token: 't', body }])
  await fetch(`${door.endpoint}/check/v1/config`)
  expect(seen[1]).toMatchObject({ method: 'GET', url: '/v1/config' })
})

test('a path that is itself an address leads nowhere else', async () => {
  await door.open('check', { endpoint, host: 'h' })
  await fetch(`${door.endpoint}/check/http://example.org/x`)
  expect(seen).toMatchObject([{ url: '/http://example.org/x', host: 'h' }])
})

test('503 where the function is unknown or shut, where nothing answers, and where it breaks off', async () => {
  const ask = async (path: string) => (await fetch(`${door.endpoint}${path}`)).status
  expect(await ask('/check')).toBe(503)
  await door.open('check', { endpoint, host: 'h' })
  expect(await ask('/check')).toBe(422)
  expect(await ask('/check/breaks')).toBe(503)
  await door.shut('check')
  expect(await ask('/check')).toBe(503)
  await door.open('bridge', { endpoint: `http://127.0.0.1:${await findFreePort()}`, host: 'h' })
  expect(await ask('/bridge')).toBe(503)
})
