import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { keyOfAddress } from '../../../lib/layout.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { namespacePath as at, loadVersion, openCatalog } from './support.ts'

const study = 'trial-01'
let test: TestEnvironment
let ask: ReturnType<typeof openCatalog>
let head: string

beforeAll(async () => {
  test = await makeEnvironment()
  ask = openCatalog(test.environment)
  await loadVersion(test, study)
  await loadVersion(test, 'other-study')
  const { lakefs } = test.environment
  head = (await lakefs.getBranch(study, 'v1'))!.commitId
  await lakefs.createBranch(study, { name: 'ada', source: head })
  await lakefs.createTag(study, { name: 'frozen', ref: head })
  await lakefs.createTag(study, { name: 'not.seen', ref: head })
}, 60_000)
afterAll(() => test.close())

describe('the configuration', () => {
  it('tells what there is, and nothing else', async () => {
    const { status, body } = await ask('GET', '/v1/config')
    expect(status).toBe(200)
    expect(body.overrides).toEqual({ 'token-refresh-enabled': 'false' })
    expect(body.endpoints).toContain('GET /v1/{prefix}/namespaces/{namespace}/tables/{table}')
    expect(body.endpoints).not.toContain('POST /v1/{prefix}/namespaces')
    expect(body.endpoints.join()).not.toContain('views')
  })

  it('makes a study the warehouse, and then nothing else is there', async () => {
    const { body } = await ask('GET', `/v1/config?warehouse=${study}`)
    expect(body.overrides).toMatchObject({ prefix: study })
    const all = await ask('GET', `/v1/${study}/namespaces`)
    expect(all.body.namespaces).toContainEqual([`${study}@v1`])
    expect(all.body.namespaces.every(([name]: string[]) => name!.startsWith(`${study}@`))).toBe(true)
    expect(await ask('GET', `/v1/${study}/namespaces/other-study%40v1`)).toMatchObject({ status: 404 })
    expect(await ask('GET', `/v1/${study}/namespaces/${study}%40v1`)).toMatchObject({ status: 200 })
    expect(await ask('GET', '/v1/nobody/namespaces')).toMatchObject({ status: 200, body: { namespaces: [] } })
  })

  it.each(['nobody', 'ab', 'x'.repeat(300), '..%2F..', '%00'])('knows no warehouse %s', async warehouse => {
    const { status, body } = await ask('GET', `/v1/config?warehouse=${warehouse}`)
    expect({ status, type: body.error.type }).toEqual({ status: 404, type: 'NoSuchWarehouseException' })
  })
})

describe('namespaces', () => {
  it('are studies at branches and tags; hidden branches are not', async () => {
    const { body } = await ask('GET', '/v1/namespaces')
    expect(body).toEqual({
      namespaces: [
        ['other-study@keys'],
        ['other-study@main'],
        ['other-study@v1'],
        ['trial-01@ada'],
        ['trial-01@keys'],
        ['trial-01@main'],
        ['trial-01@v1'],
        ['trial-01@frozen'],
      ],
      'next-page-token': null,
    })
  })

  it('come in pages of any size, each once', async () => {
    const whole = (await ask('GET', '/v1/namespaces')).body.namespaces
    for (const size of [1, 2, 3, 7, 8, 100]) {
      const seen: unknown[] = []
      let token: string | null = ''
      while (token !== null) {
        const { body } = await ask('GET', `/v1/namespaces?pageToken=${token}&pageSize=${size}`)
        expect(body.namespaces.length).toBeLessThanOrEqual(size)
        seen.push(...body.namespaces)
        token = body['next-page-token']
      }
      expect(seen).toEqual(whole)
    }
  })

  it.each(['pageSize=0', 'pageSize=x', 'pageSize=-1', 'pageToken=%25&pageSize=1', 'pageToken=w'])(
    'refuse %s',
    async query => {
      expect(await ask('GET', `/v1/namespaces?${query}`)).toMatchObject({
        status: 400,
        body: { error: { type: 'BadRequestException' } },
      })
    },
  )

  it('have layers below: those that hold tables, and those that can be written', async () => {
    const below = async (name: string) =>
      (await ask('GET', `/v1/namespaces?parent=${encodeURIComponent(name)}`)).body.namespaces.map(
        ([, layer]: string[]) => layer,
      )
    expect(await below(`${study}@v1`)).toEqual(['base', 'keys', 'raw', 'work'])
    expect(await below(`${study}@keys`)).toEqual(['keys'])
    expect(await below(`${study}@main`)).toEqual([])
    expect(await below(`${study}@ada`)).toEqual(['base', 'keys', 'raw', 'work'])
    expect(await below(`${study}@frozen`)).toEqual(['base', 'keys', 'raw'])
    expect(await below(`${study}@${head}`)).toEqual(['base', 'keys', 'raw'])
    expect(await below(`${study}@${head.slice(0, 8)}`)).toEqual(['base', 'keys', 'raw'])
    expect(await below(`${study}@v1\u001fraw`)).toEqual([])
    expect((await ask('GET', '/v1/namespaces?parent=')).body.namespaces).toHaveLength(8)
    // Encoded twice, as pyiceberg does.
    expect(await below(encodeURIComponent(`${study}@v1`))).toEqual(await below(`${study}@v1`))
    expect((await ask('GET', '/v1/namespaces?parent=100%25')).status).toBe(404)
    const paged = await ask('GET', `/v1/namespaces?parent=${study}@v1&pageToken=&pageSize=3`)
    const rest = await ask(
      'GET',
      `/v1/namespaces?parent=${study}@v1&pageSize=3&pageToken=${paged.body['next-page-token']}`,
    )
    expect(rest.body).toEqual({ namespaces: [[`${study}@v1`, 'work']], 'next-page-token': null })
  })

  it('are there or not', async () => {
    for (const path of [at(`${study}@v1`, 'raw'), at(`${study}@v1.raw`)]) {
      expect((await ask('GET', path)).body).toEqual({
        namespace: [`${study}@v1`, 'raw'],
        properties: {},
      })
    }
    expect(await ask('HEAD', at(`${study}@frozen`))).toMatchObject({ status: 204, text: '' })
    expect(await ask('HEAD', at(`${study}@main`, 'raw'))).toMatchObject({ status: 404, text: '' })
  })
})

describe('tables', () => {
  it('are listed, in pages too', async () => {
    const { body } = await ask('GET', `${at(`${study}@v1`, 'raw')}/tables`)
    const namespace = [`${study}@v1`, 'raw']
    expect(body).toEqual({
      identifiers: ['ae', 'dm', 'sv'].map(name => ({ namespace, name })),
      'next-page-token': null,
    })
    const first = await ask('GET', `${at(`${study}@v1`, 'raw')}/tables?pageToken=&pageSize=2`)
    const token = first.body['next-page-token']
    const second = await ask('GET', `${at(`${study}@v1`, 'raw')}/tables?pageToken=${token}&pageSize=2`)
    expect([...first.body.identifiers, ...second.body.identifiers]).toEqual(body.identifiers)
    expect(second.body['next-page-token']).toBeNull()
    expect((await ask('GET', `${at(`${study}@v1`, 'work')}/tables`)).body.identifiers).toEqual([])
    expect((await ask('GET', `${at(`${study}@v1`)}/tables`)).body.identifiers).toEqual([])
    expect(await ask('GET', `${at(`${study}@main`, 'raw')}/tables`)).toMatchObject({ status: 404 })
  })

  it('are loaded as they are, digit for digit', async () => {
    const { status, body, text, headers } = await ask('GET', `${at(`${study}@v1`, 'raw')}/tables/dm`)
    expect(status).toBe(200)
    const object = Buffer.from((await test.environment.lakefs.getObject(study, 'v1', 'tables/raw/dm.json'))!).toString()
    expect(text).toContain(object.trim())
    expect(body.config).toEqual({ 's3.endpoint': 'http://store:9000' })
    const key = keyOfAddress('lake', body['metadata-location'])!
    expect(key).toMatch(/^metadata\/trial-01\/raw\/dm\/[0-9a-f]{64}\.metadata\.json$/)
    expect(Buffer.from(test.lake.objects.get(key)!.bytes).toString()).toBe(object)
    expect(headers).toMatchObject({
      etag: `"${key.split('/')[4]!.slice(0, 64)}"`,
      'cache-control': 'private, no-cache',
    })
    expect(await ask('HEAD', `${at(`${study}@v1`, 'raw')}/tables/dm`)).toMatchObject({ status: 204, text: '' })
  })

  it.each([
    ['a tag', 'frozen', 'private, no-cache'],
    ['the start of a commit id', () => head.slice(0, 10), 'private, no-cache'],
    ['a commit id', () => head, 'private, max-age=31536000, immutable'],
  ])('are the same at %s', async (_, of, cacheControl) => {
    const ref = typeof of === 'string' ? of : of()
    const branch = await ask('GET', `${at(`${study}@v1`, 'raw')}/tables/dm`)
    const { text, headers } = await ask('GET', `${at(`${study}@${ref}`, 'raw')}/tables/dm`)
    expect(text).toBe(branch.text)
    expect(headers['cache-control']).toBe(cacheControl)
  })

  it('are not sent again to who has them', async () => {
    const path = `${at(`${study}@v1`, 'raw')}/tables/dm`
    const { headers } = await ask('GET', path)
    const { etag } = headers as { etag: string }
    const conditional = (value: string, query = '') => ask('GET', path + query, { headers: { 'if-none-match': value } })
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect(await conditional(value), value).toMatchObject({ status: 304, text: '', headers: { etag } })
    expect(await conditional('"x"')).toMatchObject({ status: 200 })
    expect(await conditional(etag, '?snapshots=refs')).toMatchObject({ status: 200 })
    expect(await ask('GET', `${path}?snapshots=some`)).toMatchObject({ status: 400 })
  })

  it('are loaded without the snapshots that nothing refers to', async () => {
    const { lakefs } = test.environment
    const path = 'tables/raw/dm.json'
    const metadata = parseTableMetadata(Buffer.from((await lakefs.getObject(study, 'v1', path))!).toString())
    const [snapshot] = metadata.snapshots!
    const old = { ...snapshot!, 'snapshot-id': 9_007_199_254_740_993n }
    const bytes = Buffer.from(
      JSON.stringify({ ...metadata, snapshots: ['OLD', snapshot] }).replace(
        '"OLD"',
        JSON.stringify({ ...old, 'snapshot-id': 0 }).replace('"snapshot-id":0', '"snapshot-id":9007199254740993'),
      ),
    )
    const repeated = { ...test.environment, lakefs: { ...lakefs, getObject: async () => new Uint8Array(bytes) } }
    const client = openCatalog(repeated)
    const all = await client('GET', `${at(`${study}@v1`, 'raw')}/tables/dm`)
    expect(all.text).toContain('"snapshot-id":9007199254740993')
    const refs = await client('GET', `${at(`${study}@v1`, 'raw')}/tables/dm?snapshots=refs`)
    expect(refs.text).not.toContain('9007199254740993')
    expect(refs.body.metadata.snapshots).toHaveLength(1)
    expect(refs.headers.etag).toBe(all.headers.etag!.replace(/"$/, '-refs"'))
  })
})
