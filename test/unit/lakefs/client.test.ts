import { describe, expect, test } from 'vitest'
import { TransientError } from '../../../lib/errors.ts'
import { createHttp } from '../../../lib/http.ts'
import { createLakefs, LakefsError } from '../../../lib/lakefs/client.ts'

interface Sent {
  method: string
  url: string
  headers: Record<string, string>
  body: unknown
}

type Answer = Response | Error

const json = (status: number, value: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } })
const empty = (status: number): Response => new Response(null, { status })
const page = (results: unknown[], next = ''): Response =>
  json(200, {
    pagination: { has_more: next !== '', next_offset: next, max_per_page: 1000, results: results.length },
    results,
  })

/** A client whose server gives the answers in turn; `sent` are the requests. */
function clientOf(...answers: Answer[]) {
  const sent: Sent[] = []
  const http = createHttp({
    service: 'lakeFS',
    pause: 0,
    fetch: async (url, { method = 'GET', headers, body }) => {
      sent.push({ method, url, headers: headers as Record<string, string>, body })
      const answer = answers.shift()
      if (!answer) throw new Error('no answer is left')
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  const lakefs = createLakefs({ endpoint: 'http://lakefs:8000/', accessKeyId: 'key', secretAccessKey: 'secret', http })
  return { lakefs, sent }
}

const caught = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const base = 'http://lakefs:8000/api/v1'
const commitJson = {
  id: 'c1',
  parents: null,
  committer: 'admin',
  message: 'm',
  creation_date: 7,
  meta_range_id: 'm1',
  metadata: null,
}
const hookMessage =
  "pre-merge hook aborted, run id '4opjnvhksdu88fdnlbl0': 1 error occurred:\n\t* hook run id '0000_0000' failed\n\n"

describe('requests', () => {
  test('carry basic authentication and encoded names', async () => {
    const { lakefs, sent } = clientOf(json(200, { id: 'a b', commit_id: 'c1' }))
    expect(await lakefs.getBranch('study', 'a b/c')).toEqual({ id: 'a b', commitId: 'c1' })
    expect(sent[0]!.url).toBe(`${base}/repositories/study/branches/a%20b%2Fc`)
    expect(sent[0]!.headers.authorization).toBe(`Basic ${Buffer.from('key:secret').toString('base64')}`)
  })

  test('leave out what was not asked for', async () => {
    const { lakefs, sent } = clientOf(json(201, commitJson), json(200, { reference: 'c2' }), empty(204))
    await lakefs.commit('study', 'main', { message: 'm' })
    await lakefs.merge('study', 'side', 'main')
    await lakefs.resetBranch('study', 'main')
    expect(sent.map(({ body }) => JSON.parse(String(body)))).toEqual([
      { message: 'm', metadata: {} },
      { metadata: {} },
      { type: 'reset' },
    ])
  })

  test('carry what was asked for', async () => {
    const { lakefs, sent } = clientOf(
      json(201, commitJson),
      json(200, { reference: 'c2' }),
      empty(204),
      json(201, commitJson),
    )
    await lakefs.commit('study', 'main', { message: 'm', metadata: { k: 'v' }, date: 7, allowEmpty: true })
    const options = { message: 'm', metadata: {}, strategy: 'source-wins', squash: true, allowEmpty: true } as const
    await lakefs.merge('study', 'side', 'main', options)
    await lakefs.revert('study', 'main', { ref: 'c1', parent: 2, allowEmpty: true })
    await lakefs.cherryPick('study', 'main', { ref: 'c1', parent: 1 })
    expect(sent.map(({ body }) => JSON.parse(String(body)))).toEqual([
      { message: 'm', metadata: { k: 'v' }, date: 7, allow_empty: true },
      { message: 'm', metadata: {}, strategy: 'source-wins', squash_merge: true, allow_empty: true },
      { ref: 'c1', parent_number: 2, allow_empty: true },
      { ref: 'c1', parent_number: 1 },
    ])
  })

  test('write an object under its headers', async () => {
    const stats = { path: 'a', path_type: 'object', physical_address: 's3://b/a', checksum: 'x', mtime: 1 }
    const { lakefs, sent } = clientOf(json(201, stats))
    const bytes = Buffer.from('x')
    expect(await lakefs.uploadObject('study', 'run', 'a', bytes, { ifAbsent: true, metadata: { k: 'v' } })).toEqual({
      type: 'object',
      path: 'a',
      physicalAddress: 's3://b/a',
      checksum: 'x',
      size: 0,
      mtime: 1,
      contentType: '',
      metadata: {},
    })
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: `${base}/repositories/study/branches/run/objects?path=a`,
      headers: { 'if-none-match': '*', 'x-lakefs-meta-k': 'v', 'content-type': 'application/octet-stream' },
      body: bytes,
    })
  })

  test('set rules on a condition only where there is an etag', async () => {
    const { lakefs, sent } = clientOf(empty(204), empty(204), empty(204))
    await lakefs.setBranchProtection('study', ['main'])
    await lakefs.setBranchProtection('study', ['main'], { etag: '' })
    await lakefs.setBranchProtection('study', ['main'], { etag: 'e1' })
    expect(sent.map(({ headers }) => headers['if-match'])).toEqual([undefined, undefined, 'e1'])
  })
})

describe('refusals', () => {
  test('name the request, the status and what lakeFS says', async () => {
    const { lakefs } = clientOf(json(403, { message: 'cannot commit to protected branch' }))
    const error = await caught(lakefs.commit('study', 'main', { message: 'm' }))
    expect(error).toBeInstanceOf(LakefsError)
    expect(error).toMatchObject({
      status: 403,
      detail: 'cannot commit to protected branch',
      runId: undefined,
      message:
        'lakeFS answered 403 to POST /repositories/study/branches/main/commits: cannot commit to protected branch',
    })
  })

  test('name the run of the hooks that refused', async () => {
    const { lakefs } = clientOf(json(412, { message: hookMessage }))
    expect(await caught(lakefs.merge('study', 'run', 'main'))).toMatchObject({
      status: 412,
      runId: '4opjnvhksdu88fdnlbl0',
    })
  })

  test('of a conditional write name no run', async () => {
    const { lakefs } = clientOf(json(412, { message: 'path already exists' }))
    const error = await caught(lakefs.uploadObject('study', 'run', 'a', Buffer.from(''), { ifAbsent: true }))
    expect(error).toMatchObject({ status: 412, runId: undefined })
  })

  test.each([
    ['a conflict, which has no message', json(409, { reference: '' })],
    ['an answer that is no JSON', new Response('<html>', { status: 409 })],
    ['an answer that is null', json(409, null)],
    ['an empty answer', empty(409)],
  ])('%s: the status is enough', async (_name, answer) => {
    const { lakefs } = clientOf(answer)
    expect(await caught(lakefs.merge('study', 'run', 'main'))).toMatchObject({
      status: 409,
      detail: '',
      message: 'lakeFS answered 409 to POST /repositories/study/refs/run/merge/main',
    })
  })

  test('are not tried again', async () => {
    const { lakefs, sent } = clientOf(json(400, { message: 'no' }))
    expect(await caught(lakefs.getRepository('NO'))).toMatchObject({ status: 400 })
    expect(sent).toHaveLength(1)
  })

  test('that are not implemented are final', async () => {
    const { lakefs, sent } = clientOf(json(501, { message: 'Not Implemented' }))
    expect(await caught(lakefs.getRepository('study'))).toMatchObject({ status: 501 })
    expect(sent).toHaveLength(1)
  })
})

describe('failures that pass', () => {
  test('are tried again where that does no harm', async () => {
    const { lakefs, sent } = clientOf(
      empty(503),
      new Error('reset'),
      empty(429),
      json(200, { id: 'main', commit_id: 'c1' }),
    )
    expect(await lakefs.getBranch('study', 'main')).toEqual({ id: 'main', commitId: 'c1' })
    expect(sent).toHaveLength(4)
  })

  const once: [string, (lakefs: ReturnType<typeof createLakefs>) => Promise<unknown>][] = [
    ['commit', lakefs => lakefs.commit('study', 'main', { message: 'm' })],
    ['merge', lakefs => lakefs.merge('study', 'side', 'main')],
    ['revert', lakefs => lakefs.revert('study', 'main', { ref: 'c1' })],
    ['cherry-pick', lakefs => lakefs.cherryPick('study', 'main', { ref: 'c1' })],
    ['createBranch', lakefs => lakefs.createBranch('study', { name: 'b', source: 'main' })],
    ['createTag', lakefs => lakefs.createTag('study', { name: 't', ref: 'main' })],
    ['createRepository', lakefs => lakefs.createRepository({ name: 'study', storageNamespace: 's3://b/study' })],
    ['a conditional upload', lakefs => lakefs.uploadObject('study', 'b', 'a', Buffer.from(''), { ifAbsent: true })],
  ]
  test.each(once)('%s is sent once', async (_name, call) => {
    const { lakefs, sent } = clientOf(empty(500), empty(500))
    expect(await caught(call(lakefs))).toBeInstanceOf(TransientError)
    expect(sent).toHaveLength(1)
  })
})

describe('what is absent', () => {
  test('is undefined where it is asked for', async () => {
    const { lakefs } = clientOf(...Array.from({ length: 9 }, () => json(404, { message: 'not found' })))
    expect(await lakefs.getRepository('study')).toBeUndefined()
    expect(await lakefs.getBranch('study', 'b')).toBeUndefined()
    expect(await lakefs.getTag('study', 't')).toBeUndefined()
    expect(await lakefs.getCommit('study', 'c')).toBeUndefined()
    expect(await lakefs.getObject('study', 'main', 'a')).toBeUndefined()
    expect(await lakefs.statObject('study', 'main', 'a')).toBeUndefined()
    expect(await lakefs.findMergeBase('study', 'a', 'b')).toBeUndefined()
    expect(await lakefs.getRun('study', 'r')).toBeUndefined()
    expect(await lakefs.getHookOutput('study', 'r', 'h')).toBeUndefined()
  })

  test('is deleted without an error', async () => {
    const { lakefs } = clientOf(...Array.from({ length: 3 }, () => json(404, { message: 'not found' })))
    await lakefs.deleteRepository('study', { force: true })
    await lakefs.deleteBranch('study', 'b')
    await lakefs.deleteTag('study', 't')
  })

  test('makes an empty part of an object', async () => {
    const { lakefs, sent } = clientOf(json(416, { message: 'Requested Range Not Satisfiable' }))
    expect(await lakefs.getObject('study', 'main', 'a', { range: { start: 10 } })).toEqual(new Uint8Array())
    expect(await lakefs.getObject('study', 'main', 'a', { range: { start: 3, end: 3 } })).toEqual(new Uint8Array())
    expect(sent.map(({ headers }) => headers.range)).toEqual(['bytes=10-'])
  })

  test('is no reason to call the server ill, but a wrong address is', async () => {
    const { lakefs } = clientOf(empty(204), empty(404))
    expect(await lakefs.health()).toBe(true)
    expect(await lakefs.health()).toBe(false)
  })
})

describe('listings', () => {
  const ref = (id: string) => ({ id, commit_id: `c-${id}` })

  test('go from page to page', async () => {
    const { lakefs, sent } = clientOf(page([ref('a'), ref('b')], 'b'), page([ref('c')]))
    const found = await Array.fromAsync(lakefs.listBranches('study', { prefix: 'x', hidden: true }))
    expect(found.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    const path = `${base}/repositories/study/branches?amount=1000&prefix=x`
    expect(sent.map(({ url }) => url)).toEqual([`${path}&show_hidden=true`, `${path}&after=b&show_hidden=true`])
  })

  test('stop asking when nobody listens any more', async () => {
    const { lakefs, sent } = clientOf(page([ref('a'), ref('b')], 'b'))
    for await (const { id } of lakefs.listTags('study')) if (id === 'a') break
    expect(sent).toHaveLength(1)
  })

  test('of a log ask for no more than is wanted', async () => {
    const { lakefs, sent } = clientOf(page([commitJson, commitJson], 'c1'))
    const found = await Array.fromAsync(lakefs.log('study', 'main', { amount: 2, firstParent: true }))
    expect(found).toHaveLength(2)
    expect(found[0]).toMatchObject({ parents: [], metadata: {}, generation: 0 })
    expect(sent[0]!.url).toContain('amount=2&first_parent=true')
  })

  test('tell objects from folders', async () => {
    const object = {
      path: 'a',
      path_type: 'object',
      physical_address: 's3://b/a',
      checksum: 'x',
      mtime: 1,
      size_bytes: 3,
    }
    const { lakefs } = clientOf(page([{ path: 'a/', path_type: 'common_prefix' }, object]))
    const found = await Array.fromAsync(lakefs.listObjects('study', 'main', { delimiter: '/' }))
    expect(found).toMatchObject([
      { type: 'common_prefix', path: 'a/' },
      { type: 'object', path: 'a', size: 3 },
    ])
  })
})

describe('the two commits of a merge base', () => {
  const answer = { source_commit_id: 'd', destination_commit_id: 's', base_commit_id: 'b' }
  const expected = { sourceCommitId: 's', destinationCommitId: 'd', baseCommitId: 'b' }

  test('are put right, as lakeFS gives each under the other name', async () => {
    const { lakefs } = clientOf(json(200, answer), json(200, answer))
    expect(await lakefs.findMergeBase('study', 'side', 'main')).toEqual(expected)
    expect(await lakefs.findMergeBase('study', 's', 'main')).toEqual(expected)
  })

  test('are left as they are where a ref shows that they are right', async () => {
    const right = { source_commit_id: 's', destination_commit_id: 'd', base_commit_id: 'b' }
    const { lakefs } = clientOf(json(200, right), json(200, right))
    expect(await lakefs.findMergeBase('study', 's', 'main')).toEqual(expected)
    expect(await lakefs.findMergeBase('study', 'side', 'd')).toEqual(expected)
  })
})

test('the time-out of the default connection counts as a failure that passes', async () => {
  const lakefs = createLakefs({
    endpoint: 'http://lakefs:8000',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    fetch: () => Promise.reject(new DOMException('late', 'TimeoutError')),
  })
  expect(await caught(lakefs.commit('study', 'main', { message: 'm' }))).toBeInstanceOf(TransientError)
})

describe('answers are read in full', () => {
  const rawRepository = { id: 'study', storage_namespace: 's3://b/study', default_branch: 'main', creation_date: 7 }
  const repository = {
    id: 'study',
    storageNamespace: 's3://b/study',
    defaultBranch: 'main',
    creationDate: 7,
    readOnly: false,
  }

  test('repositories', async () => {
    const { lakefs, sent } = clientOf(json(201, rawRepository), page([rawRepository]), empty(204))
    const creation = { name: 'study', storageNamespace: 's3://b/study', defaultBranch: 'trunk', sampleData: true }
    expect(await lakefs.createRepository(creation)).toEqual(repository)
    expect(JSON.parse(String(sent[0]!.body))).toEqual({
      name: 'study',
      storage_namespace: 's3://b/study',
      default_branch: 'trunk',
      sample_data: true,
    })
    expect(await Array.fromAsync(lakefs.listRepositories())).toEqual([repository])
    await lakefs.deleteRepository('study', { force: true })
    expect(sent[2]!.url).toBe(`${base}/repositories/study?force=true`)
  })

  test('branch protection', async () => {
    const rules = [{ pattern: 'main' }, { pattern: '[!_]*' }]
    const { lakefs } = clientOf(json(200, rules, { etag: 'e1' }), json(200, []))
    expect(await lakefs.getBranchProtection('study')).toEqual({ patterns: ['[!_]*', 'main'], etag: 'e1' })
    expect(await lakefs.getBranchProtection('study')).toEqual({ patterns: [], etag: '' })
  })

  test('runs of hooks', async () => {
    const times = { start_time: '2030-01-01T00:00:00Z', end_time: '2030-01-01T00:00:01Z' }
    const run = { run_id: 'r', branch: 'main', commit_id: 'c', event_type: 'pre-merge', status: 'failed', ...times }
    const hook = { hook_run_id: '0000_0000', action: 'gate', hook_id: 'check', status: 'skipped', start_time: 't' }
    const { lakefs, sent } = clientOf(page([run]), json(200, run), page([hook]), new Response('log'))
    const expected = {
      runId: 'r',
      branch: 'main',
      commitId: 'c',
      eventType: 'pre-merge',
      status: 'failed',
      startTime: times.start_time,
      endTime: times.end_time,
    }
    expect(await Array.fromAsync(lakefs.listRuns('study', { branch: 'main' }))).toEqual([expected])
    expect(await lakefs.getRun('study', 'r')).toEqual(expected)
    expect(await lakefs.listRunHooks('study', 'r')).toEqual([
      {
        hookRunId: '0000_0000',
        action: 'gate',
        hookId: 'check',
        status: 'skipped',
        startTime: 't',
        endTime: undefined,
      },
    ])
    expect(await lakefs.getHookOutput('study', 'r', '0000_0000')).toBe('log')
    expect(sent.at(-1)!.url).toBe(`${base}/repositories/study/actions/runs/r/hooks/0000_0000/output`)
  })

  test('differences', async () => {
    const changed = { type: 'changed', path: 'a', path_type: 'object', size_bytes: 3 }
    const folder = { type: 'prefix_changed', path: 'b/', path_type: 'common_prefix' }
    const { lakefs, sent } = clientOf(page([changed]), page([changed, folder]), page([]))
    const expected = { type: 'changed', path: 'a', pathType: 'object', size: 3 }
    expect(await Array.fromAsync(lakefs.diffUncommitted('study', 'run'))).toEqual([expected])
    expect(await Array.fromAsync(lakefs.diffRefs('study', 'main', 'run', { delimiter: '/' }))).toEqual([
      expected,
      { type: 'prefix_changed', path: 'b/', pathType: 'common_prefix', size: undefined },
    ])
    await Array.fromAsync(lakefs.diffRefs('study', 'main', 'run', { type: 'two_dot' }))
    expect(sent.map(({ url }) => new URL(url).searchParams.get('type'))).toEqual([null, 'three_dot', 'two_dot'])
  })

  test('tags, objects in part, resets', async () => {
    const tag = { id: 't', commit_id: 'c' }
    const { lakefs, sent } = clientOf(
      json(201, tag),
      json(200, tag),
      new Response('bc'),
      new Response('c'),
      empty(204),
      empty(204),
      empty(204),
      empty(204),
    )
    expect(await lakefs.createTag('study', { name: 't', ref: 'main' })).toEqual({ id: 't', commitId: 'c' })
    expect(await lakefs.getTag('study', 't')).toEqual({ id: 't', commitId: 'c' })
    await lakefs.getObject('study', 'main', 'a', { range: { start: 1, end: 3 } })
    await lakefs.getObject('study', 'main', 'a', { range: { start: 2 } })
    expect(sent.slice(2).map(({ headers }) => headers.range)).toEqual(['bytes=1-2', 'bytes=2-'])
    await lakefs.resetBranch('study', 'run', { path: 'a' })
    await lakefs.resetBranch('study', 'run', { prefix: 'a/' })
    await lakefs.hardReset('study', 'run', 'main~1')
    await lakefs.deleteObject('study', 'run', 'a')
    expect(sent.slice(4, 6).map(({ body }) => JSON.parse(String(body)))).toEqual([
      { type: 'object', path: 'a' },
      { type: 'common_prefix', path: 'a/' },
    ])
    expect(sent[6]!.url).toBe(`${base}/repositories/study/branches/run/hard_reset?ref=main~1`)
    expect(sent[7]).toMatchObject({ method: 'DELETE', url: `${base}/repositories/study/branches/run/objects?path=a` })
  })

  test('an endless log ends with its last page; none is wanted, none is asked for', async () => {
    const { lakefs, sent } = clientOf(page([commitJson]))
    expect(await Array.fromAsync(lakefs.log('study', 'main'))).toHaveLength(1)
    expect(await Array.fromAsync(lakefs.log('study', 'main', { amount: 0 }))).toEqual([])
    expect(sent).toHaveLength(1)
  })
})
