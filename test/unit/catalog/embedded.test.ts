import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { catalogAddress } from '../../../infra/local/buckets.ts'
import type { Platform } from '../../../infra/local/platform.ts'
import { makeTemporaryFolder, openTestPlatform } from '../../support/test-platform.ts'

let temporary: Awaited<ReturnType<typeof makeTemporaryFolder>>
let platform: Platform
beforeAll(async () => {
  temporary = await makeTemporaryFolder()
  platform = await openTestPlatform({ folder: temporary.folder })
})
afterAll(async () => {
  await platform.close()
  await temporary.cleanUp()
})

interface Answer {
  status: number | undefined
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  body: any
}

/** Sends a path as it is: `fetch` would resolve its dots. */
function send(
  path: string,
  { method = 'GET', body = '', token = platform.settings.catalogToken } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const { hostname, port, pathname } = new URL(catalogAddress(platform.settings))
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const sent = request({ hostname, port, path: pathname + path, method, headers }, async response => {
    const text = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString()
    resolve({ status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) })
  })
  // A server that has heard enough closes the connection while it is still being told.
  sent.on('error', error => setTimeout(() => reject(error), 500))
  sent.end(body)
  return promise
}

it('the embedded platform has the catalog at an address of its own', async () => {
  expect(catalogAddress(platform.settings)).toBe(
    `http://127.0.0.1:${platform.settings.ports.functions}/functions/catalog`,
  )
  expect(await send('/v1/config')).toMatchObject({ status: 200, body: { endpoints: expect.any(Array) } })
  expect(await send('/v1/namespaces?pageToken=&pageSize=5')).toEqual({
    status: 200,
    body: { namespaces: [], 'next-page-token': null },
  })
  expect(await send('/v1/config', { token: 'another' })).toMatchObject({ status: 401 })
  expect(await platform.idle({ timeoutMs: 5000 })).toBe(true)
})

it.each([
  '/v1/namespaces/..',
  '/v1/namespaces/../../../x',
  '/v1/namespaces/%2e%2e/tables',
  '/v1//namespaces',
  '/../check',
  '',
])('answers %j with the error of the protocol', async path => {
  const { status, body } = await send(path)
  expect(status).toBe(404)
  expect(body.error).toMatchObject({ code: 404, type: expect.any(String), message: expect.any(String) })
})

it.each([5.5, 7])('answers a body of %d MiB with the error of the protocol', async size => {
  const body = JSON.stringify({ name: 'x'.repeat(size * 2 ** 20) })
  expect(await send('/v1/namespaces/a%40b%1Fwork/tables', { method: 'POST', body })).toMatchObject({
    status: 413,
    body: { error: { type: 'RequestTooLargeException', code: 413 } },
  })
})

it('the token is kept, and one is made where an earlier release had none', async () => {
  const { catalogToken, ports } = platform.settings
  await platform.close()
  platform = await openTestPlatform({ folder: temporary.folder })
  expect(platform.settings.catalogToken).toBe(catalogToken)
  await platform.close()
  const path = join(temporary.folder, 'platform.json')
  const { catalogToken: _, ...earlier } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  await writeFile(path, JSON.stringify(earlier))
  platform = await openTestPlatform({ folder: temporary.folder })
  expect(platform.settings.ports).toEqual(ports)
  expect(platform.settings.catalogToken).not.toBe(catalogToken)
  expect(await send('/v1/config')).toMatchObject({ status: 200 })
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(platform.settings)
})
