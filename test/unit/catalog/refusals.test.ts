import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTokens } from '../../../lib/catalog/tokens.ts'
import { TransientError } from '../../../lib/errors.ts'
import { sha256 } from '../../../lib/hash.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { namespacePath as at, loadVersion, openCatalog, tokens } from './support.ts'

const study = 'trial-01'
const secret = tokens.reader.replaceAll(' ', '-')
let test: TestEnvironment
let ask: ReturnType<typeof openCatalog>
let head: string

beforeAll(async () => {
  test = await makeEnvironment()
  ask = openCatalog(test.environment)
  await loadVersion(test, study)
  head = (await test.environment.lakefs.getBranch(study, 'v1'))!.commitId
}, 60_000)
afterAll(() => test.close())

const table = (ref = 'v1') => `${at(`${study}@${ref}`, 'raw')}/tables/dm`

describe('without a token that is known there is no answer', () => {
  const headers = [
    undefined,
    '',
    secret,
    `Basic ${secret}`,
    `Bearer ${secret}x`,
    `Bearer ${secret.slice(1)}`,
    'Bearer ',
  ]
  it.each(headers)('%s', async authorization => {
    for (const path of ['/v1/config', '/v1/namespaces', table(), '/v1/nothing', '/'])
      expect(
        await ask('GET', path, { token: null, headers: authorization === undefined ? {} : { authorization } }),
      ).toMatchObject({
        status: 401,
        body: { error: { type: 'NotAuthorizedException', code: 401 } },
        headers: { 'www-authenticate': 'Bearer' },
      })
  })

  it('and there are none to be had', async () => {
    const answer = await ask('POST', '/v1/oauth/tokens', { token: null, body: 'grant_type=client_credentials' })
    expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } })
  })
})

describe('tokens', () => {
  it('are known by themselves or by their hash, in any case of the scheme', () => {
    const authenticate = parseTokens(
      JSON.stringify([
        { name: 'a', sha256: sha256('a-secret-of-a-person').toUpperCase(), studies: ['trial-*'], access: 'write' },
        { name: 'b', token: 'another-secret-of-it', studies: ['trial-01', '*-x'], access: 'read' },
      ]),
    )
    const a = authenticate('bearer a-secret-of-a-person')!
    expect([a.name, a.mayRead('trial-9'), a.mayWrite('trial-9'), a.mayRead('a-trial-9')]).toEqual([
      'a',
      true,
      true,
      false,
    ])
    const b = authenticate('Bearer  another-secret-of-it ')!
    expect([b.name, b.mayRead('trial-01'), b.mayRead('trial-011'), b.mayRead('any-x'), b.mayWrite('any-x')]).toEqual([
      'b',
      true,
      false,
      true,
      false,
    ])
  })

  it('may be one, as a generated secret is', () => {
    const one = parseTokens(JSON.stringify({ name: 'one', token: secret, studies: ['*'], access: 'write' }))
    expect(one(`Bearer ${secret}`)?.mayWrite('any')).toBe(true)
    expect(one('Bearer x')).toBeUndefined()
  })

  it.each([
    'no JSON',
    '[]',
    '[{"name":"a","token":"GEHEIM","studies":["*"],"access":"read"}]',
    '[{"name":"a","token":"GEHEIM-is-long-enough","studies":[],"access":"read"}]',
    '[{"name":"a","token":"GEHEIM-is-long-enough","studies":["[a-z]"],"access":"read"}]',
    '[{"name":"a","token":"GEHEIM-is-long-enough","studies":["*"],"access":"all"}]',
    '[{"name":"a","studies":["*"],"access":"read"}]',
    `[{"name":"a","token":"GEHEIM-is-long-enough","sha256":"${'0'.repeat(64)}","studies":["*"],"access":"read"}]`,
    '[{"name":"a\\nb","token":"GEHEIM-is-long-enough","studies":["*"],"access":"read"}]',
  ])('are refused as a whole, unquoted: %s', text => {
    expect(() => parseTokens(text)).toThrow(/^configuration: CATALOG_TOKENS is not (?!.*GEHEIM)/)
  })

  it('see their studies, and nothing of others', async () => {
    const other = { token: 'other' as const }
    expect((await ask('GET', '/v1/namespaces', other)).body.namespaces).toEqual([])
    for (const path of [
      table(),
      at(`${study}@v1`),
      `${at(`${study}@v1`, 'raw')}/tables`,
      '/v1/config?warehouse=trial-01',
    ])
      expect(await ask('GET', path, other), path).toMatchObject({ status: 404 })
    // What they may not see looks as what is not there.
    const missing = await ask('GET', at('nobody@v1'), other)
    const hidden = await ask('GET', at(`${study}@v1`), other)
    expect(hidden.text.replaceAll(study, 'nobody')).toBe(missing.text)
    expect(await ask('GET', `/v1/${study}/namespaces`, other)).toMatchObject({ status: 404 })
    const body = { name: 'eve', schema: { type: 'struct', fields: [] } }
    expect(await ask('POST', `${at(`${study}@v1`, 'work')}/tables`, { ...other, body })).toMatchObject({ status: 404 })
    const two = await Promise.all([ask('GET', table(), { token: 'reader' }), ask('GET', table(), other)])
    expect(two.map(({ status }) => status)).toEqual([200, 404])
  })
})

describe('odd names lead nowhere, and never to lakeFS', () => {
  const odd = [
    '',
    '..',
    '../main',
    '%1F',
    '%',
    '%ff',
    `${study}`,
    `${study}@`,
    '@v1',
    `${study}@v1@`,
    `${study}@v1~1`,
    `${study}@v1^2`,
    `${study}@main:x`,
    `${study}@_v1-0123456789ab`,
    `${study}@v1/..`,
    `${study}@v1.raw.dm`,
    `${study}@v1.`,
    `${study}@v1.RAW`,
    `${study}@v1.secrets`,
    `Trial-01@v1`,
    `${study}@ärger`,
    `${study}@v1\u0000`,
    'x'.repeat(300),
    `${study}@${'x'.repeat(300)}`,
    '\u{1f600}@v1',
    "'; drop table x; --",
  ]
  const counted = () => {
    let calls = 0
    const lakefs = new Proxy(test.environment.lakefs, {
      get(target, name, receiver) {
        calls++
        return Reflect.get(target, name, receiver) as unknown
      },
    })
    const client = openCatalog({ ...test.environment, lakefs })
    calls = 0
    return { client, calls: () => calls }
  }

  it.each(odd)('%j', async name => {
    const { client, calls } = counted()
    const encoded = encodeURIComponent(name)
    for (const [method, path] of [
      ['GET', `/v1/namespaces/${encoded}`],
      ['GET', `/v1/namespaces/${encoded}/tables`],
      ['GET', `/v1/namespaces/${encoded}/tables/dm`],
      ['GET', `/v1/namespaces/${encoded}%1Fraw/tables/dm`],
      ['DELETE', `/v1/namespaces/${encoded}%1Fraw/tables/dm`],
      ['GET', `/v1/${encoded}/namespaces/x/tables/dm`],
      ['GET', `/v1/namespaces?parent=${encoded}%1F`],
    ] as const) {
      const { status, body } = await client(method, path)
      expect([400, 404], `${method} ${path}`).toContain(status)
      expect(body.error).toMatchObject({ code: status, type: expect.stringMatching(/^NoSuch|^NotFound/) })
      expect(body.error.message.length).toBeLessThan(400)
    }
    expect(calls()).toBe(0)
  })

  it.each(['', '..', '%1F', '%zz', 'DM', 'x'.repeat(300), 'dm.json', '../dm', '\u{1f600}'])('table %j', async name => {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE'])
      expect(
        await ask(method, `${at(`${study}@v1`, 'raw')}/tables/${encodeURIComponent(name)}`, {
          body: { requirements: [], updates: [] },
        }),
      ).toMatchObject({ status: 404 })
  })

  it('that are not encoded as they should be', async () => {
    for (const path of ['/v1/namespaces/%', '/v1/namespaces/%E0%A4%A', '/v1/namespaces/%2525', '//v1//namespaces'])
      expect((await ask('GET', path)).status, path).toBe(404)
    // A platform may have decoded the path already.
    expect(await ask('GET', `/v1/namespaces/${study}@v1\u001fraw/tables/dm`)).toMatchObject({ status: 200 })
  })

  it('are refs that there are not', async () => {
    for (const ref of ['nobody', 'abcdef', head.slice(0, 5), `${head.slice(0, 63)}x`, '0'.repeat(64), 'a'.repeat(40)])
      expect(await ask('GET', table(ref)), ref).toMatchObject({ status: 404 })
  })
})

describe('what the protocol has and this catalog has not', () => {
  const namespace = at(`${study}@v1`, 'raw')
  it.each([
    ['GET', `${namespace}/views`, 406, 'UnsupportedOperationException'],
    ['POST', `${namespace}/views`, 406, 'UnsupportedOperationException'],
    ['GET', `${namespace}/views/v`, 404, 'NoSuchViewException'],
    ['POST', `${namespace}/views/v`, 404, 'NoSuchViewException'],
    ['DELETE', `${namespace}/views/v`, 404, 'NoSuchViewException'],
    ['POST', '/v1/views/rename', 406, 'UnsupportedOperationException'],
    ['DELETE', namespace, 406, 'UnsupportedOperationException'],
    ['POST', `${namespace}/properties`, 406, 'UnsupportedOperationException'],
    ['POST', `${namespace}/tables/dm/plan`, 406, 'UnsupportedOperationException'],
    ['GET', `${namespace}/tables/dm/credentials`, 406, 'UnsupportedOperationException'],
    ['PUT', '/v1/namespaces', 406, 'UnsupportedOperationException'],
    ['POST', '/v1/config', 404, 'NotFoundException'],
    ['GET', '/v1/nothing', 404, 'NotFoundException'],
    ['GET', '/v2/config', 404, 'NotFoundException'],
    ['GET', '/', 404, 'NotFoundException'],
    ['GET', '', 404, 'NotFoundException'],
  ])('%s %s', async (method, path, status, type) => {
    const answer = await ask(method, path)
    expect({ status: answer.status, error: answer.body.error }).toEqual({
      status,
      error: { type, code: status, message: expect.stringMatching(/\w{3}/) },
    })
  })

  it('a namespace is there already, or is made in lakeFS', async () => {
    const make = (namespace: unknown) => ask('POST', '/v1/namespaces', { body: { namespace, properties: {} } })
    expect(await make([`${study}@v1`, 'work'])).toMatchObject({ status: 409 })
    for (const namespace of [[`${study}@v9`], ['x'], [], 7, undefined])
      expect(await make(namespace), String(namespace)).toMatchObject({
        status: 406,
        body: { error: { message: expect.stringContaining('lakeFS') } },
      })
    expect(await ask('POST', '/v1/namespaces', { body: 'null' })).toMatchObject({ status: 406 })
  })

  it('HEAD has no body, whatever is wrong', async () => {
    for (const path of ['/v1/nothing', table('nobody'), `${namespace}/views/v`]) {
      const { status, text } = await ask('HEAD', path)
      expect([status, text]).toEqual([404, ''])
    }
    expect(await ask('HEAD', table(), { token: null })).toMatchObject({ status: 401, text: '' })
  })

  it('metrics are taken and not looked at', async () => {
    expect(await ask('POST', `${table()}/metrics`, { body: 'anything' })).toMatchObject({ status: 204, text: '' })
    const path = `${at(`${study}@v1`, 'work')}/tables`
    expect(await ask('POST', path, { body: `{"name":"${'x'.repeat(5 * 2 ** 20)}"}` })).toMatchObject({
      status: 413,
      body: { error: { type: 'RequestTooLargeException', code: 413 } },
    })
  })
})

describe('a server that fails', () => {
  const failing = (error: Error) =>
    openCatalog({
      ...test.environment,
      lakefs: { ...test.environment.lakefs, getBranch: () => Promise.reject(error) },
    })

  it('is told from what is not there: clients come again', async () => {
    const answer = await failing(new TransientError('lakeFS did not answer: GET /api'))('GET', table())
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { type: 'ServiceUnavailableException', code: 503 } },
      headers: { 'retry-after': '1' },
    })
  })

  it('for another reason is a matter for the log', async () => {
    test.logged.length = 0
    const answer = await failing(new Error('GEHEIM'))('GET', table())
    expect(answer).toMatchObject({ status: 500, body: { error: { type: 'InternalServerError', code: 500 } } })
    expect(answer.body.error.message).toContain('request-7')
    expect(answer.text).not.toContain('GEHEIM')
    expect(test.logged).toMatchObject([
      { level: 'error', error: 'Error', requestId: 'request-7' },
      { level: 'info', message: 'answered', status: 500 },
    ])
  })
})
