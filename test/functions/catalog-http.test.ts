import { createServer, type IncomingHttpHeaders, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createCatalogFunction } from '../../functions/catalog.ts'
import { catalogAddress } from '../../infra/local/buckets.ts'
import { answerByFunction } from '../../infra/local/function-url.ts'
import type { Platform } from '../../infra/local/platform.ts'
import { readCatalogConfig } from '../../lib/config.ts'
import { ensureStudy } from '../../lib/study.ts'
import { listLake, makeTemporaryFolder, openTestPlatform } from '../support/test-platform.ts'

const studies = ['trial-a', 'trial-b']
const tokens = { writer: 'writes-trial-a-and-no-other', reader: 'reads-trial-a-and-no-other' }
const branch = 'alice'
const tables = '/v1/namespaces/trial-a%40alice%1Fwork/tables'
const column = { id: 1, name: 'n', type: 'long', required: false }
const schema = { type: 'struct', fields: [column] }

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  body: any
}

let platform: Platform
/** The embedded platform's own catalog, with one token for everything; and the same function with tokens of one study. */
let embedded: string
let limited: string
const cleanUps: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  const { folder, cleanUp } = await makeTemporaryFolder()
  cleanUps.push(cleanUp)
  platform = await openTestPlatform({ folder, start: false })
  cleanUps.push(platform.close)
  const { environment, settings } = platform
  for (const study of studies) {
    await ensureStudy(environment, study)
    await environment.lakefs.createBranch(study, { name: branch, source: 'main' })
  }
  embedded = catalogAddress(settings)
  const CATALOG_TOKENS = JSON.stringify([
    { name: 'writer', token: tokens.writer, studies: ['trial-a'], access: 'write' },
    { name: 'reader', token: tokens.reader, studies: ['trial-a'], access: 'read' },
  ])
  const handler = createCatalogFunction({ environment, catalog: readCatalogConfig({ CATALOG_TOKENS }) })
  const server = createServer((request, response) => {
    const rawPath = request.url!.split('?')[0]!
    void answerByFunction(handler, request, response, { name: 'catalog', rawPath, timeoutSeconds: 60 })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  limited = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await ask('POST', tables, { body: { name: 'there', schema } })
})
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

/** Sends a request just as it is: `fetch` would tidy the path. */
function ask(
  method: string,
  path: string,
  {
    base = embedded,
    token = platform.settings.catalogToken,
    headers = {},
    body,
  }: { base?: string; token?: string | null; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const { hostname, port, pathname } = new URL(base)
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = sendRequest({
    hostname,
    port,
    method,
    path: `${pathname === '/' ? '' : pathname}${path}`,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  })
  request.on('response', async response => {
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const answer = Buffer.concat(chunks).toString()
    resolve({
      status: response.statusCode!,
      headers: response.headers,
      body: answer === '' ? undefined : JSON.parse(answer),
    })
  })
  // A server that has heard enough answers, and closes the connection while we still send.
  request.on('error', reject)
  request.end(text)
  return promise
}

/** All that a request could change: every branch of every study, and what lies in the lake but for verdicts. */
async function readState() {
  const branches: string[] = []
  for (const study of studies) {
    for await (const { id, commitId } of platform.environment.lakefs.listBranches(study, { hidden: true }))
      branches.push(`${study} ${id} ${commitId}`)
  }
  const files = [...(await listLake(platform, 'data/')), ...(await listLake(platform, 'metadata/'))]
  return { branches, files }
}
let before: Awaited<ReturnType<typeof readState>>
beforeEach(async () => {
  before = await readState()
})

/** The protocol's error, in JSON, without a trace of the program. Iceberg REST catalog specification, "IcebergErrorResponse". */
async function expectRefusal(answer: Answer, status: number, type: string): Promise<void> {
  expect(answer).toMatchObject({ status, body: { error: { code: status, type } } })
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  const { message, stack } = answer.body.error
  expect(message).toMatch(/^.{5,}/)
  expect(stack ?? []).toEqual([])
  expect(message).not.toMatch(/node:|\.ts\b|at .*:\d+:\d+/)
  expect(await readState()).toEqual(before)
}

describe('who may', () => {
  const create = { body: { name: 'fresh', schema } }

  it.each([
    ['without a token', null],
    ['with another token', 'not the token'],
    ['with half of one', tokens.writer.slice(0, -1)],
    ['with more than one', `${tokens.writer} ${tokens.reader}`],
  ])('gets nothing %s', async (_, token) => {
    for (const [method, path] of [
      ['GET', '/v1/config'],
      ['GET', `${tables}/there`],
      ['POST', tables],
      ['DELETE', `${tables}/there`],
      ['POST', '/v1/transactions/commit'],
      ['GET', '/v1/there/is/no/such/path'],
    ] as const)
      await expectRefusal(
        await ask(method, path, { base: limited, token, ...(method === 'POST' && create) }),
        401,
        'NotAuthorizedException',
      )
  })

  it('sees no study that is not its own, whether it is there or not', async () => {
    for (const study of ['trial-b', 'trial-c']) {
      const asWriter = { base: limited, token: tokens.writer }
      const path = tables.replace('trial-a', study)
      await expectRefusal(await ask('GET', path, asWriter), 404, 'NoSuchNamespaceException')
      await expectRefusal(await ask('GET', `${path}/there`, asWriter), 404, 'NoSuchTableException')
      await expectRefusal(await ask('POST', path, { ...asWriter, ...create }), 404, 'NoSuchNamespaceException')
      await expectRefusal(await ask('GET', `/v1/config?warehouse=${study}`, asWriter), 404, 'NoSuchWarehouseException')
      await expectRefusal(await ask('GET', `/v1/${study}/namespaces`, asWriter), 404, 'NoSuchNamespaceException')
    }
    const { body } = await ask('GET', '/v1/namespaces', { base: limited, token: tokens.reader })
    expect(body.namespaces).toEqual(['alice', 'keys', 'main'].map(ref => [`trial-a@${ref}`]))
  })

  it('writes only with a token that may', async () => {
    const asReader = { base: limited, token: tokens.reader }
    expect((await ask('GET', `${tables}/there`, asReader)).status).toBe(200)
    await expectRefusal(await ask('POST', tables, { ...asReader, ...create }), 403, 'ForbiddenException')
    await expectRefusal(await ask('DELETE', `${tables}/there`, asReader), 403, 'ForbiddenException')
  })
})

describe('odd names', () => {
  const names = ['%1F', '%1F%1F', '..', '%2e%2e', '.', '%2F..%2F', 'gr%C3%B6%C3%9Fe', 'x'.repeat(300)]
  const odder = ['%00', '%0A', '%ff', '%', '%zz', '%25', '$x', '~1', '^', '@', 'a%40b%40c', '_hidden', '%F0%9F%90%80']

  it.each([...names, ...odder])('%s are those of nothing', async name => {
    const nowhere = /^NoSuch(Namespace|Table)Exception$|^BadRequestException$|^NotFoundException$/
    for (const [method, path, body] of [
      ['GET', `/v1/namespaces/${name}`],
      ['GET', `/v1/namespaces/${name}/tables`],
      ['GET', `/v1/namespaces/trial-a%40${name}%1Fwork/tables`],
      ['GET', `/v1/namespaces/trial-a%40alice%1F${name}/tables`],
      ['GET', `${tables}/${name}`],
      ['DELETE', `${tables}/${name}`],
      ['POST', `${tables}/${name}`, { requirements: [], updates: [] }],
      ['GET', `/v1/namespaces?parent=${name}x`],
      ['POST', tables, { name: safeDecode(name), schema }],
      ['POST', `/v1/namespaces/${name}/tables`, { name: 'fresh', schema }],
    ] as const) {
      const answer = await ask(method, path, { body })
      expect([path, answer.status]).toEqual([path, answer.status === 400 ? 400 : 404])
      await expectRefusal(answer, answer.status, expect.stringMatching(nowhere))
    }
  })
})

describe('bodies', () => {
  const requirement = { type: 'assert-table-uuid', uuid: '00000000-0000-0000-0000-000000000000' }
  const change = (updates: unknown, requirements: unknown = []) => ({ requirements, updates })
  const bad: [string, unknown][] = [
    ['no JSON', '{"updates": ['],
    ['nothing', ''],
    ['a list', []],
    ['null', null],
    ['a name', '"x"'],
    ['no updates', { requirements: [] }],
    ['an unknown update', change([{ action: 'explode' }])],
    [
      'an unknown update behind a good one',
      change([{ action: 'set-properties', updates: { a: 'b' } }, { action: '' }]),
    ],
    ['an unknown requirement', change([], [{ type: 'assert-nothing' }])],
    ['a format of later', change([{ action: 'upgrade-format-version', 'format-version': 3 }])],
    ['a schema that is none', change([{ action: 'add-schema', schema: { type: 'struct', fields: [{ id: 'x' }] } }])],
    ['a snapshot without its list', change([{ action: 'add-snapshot', snapshot: { 'snapshot-id': 1 } }])],
    ['a location elsewhere', change([{ action: 'set-location', location: 's3://other/place' }])],
    ['a location above', change([{ action: 'set-location', location: 's3://lake/data/trial-a/../trial-b/x' }])],
    ['properties that are no text', change([{ action: 'set-properties', updates: { a: 1 } }])],
  ]
  it.each(bad)('are refused: %s', async (_, body) => {
    await expectRefusal(await ask('POST', `${tables}/there`, { body }), 400, 'BadRequestException')
    const changes = { 'table-changes': [{ identifier: { namespace: ['trial-a@alice', 'work'], name: 'there' } }, body] }
    await expectRefusal(await ask('POST', '/v1/transactions/commit', { body: changes }), 400, 'BadRequestException')
  })

  it('are refused where a requirement does not hold', async () => {
    const body = change([{ action: 'set-properties', updates: { a: 'b' } }], [requirement])
    await expectRefusal(await ask('POST', `${tables}/there`, { body }), 409, 'CommitFailedException')
  })

  it.each([5, 6, 9])('are refused above five megabytes: %i', async megabytes => {
    const body = change([{ action: 'set-properties', updates: { a: 'x'.repeat(megabytes * 2 ** 20) } }])
    await expectRefusal(await ask('POST', `${tables}/there`, { body }), 413, 'RequestTooLargeException')
  })

  it('of any kind make no answer but the protocol’s', { timeout: 60_000 }, async () => {
    const text = fc.constantFrom('action', 'type', 'updates', 'requirements', 'identifier', 'snapshot', 'add-snapshot')
    const value = fc.jsonValue({ maxDepth: 3 })
    const update = fc.dictionary(text, fc.oneof(text, value), { maxKeys: 3 })
    const body = fc.oneof(value, fc.record({ updates: fc.array(update), requirements: fc.array(update) }))
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(`${tables}/there`, tables, '/v1/tables/rename'), async (any, path) => {
        const { status, body: answer } = await ask('POST', path, { body: JSON.stringify(any) })
        if (status !== 200) expect([status, answer.error.code]).toEqual([400, 400])
      }),
      { numRuns: 60 },
    )
    expect(await readState()).toEqual(before)
  })
})

describe('paths and methods', () => {
  it.each([
    ['GET', '/', 404, 'NotFoundException'],
    ['GET', '/v2/config', 404, 'NotFoundException'],
    ['GET', '/v1/config/', 404, 'NotFoundException'],
    ['PUT', `${tables}/there`, 406, 'UnsupportedOperationException'],
    ['PATCH', '/v1/namespaces', 406, 'UnsupportedOperationException'],
    ['POST', '/v1/namespaces/trial-a%40alice%1Fwork/views', 406, 'UnsupportedOperationException'],
    ['GET', '/v1/namespaces/trial-a%40alice%1Fwork/views/any', 404, 'NoSuchViewException'],
    ['DELETE', '/v1/namespaces/trial-a%40alice', 406, 'UnsupportedOperationException'],
    ['GET', `${tables}/there?snapshots=some`, 400, 'BadRequestException'],
    ['GET', '/v1/namespaces?pageSize=-1', 400, 'BadRequestException'],
    ['GET', '/v1/namespaces?pageToken=%00', 400, 'BadRequestException'],
  ] as const)('%s %s', async (method, path, status, type) => {
    await expectRefusal(await ask(method, path), status, type)
  })
})

function safeDecode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
