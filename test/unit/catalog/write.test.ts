import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { namespacePath as at, loadVersion, openCatalog } from './support.ts'

const study = 'trial-01'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const schema = {
  type: 'struct',
  fields: [
    { id: 1, name: 'USUBJID', required: false, type: 'string' },
    { id: 2, name: 'score', required: false, type: 'long' },
  ],
}
let test: TestEnvironment
let ask: ReturnType<typeof openCatalog>
let base: string
let turn = 0
let branch: string

beforeAll(async () => {
  test = await makeEnvironment()
  ask = openCatalog(test.environment)
  await loadVersion(test, study)
  base = (await test.environment.lakefs.getBranch(study, 'v1'))!.commitId
}, 60_000)
afterAll(() => test.close())

// A branch of its own for each test.
beforeEach(async () => {
  branch = `ada-${++turn}`
  await test.environment.lakefs.createBranch(study, { name: branch, source: base })
})

const work = (of = branch) => at(`${study}@${of}`, 'work')
const create = (name: string, more: object = {}, of = branch) =>
  ask('POST', `${work(of)}/tables`, { body: { name, schema, ...more } })
const headOf = async (of = branch) => (await test.environment.lakefs.getCommit(study, of))!
/** What is on the branch, so that a test can say that it has not changed. */
const stateOf = async (of = branch) => (await test.environment.lakefs.getBranch(study, of))!.commitId
const setOwner = (owner: string) => ({
  requirements: [],
  updates: [{ action: 'set-properties', updates: { owner } }],
})

describe('making a table', () => {
  it('is one commit, by the name of the token, of a table at a place of its own', async () => {
    const { status, body, headers } = await create('summary', { properties: { purpose: 'a test' } })
    expect(status).toBe(200)
    expect(body.metadata).toMatchObject({
      'table-uuid': expect.stringMatching(uuid),
      location: `s3://lake/data/trial-01/work/summary/${body.metadata['table-uuid']}`,
      properties: { purpose: 'a test', 'gc.enabled': 'false' },
    })
    expect(body.config).toEqual({ 's3.endpoint': 'http://store:9000' })
    const loaded = await ask('GET', `${work()}/tables/summary`)
    expect(loaded.body).toEqual(body)
    expect(loaded.headers.etag).toBe(headers.etag)
    expect(test.lake.objects.has(body['metadata-location'].slice('s3://lake/'.length))).toBe(true)
    expect(await headOf()).toMatchObject({
      message: 'Create work.summary',
      metadata: { author: 'Ada Writer', tables: 'work.summary' },
    })
    expect(await create('summary')).toMatchObject({
      status: 409,
      body: { error: { type: 'AlreadyExistsException', message: expect.stringContaining('work.summary') } },
    })
  })

  it('can be staged first, and is not there before the commit', async () => {
    const before = await stateOf()
    const staged = await create('ctas', { 'stage-create': true })
    expect(staged.status).toBe(200)
    expect('metadata-location' in staged.body).toBe(false)
    expect(await stateOf()).toBe(before)
    expect(await ask('HEAD', `${work()}/tables/ctas`)).toMatchObject({ status: 404 })
    const { metadata } = staged.body
    const commit = {
      requirements: [{ type: 'assert-create' }],
      updates: [
        { action: 'assign-uuid', uuid: metadata['table-uuid'] },
        { action: 'upgrade-format-version', 'format-version': 2 },
        { action: 'add-schema', schema: metadata.schemas[0], 'last-column-id': 2 },
        { action: 'set-current-schema', 'schema-id': -1 },
        { action: 'add-spec', spec: metadata['partition-specs'][0] },
        { action: 'set-default-spec', 'spec-id': -1 },
        { action: 'add-sort-order', 'sort-order': metadata['sort-orders'][0] },
        { action: 'set-default-sort-order', 'sort-order-id': -1 },
        { action: 'set-location', location: metadata.location },
      ],
    }
    const committed = await ask('POST', `${work()}/tables/ctas`, { body: commit })
    expect(committed).toMatchObject({ status: 200, body: { metadata: { 'table-uuid': metadata['table-uuid'] } } })
    expect('config' in committed.body).toBe(false)
    expect(await headOf()).toMatchObject({ message: 'Create work.ctas' })
    const again = await ask('POST', `${work()}/tables/ctas`, { body: commit })
    expect(again).toMatchObject({ status: 409, body: { error: { type: 'CommitFailedException' } } })
    expect(await create('ctas', { 'stage-create': true })).toMatchObject({ status: 409 })
  })

  it.each([
    ['a bucket of its own', 's3://other/data/trial-01/work/t'],
    ['another study', 's3://lake/data/trial-02/work/t'],
    ['another study, by way of this one', 's3://lake/data/trial-01/../trial-02/t'],
    ['what lakeFS keeps', 's3://lake/lakefs/trial-01/t'],
    ['no object store', 'file:///etc/passwd'],
  ])('not in %s', async (_, location) => {
    const before = await stateOf()
    expect(await create('t', { location })).toMatchObject({ status: 400 })
    const updates = [{ action: 'set-location', location }]
    await create('there')
    const there = await stateOf()
    const moved = await ask('POST', `${work()}/tables/there`, { body: { requirements: [], updates } })
    expect(moved).toMatchObject({ status: 400 })
    expect(await stateOf()).toBe(there)
    expect(before).toBe(base)
  })

  it.each(['Upper', 'with space', '', '..', 'x'.repeat(200), 'ärger', '_hidden', 'a.b', '1a', 'a\u001fb'])(
    'not by the name %j',
    async name => {
      const answer = await create(name)
      expect(answer).toMatchObject({ status: 400, body: { error: { type: 'BadRequestException' } } })
      expect(answer.body.error.message).toContain('a dataset is up to 128 letters')
      expect(await stateOf()).toBe(base)
    },
  )

  it('not where there is no layer', async () => {
    const body = { name: 't', schema }
    expect(await ask('POST', `${at(`${study}@${branch}`)}/tables`, { body })).toMatchObject({ status: 400 })
    expect(await ask('POST', `${at(`${study}@nobody`, 'work')}/tables`, { body })).toMatchObject({
      status: 404,
      body: { error: { type: 'NoSuchNamespaceException' } },
    })
  })
})

describe('a commit', () => {
  it('changes a table, says so in lakeFS, and keeps what was', async () => {
    const made = await create('summary')
    const headers = { 'x-request-id': '20260102_030405_00007_abcde' }
    const body = setOwner('ada')
    const { body: changed } = await ask('POST', `${work()}/tables/summary`, { body, headers })
    expect(changed.metadata.properties.owner).toBe('ada')
    expect(changed.metadata['metadata-log']).toEqual([
      { 'metadata-file': made.body['metadata-location'], 'timestamp-ms': made.body.metadata['last-updated-ms'] },
    ])
    expect(await headOf()).toMatchObject({
      message: 'Alter work.summary',
      metadata: { author: 'Ada Writer', queryId: '20260102_030405_00007_abcde' },
    })
    expect((await ask('GET', `${work()}/tables/summary`)).body.metadata).toEqual(changed.metadata)
  })

  it('that asks for nothing new makes no commit', async () => {
    await create('summary')
    await ask('POST', `${work()}/tables/summary`, { body: setOwner('ada') })
    const before = await stateOf()
    expect(await ask('POST', `${work()}/tables/summary`, { body: setOwner('ada') })).toMatchObject({ status: 200 })
    expect(await stateOf()).toBe(before)
  })

  it('whose requirement does not hold changes nothing', async () => {
    await create('summary')
    const before = await stateOf()
    const requirements = [{ type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' }]
    const answer = await ask('POST', `${work()}/tables/summary`, { body: { ...setOwner('eve'), requirements } })
    expect(answer).toMatchObject({ status: 409, body: { error: { type: 'CommitFailedException', code: 409 } } })
    expect(await stateOf()).toBe(before)
  })

  it('of no table finds none', async () => {
    expect(await ask('POST', `${work()}/tables/nobody`, { body: setOwner('ada') })).toMatchObject({
      status: 404,
      body: { error: { type: 'NoSuchTableException' } },
    })
  })

  it.each([
    ['an unknown update', { requirements: [], updates: [{ action: 'drop-everything' }] }],
    ['an unknown requirement', { requirements: [{ type: 'assert-weather' }], updates: [] }],
    ['no updates', { requirements: [] }],
    ['a list', []],
    ['no JSON', '{"requirements":'],
    ['nothing', ''],
    ['null', 'null'],
  ])('is refused for %s', async (_, body) => {
    await create('summary')
    const before = await stateOf()
    expect(await ask('POST', `${work()}/tables/summary`, { body })).toMatchObject({
      status: 400,
      body: { error: { type: 'BadRequestException', code: 400 } },
    })
    expect(await stateOf()).toBe(before)
  })

  it('of a snapshot whose files are not there is refused with the gate’s list', async () => {
    const { body } = await create('summary')
    const before = await stateOf()
    const snapshot = {
      'snapshot-id': '@',
      'sequence-number': 1,
      'timestamp-ms': body.metadata['last-updated-ms'] + 1,
      'manifest-list': `${body.metadata.location}/metadata/snap-1.avro`,
      summary: { operation: 'append', trino_query_id: 'query_1' },
      'schema-id': 0,
    }
    const text = JSON.stringify({
      requirements: [],
      updates: [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': '@' },
      ],
    }).replaceAll('"@"', '7504123456789012345')
    const answer = await ask('POST', `${work()}/tables/summary`, { body: text })
    expect(answer).toMatchObject({ status: 400, body: { error: { type: 'BadRequestException' } } })
    expect(answer.body.error.message).toMatch(/the gate refuses.*work\.summary/s)
    expect(await stateOf()).toBe(before)
  })
})

describe('several tables', () => {
  const transaction = (...names: string[]) => ({
    'table-changes': names.map(name => ({
      identifier: { namespace: [`${study}@${branch}`, 'work'], name },
      ...setOwner('ada'),
    })),
  })

  it('change in one commit, or not at all', async () => {
    await create('one')
    await create('two')
    const before = await stateOf()
    expect(await ask('POST', '/v1/transactions/commit', { body: transaction('one', 'nobody') })).toMatchObject({
      status: 404,
    })
    expect(await stateOf()).toBe(before)
    expect(await ask('POST', '/v1/transactions/commit', { body: transaction('one', 'two') })).toMatchObject({
      status: 204,
      text: '',
    })
    const { parents, message } = await headOf()
    expect(parents[0]).toBe(before)
    expect(message).toBe('Alter work.one, work.two')
    for (const name of ['one', 'two'])
      expect((await ask('GET', `${work()}/tables/${name}`)).body.metadata.properties.owner).toBe('ada')
    expect(await ask('POST', '/v1/transactions/commit', { body: { 'table-changes': [] } })).toMatchObject({
      status: 204,
    })
  })

  it('are of one branch', async () => {
    await create('one')
    const before = await stateOf()
    const body = transaction('one', 'two')
    body['table-changes'][1]!.identifier.namespace = [`${study}@v1`, 'work']
    expect(await ask('POST', '/v1/transactions/commit', { body })).toMatchObject({ status: 400 })
    body['table-changes'][1]!.identifier.namespace = ['nowhere']
    expect(await ask('POST', '/v1/transactions/commit', { body })).toMatchObject({ status: 404 })
    expect(await stateOf()).toBe(before)
  })
})

describe('a table', () => {
  const rename = (from: string[], to: string[]) =>
    ask('POST', '/v1/tables/rename', {
      body: {
        source: { namespace: from.slice(0, -1), name: from.at(-1) },
        destination: { namespace: to.slice(0, -1), name: to.at(-1) },
      },
    })

  it('is renamed within its branch, as it is', async () => {
    const made = await create('one')
    const here = [`${study}@${branch}`, 'work']
    expect(await rename([...here, 'one'], [...here, 'two'])).toMatchObject({ status: 204 })
    expect(await ask('HEAD', `${work()}/tables/one`)).toMatchObject({ status: 404 })
    expect((await ask('GET', `${work()}/tables/two`)).body.metadata).toEqual(made.body.metadata)
    await create('three')
    const before = await stateOf()
    expect(await rename([...here, 'two'], [...here, 'three'])).toMatchObject({ status: 409 })
    expect(await rename([...here, 'nobody'], [...here, 'four'])).toMatchObject({ status: 404 })
    expect(await rename([...here, 'two'], [...here, 'Four'])).toMatchObject({ status: 400 })
    expect(await rename([...here, 'two'], [`${study}@v1`, 'work', 'two'])).toMatchObject({ status: 400 })
    expect(await rename([...here, 'two'], ['nowhere', 'two'])).toMatchObject({ status: 404 })
    expect(await rename(['x'], [...here, 'two'])).toMatchObject({ status: 404 })
    expect(await ask('POST', '/v1/tables/rename', { body: { source: 'one' } })).toMatchObject({ status: 400 })
    expect(await stateOf()).toBe(before)
  })

  it('that is dropped keeps its files, and can be registered again', async () => {
    const { body } = await create('one')
    const location = body['metadata-location'] as string
    const objects = test.lake.objects.size
    expect(await ask('DELETE', `${work()}/tables/one?purgeRequested=true`)).toMatchObject({ status: 204, text: '' })
    expect(test.lake.objects.size).toBeGreaterThanOrEqual(objects)
    expect(await ask('GET', `${work()}/tables/one`)).toMatchObject({ status: 404 })
    expect(await ask('DELETE', `${work()}/tables/one`)).toMatchObject({ status: 404 })
    const register = (name: string, more: object = {}) =>
      ask('POST', `${work()}/register`, { body: { name, 'metadata-location': location, ...more } })
    const registered = await register('one')
    expect(registered).toMatchObject({ status: 200, body: { metadata: body.metadata } })
    expect(await register('one')).toMatchObject({ status: 409 })
    expect(await register('one', { overwrite: true })).toMatchObject({ status: 200 })
    const missing = location.replace('.metadata.json', 'x.metadata.json')
    expect(await register('two', { 'metadata-location': missing })).toMatchObject({ status: 404 })
    for (const elsewhere of ['s3://other/x', 's3://lake/metadata/trial-02/x', 's3://lake/attest/trial-01/x', 'x'])
      expect(await register('two', { 'metadata-location': elsewhere })).toMatchObject({ status: 400 })
    const [parquet] = [...test.lake.objects.keys()].filter(key => key.endsWith('.parquet'))
    expect(await register('two', { 'metadata-location': `s3://lake/${parquet}` })).toMatchObject({ status: 400 })
  })
})

describe('what is closed', () => {
  const refused = async (path: string, reason: string, token: 'writer' | 'reader' | 'other' = 'writer') => {
    const answer = await ask('POST', `${path}/tables`, { body: { name: 'eve', schema }, token })
    expect(answer).toMatchObject({ status: 403, body: { error: { type: 'ForbiddenException' } } })
    expect(answer.body.error.message).toContain(reason)
    const drop = await ask('DELETE', `${path}/tables/dm`, { token })
    expect(drop).toMatchObject({ status: 403 })
  }

  it('to everybody', async () => {
    const { lakefs } = test.environment
    await lakefs.createTag(study, { name: `t${turn}`, ref: base })
    await refused(at(`${study}@t${turn}`, 'work'), 'is a tag, which never changes')
    await refused(at(`${study}@${base}`, 'work'), 'is a commit, which never changes')
    await refused(at(`${study}@${base.slice(0, 7)}`, 'work'), 'is a commit, which never changes')
    await refused(at(`${study}@main`, 'work'), 'the branch main')
    await refused(at(`${study}@keys`, 'keys'), 'the branch keys')
    for (const layer of ['raw', 'base', 'keys'])
      await refused(at(`${study}@v1`, layer), `its layer ${layer}, only work`)
  })

  it('to who may only read', async () => {
    await refused(work(), 'may read trial-01 and not write', 'reader')
    expect(await stateOf()).toBe(base)
  })

  it('but a version’s layer for analyses is open, and a branch of one’s own wholly', async () => {
    expect(await create('analysis', {}, 'v1')).toMatchObject({ status: 200 })
    const raw = at(`${study}@${branch}`, 'raw')
    expect(await ask('DELETE', `${raw}/tables/dm`)).toMatchObject({ status: 204 })
  })

  it('as the deployment says', async () => {
    const closed = openCatalog(test.environment, { writableLayers: [] })
    const answer = await closed('POST', `${at(`${study}@v1`, 'work')}/tables`, { body: { name: 'eve', schema } })
    expect(answer).toMatchObject({ status: 403 })
    const raw = openCatalog(test.environment, { writableLayers: ['work', 'raw'] })
    expect(await raw('DELETE', `${at(`${study}@v1`, 'base')}/tables/dm`)).toMatchObject({ status: 403 })
  })
})
