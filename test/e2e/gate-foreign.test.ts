import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { catalogAddress } from '../../infra/local/buckets.ts'
import type { Platform } from '../../infra/local/platform.ts'
import { smallStudy } from '../support/small-study.ts'
import { finish, makeTemporaryFolder, openTestPlatform, upload } from '../support/test-platform.ts'

const study = 'foreign'
const version = 'v1'
const tablePath = 'tables/raw/dm.json'
const gatePath = '_lakefs_actions/gate.yaml'
const launcher = resolve(import.meta.dirname, '..', '..', 'bin', 'studylake.mjs')

let platform: Platform
let folder: string
let good: string
let branches = 0
const taken: string[] = []
const cleanUps: (() => unknown)[] = []
beforeAll(async () => {
  const temporary = await makeTemporaryFolder()
  folder = temporary.folder
  cleanUps.push(temporary.cleanUp)
  platform = await openTestPlatform({ folder })
  cleanUps.push(() => platform.close())
  await upload(platform, { study, version, files: smallStudy })
  expect((await finish(platform, study, version)).state).toBe('committed')
  good = await headOf(version)
})
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})
beforeEach(async () => {
  for (const name of taken.splice(0)) await lakefs('DELETE', `branches/${name}`)
  // Nothing keeps a client from this either.
  await lakefs('DELETE', `branches/${version}`)
  expect((await lakefs('POST', 'branches', { json: { name: version, source: good } })).status).toBe(201)
})

interface Answer {
  status: number
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  json: any
}

async function send(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: response.status, text, json }
}

/** What any client of the lakeFS API says: of this project it knows the address and a key. */
function lakefs(
  method: string,
  path: string,
  {
    query = {},
    json,
    bytes,
    contentType = 'application/octet-stream',
  }: { query?: Record<string, string>; json?: unknown; bytes?: string; contentType?: string } = {},
): Promise<Answer> {
  const { accessKeyId, secretAccessKey } = platform.settings.lakefs
  const url = `http://127.0.0.1:${platform.settings.ports.lakefs}/api/v1/repositories/${study}/${path}?${new URLSearchParams(query)}`
  const headers: Record<string, string> = {
    authorization: `Basic ${Buffer.from(`${accessKeyId}:${secretAccessKey}`).toString('base64')}`,
  }
  if (json !== undefined || bytes !== undefined) headers['content-type'] = json ? 'application/json' : contentType
  return send(url, { method, headers, body: json === undefined ? bytes : JSON.stringify(json) })
}

const headOf = async (branch: string): Promise<string> => (await lakefs('GET', `branches/${branch}`)).json.commit_id
const putObject = (branch: string, path: string, bytes: string) =>
  lakefs('POST', `branches/${branch}/objects`, { query: { path }, bytes })
const deleteObject = (branch: string, path: string) =>
  lakefs('DELETE', `branches/${branch}/objects`, { query: { path } })
const readObject = async (ref: string, path: string) =>
  (await lakefs('GET', `refs/${ref}/objects`, { query: { path } })).text
const commit = (branch: string) => lakefs('POST', `branches/${branch}/commits`, { json: { message: 'mine' } })
const merge = (source: string, destination = version) =>
  lakefs('POST', `refs/${source}/merge/${destination}`, { json: {} })

async function takeBranch(source = version): Promise<string> {
  const name = `_theirs-${branches++}`
  expect((await lakefs('POST', 'branches', { json: { name, source } })).status).toBe(201)
  taken.push(name)
  return name
}

/** The gate's list, as the client finds it by the run that the refusal names. */
async function expectRefused({ status, json }: Answer, code: string): Promise<void> {
  expect([status, json.message]).toEqual([412, expect.stringContaining('hook aborted')])
  const run = /run id '([^']+)'/.exec(json.message)![1]
  const { json: hooks } = await lakefs('GET', `actions/runs/${run}/hooks`)
  expect(hooks.results).toMatchObject([{ hook_id: 'check', status: 'failed' }])
  const { text } = await lakefs('GET', `actions/runs/${run}/hooks/${hooks.results[0].hook_run_id}/output`)
  const list = JSON.parse(/\r\n\r\n(\{[\s\S]*\})\s*Error: /.exec(text)![1]!) as {
    accepted: boolean
    summary: string[]
    problems: { code: string }[]
  }
  expect(list).toMatchObject({ accepted: false, summary: list.problems.map(() => expect.any(String)) })
  expect(list.problems.map(problem => problem.code)).toContain(code)
  expect(text).not.toContain(platform.settings.gateToken)
}

/** What an engine is answered that wants the table. */
const ask = (ref: string): Promise<Answer> =>
  send(`${catalogAddress(platform.settings)}/v1/namespaces/${encodeURIComponent(`${study}@${ref}`)}%1Fraw/tables/dm`, {
    headers: { authorization: `Bearer ${platform.settings.catalogToken}` },
  })

async function studylake(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [launcher, ...args], { cwd: folder, env: { ...process.env, ...env } })
  let [text, errors] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (text += chunk))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk))
  const [code] = (await once(child, 'close')) as [number]
  return { code, text, errors }
}

const retyped = async (ref: string): Promise<string> => {
  const text = await readObject(ref, tablePath)
  expect(text).toMatch(/"type": ?"int"/)
  return text.replaceAll(/"type": ?"int"/g, '"type":"string"')
}

/** Equally long, as the size is named too. */
const renamed = async (ref: string): Promise<string> => (await readObject(ref, tablePath)).replaceAll('"AGE"', '"AGF"')

describe('a Parquet file that is uploaded straight to a branch', () => {
  it('is refused at once where the branch is protected', async () => {
    expect((await putObject(version, 'data/dm.parquet', 'PAR1')).status).toBe(403)
  })

  it.each(['data/raw/dm/theirs.parquet', 'dm.parquet', 'tables/raw/dm.parquet'])(
    'is refused before the commit: %s',
    async path => {
      const branch = await takeBranch()
      expect((await putObject(branch, path, 'PAR1')).status).toBe(201)
      const before = await headOf(branch)
      await expectRefused(await commit(branch), path.startsWith('tables/') ? 'table-misplaced' : 'object-stray')
      expect(await headOf(branch)).toBe(before)
    },
  )
})

describe('a table object that is edited', () => {
  it('is refused before the commit', async () => {
    const branch = await takeBranch()
    await putObject(branch, tablePath, await retyped(branch))
    await expectRefused(await commit(branch), 'footer-type')
  })

  it('is refused before the merge, where its branch may have it', async () => {
    const branch = await takeBranch()
    await deleteObject(branch, 'tables/raw/sv.json')
    expect((await commit(branch)).status).toBe(201)
    await expectRefused(await merge(branch), 'contents-table-missing')
    expect(await headOf(version)).toBe(good)
    expect((await ask(version)).status).toBe(200)
  })

  it('is not served where the gate was kept from being asked, and everybody says so', async () => {
    const branch = await takeBranch()
    await deleteObject(branch, gatePath)
    await putObject(branch, tablePath, await retyped(branch))
    expect((await commit(branch)).status).toBe(201)
    // Engines are not shown such branches at all.
    expect((await ask(branch)).status).toBe(404)
    expect((await merge(branch)).status).toBe(200)
    const head = await headOf(version)
    expect(head).not.toBe(good)

    const answer = await ask(version)
    expect(answer.status).toBe(403)
    expect(answer.json.error).toMatchObject({
      type: 'ForbiddenException',
      message: expect.stringMatching(/is not served: the gate refuses its commit .*raw\.dm, column AGE/),
    })
    const at = `${study}@${version}`
    const checked = await studylake(['check', at, '--data', folder])
    expect([checked.code, checked.text]).toEqual([1, expect.stringMatching(/^UNATTESTED: [\s\S]*raw\.dm, column AGE/m)])
    const status = await studylake(['status', study, version, '--data', folder])
    expect([status.code, status.text]).toEqual([1, expect.stringMatching(/^UNATTESTED: [\s\S]*raw\.dm, column AGE/m)])
    const document = JSON.parse((await studylake(['status', study, version, '--data', folder, '--json'])).text)
    expect(document).toMatchObject({
      status: 'unattested',
      unattested: expect.arrayContaining([expect.objectContaining({ code: 'contents-type' })]),
    })
    expect(await headOf(version)).toBe(head)
  })

  it('is served where it is lawful, though the gate was kept from being asked', async () => {
    const branch = await takeBranch()
    await deleteObject(branch, gatePath)
    expect((await commit(branch)).status).toBe(201)
    expect((await merge(branch)).status).toBe(200)
    const checked = await studylake(['check', `${study}@${version}`, '--data', folder])
    expect([checked.code, checked.text]).toEqual([
      0,
      expect.stringMatching(/^UNATTESTED: [\s\S]*schema and data agree/m),
    ])
    const status = await studylake(['status', study, version, '--data', folder])
    expect([status.code, status.text]).toEqual([0, expect.not.stringContaining('UNATTESTED')])
    expect((await ask(version)).status).toBe(200)
    const again = await studylake(['check', `${study}@${version}`, '--data', folder])
    expect(again.text).not.toContain('UNATTESTED')
  })
})

/**
 * Clients of lakeFS name checksum and size of what they link or stage by themselves. The embedded server takes uploads alone, so the block is exchanged
 * beneath it: what the commit holds is the same, an entry with the old checksum and other bytes.
 */
async function putUnderFalseChecksum(branch: string, path: string, bytes: string): Promise<void> {
  const known = await lakefs('GET', `refs/${version}/objects/stat`, { query: { path } })
  const { status, json } = await lakefs('POST', `branches/${branch}/objects`, {
    query: { path },
    bytes: await readObject(version, path),
    contentType: known.json.content_type,
  })
  expect([status, json.checksum, json.size_bytes]).toEqual([201, known.json.checksum, known.json.size_bytes])
  await platform.environment.lake.put(json.physical_address.replace(/^s3:\/\/[^/]+\//, ''), Buffer.from(bytes))
}

describe('an object with the checksum of another', () => {
  it('in the place of that one is not committed', async () => {
    const branch = await takeBranch()
    await putUnderFalseChecksum(branch, tablePath, '{}')
    const { status, json } = await commit(branch)
    expect([status, json.message]).toEqual([400, 'commit: no changes'])
  })

  it.each([
    ['as one merge', {}],
    ['as one commit', { squash_merge: true }],
  ])('put back after it was deleted is judged, though lakeFS sees no change: %s', async (_what, options) => {
    const branch = await takeBranch()
    await deleteObject(branch, tablePath)
    await deleteObject(branch, gatePath)
    expect((await commit(branch)).status).toBe(201)
    await putUnderFalseChecksum(branch, tablePath, await renamed(version))
    expect((await commit(branch)).status).toBe(201)
    const differences = await lakefs('GET', `refs/${version}/diff/${branch}`, { query: { type: 'two_dot' } })
    expect(differences.json.results.map(({ path }: { path: string }) => path)).toEqual([gatePath])
    const merged = await lakefs('POST', `refs/${branch}/merge/${version}`, { json: options })
    expect(merged.status).toBe(200)
    expect((await ask(version)).status).toBe(403)
  })

  it('is refused before the merge where the gate is asked', async () => {
    const branch = await takeBranch()
    const text = await renamed(version)
    await deleteObject(branch, tablePath)
    expect((await commit(branch)).status).toBe(201)
    await putUnderFalseChecksum(branch, tablePath, await readObject(version, tablePath))
    expect((await commit(branch)).status).toBe(201)
    const differences = await lakefs('GET', `refs/${version}/diff/${branch}`, { query: { type: 'two_dot' } })
    expect(differences.json.results).toEqual([])
    // Its bytes are exchanged once it is committed.
    const { json } = await lakefs('GET', `refs/${branch}/objects/stat`, { query: { path: tablePath } })
    await platform.environment.lake.put(json.physical_address.replace(/^s3:\/\/[^/]+\//, ''), Buffer.from(text))
    await expectRefused(await merge(branch), 'contents-column-missing')
    expect(await headOf(version)).toBe(good)
  })
})

describe('the gate’s own address', () => {
  it('answers nobody without the token', async () => {
    const { url, token } = platform.environment.config.gate
    const post = (headers: Record<string, string>, body: string) =>
      send(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
    const payload = JSON.stringify({
      event_type: 'pre-merge',
      repository_id: study,
      branch_id: version,
      commit_id: good,
    })
    for (const shown of [undefined, '', `${token}x`, token.slice(1)]) {
      const answer = await post(shown === undefined ? {} : { 'x-studylake-token': shown }, payload)
      expect([answer.status, answer.json.accepted]).toEqual([401, false])
    }
    expect((await post({ 'x-studylake-token': token }, 'no JSON')).status).toBe(400)
    expect((await post({ 'x-studylake-token': token }, payload)).status).toBe(200)
  })
})

it('gate install reads the keys of a deployment where its functions do', async () => {
  const asked: string[] = []
  const { accessKeyId, secretAccessKey } = platform.settings.lakefs
  const secrets = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk))
    request.on('end', () => {
      // The lake is asked for here as well, and is empty.
      if (request.headers['x-amz-target'] === undefined) return void response.writeHead(404).end()
      asked.push((JSON.parse(body) as { SecretId: string }).SecretId)
      const SecretString = JSON.stringify({ accessKeyId, secretAccessKey })
      response.setHeader('content-type', 'application/x-amz-json-1.1').end(JSON.stringify({ SecretString }))
    })
  })
  secrets.listen(0, '127.0.0.1')
  await once(secrets, 'listening')
  try {
    const { code, text } = await studylake(['gate', 'install', study, '--aws', '--json'], {
      LAKEFS_ENDPOINT: `http://127.0.0.1:${platform.settings.ports.lakefs}`,
      LAKEFS_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:1:secret:lakefs',
      GATE_URL: platform.environment.config.gate.url,
      LANDING_BUCKET: 'landing',
      LAKE_BUCKET: 'lake',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(secrets.address() as AddressInfo).port}`,
    })
    expect([code, text]).toEqual([0, expect.stringContaining('"current"')])
    expect(asked).toEqual(['arn:aws:secretsmanager:eu-central-1:1:secret:lakefs'])
    expect(text).not.toContain(secretAccessKey)
  } finally {
    secrets.closeAllConnections()
    secrets.close()
  }
})
