import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FunctionUrlEvent } from '../../events/gate.ts'
import { type CatalogHandler, createCatalogFunction } from '../../functions/catalog.ts'
import { readCatalogConfig } from '../../lib/config.ts'
import { makeEnvironment, type TestEnvironment } from '../support/environment.ts'
import { readSample } from '../support/samples.ts'
import { smallStudy } from '../support/small-study.ts'

const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 60_000 }
const request = () => readSample<FunctionUrlEvent>('catalog-request')
let test: TestEnvironment
let catalog: CatalogHandler

beforeAll(async () => {
  test = await makeEnvironment()
  await test.upload({ study: 'trial-01', version: 'v1', files: smallStudy })
  await test.drain()
  const token = 'a-token-that-the-catalog-knows'
  catalog = createCatalogFunction({
    environment: test.environment,
    catalog: readCatalogConfig({
      CATALOG_TOKENS: JSON.stringify([{ name: 'ada', token, studies: ['trial-*'], access: 'write' }]),
      CATALOG_S3_ENDPOINT: 'http://store.example:9000',
      AWS_REGION: 'eu-central-1',
    }),
  })
})
afterAll(() => test.close())

it('gives a table to an engine, and tells it of the object store', async () => {
  const { statusCode, headers, body } = await catalog(request(), context)
  expect([statusCode, headers?.['content-type']]).toEqual([200, 'application/json'])
  expect(JSON.parse(body)).toMatchObject({
    metadata: { 'format-version': 2, location: 's3://lake/data/trial-01/raw/dm' },
    config: {
      's3.endpoint': 'http://store.example:9000',
      's3.path-style-access': 'true',
      'client.region': 'eu-central-1',
    },
  })
})

it.each([
  ['as AWS sends it', '/v1/namespaces/trial-01%40v1%1Fraw/tables/dm'],
  ['decoded on the way', '/v1/namespaces/trial-01@v1\u001fraw/tables/dm'],
])('reads a path %s', async (_, rawPath) => {
  expect(await catalog({ ...request(), rawPath }, context)).toMatchObject({ statusCode: 200 })
})

it('does not decode a path twice', async () => {
  const rawPath = '/v1/namespaces/trial-01%2540v1%251Fraw/tables/dm'
  expect(await catalog({ ...request(), rawPath }, context)).toMatchObject({ statusCode: 404 })
})

it('finds headers in any case', async () => {
  const { authorization, ...headers } = request().headers
  const event = { ...request(), headers: { ...headers, AUTHORIZATION: authorization } }
  expect(await catalog(event, context)).toMatchObject({ statusCode: 200 })
  expect(await catalog({ ...request(), headers }, context)).toMatchObject({ statusCode: 401 })
})

describe('a body', () => {
  const body = JSON.stringify({
    name: 'summary',
    schema: { type: 'struct', fields: [{ id: 1, name: 'ärger', required: false, type: 'string' }] },
    'stage-create': true,
  })
  const create = (more: Partial<FunctionUrlEvent>) => {
    const event = request()
    event.requestContext.http.method = 'POST'
    return catalog({ ...event, rawPath: '/v1/namespaces/trial-01%40v1%1Fwork/tables', ...more }, context)
  }

  it('is read as it came, or as the function URL has encoded it', async () => {
    const plain = await create({ body })
    const encoded = await create({ body: Buffer.from(body).toString('base64'), isBase64Encoded: true })
    for (const { statusCode, body: text } of [plain, encoded]) {
      expect(statusCode).toBe(200)
      expect(JSON.parse(text)).toMatchObject({ metadata: { schemas: [{ fields: [{ name: 'ärger' }] }] } })
    }
  })

  it('may be missing', async () => {
    expect(await create({})).toMatchObject({ statusCode: 400 })
  })
})

it('logs what was asked and how it went, and no token', async () => {
  test.logged.length = 0
  await catalog(request(), context)
  expect(test.logged).toMatchObject([{ function: 'catalog', requestId: 'request-1', method: 'GET', status: 200 }])
  expect(JSON.stringify(test.logged)).not.toContain('a-token')
})

it('refuses an event that is no request', async () => {
  await expect(catalog({ Records: [] }, context)).rejects.toThrow()
})
