import type { Session } from './lakefs-exchange.ts'

/** A series of requests whose answers must be the same from every server. */
export type Scenario = (session: Session) => Promise<void>

export const createRepository = (session: Session, json: object = {}) =>
  session.send('POST', '/repositories', {
    json: { name: session.repository, storage_namespace: session.namespace, default_branch: 'main', ...json },
  })

export const put = (
  { call }: Session,
  branch: string,
  path: string,
  body: string,
  headers: Record<string, string> = {},
) =>
  call('POST', `/branches/${branch}/objects`, {
    query: { path },
    body,
    headers: { 'content-type': 'text/plain', ...headers },
  })

export const remove = ({ call }: Session, branch: string, path: string) =>
  call('DELETE', `/branches/${branch}/objects`, { query: { path } })

export const commit = ({ call }: Session, branch: string, message: string, json: object = {}) =>
  call('POST', `/branches/${branch}/commits`, { json: { message, ...json } })

export const branch = ({ call }: Session, name: string, source = 'main', json: object = {}) =>
  call('POST', '/branches', { json: { name, source, ...json } })

export const merge = ({ call }: Session, source: string, destination: string, json: object = {}) =>
  call('POST', `/refs/${encodeURIComponent(source)}/merge/${destination}`, { json })

/** Commits one object at a time: `{ 'a.txt': 'content' }`, null deletes. */
export async function commitAll(
  session: Session,
  name: string,
  objects: Record<string, string | null>,
  message: string,
) {
  for (const [path, body] of Object.entries(objects)) {
    if (body === null) await remove(session, name, path)
    else await put(session, name, path, body)
  }
  return (await commit(session, name, message)).json.id as string
}

async function authentication({ send, call, repository, namespace }: Session) {
  await send('GET', '/healthcheck', { authorization: null })
  await send('GET', '/repositories', { authorization: null })
  await send('GET', '/repositories/abcd', { authorization: 'Basic bm86Ym9keQ==' })
  await send('GET', '/repositories/abcd', { authorization: 'Basic !' })
  await send('GET', '/repositories/abcd', { authorization: 'Bearer x' })
  await send('GET', '/nowhere', { authorization: null })
  await send('GET', '/repositories/abcd/nowhere')
  await send('PATCH', '/repositories/abcd')
  await call('GET', '')
  await send('POST', '/repositories', { authorization: null, json: { name: repository, storage_namespace: namespace } })
}

async function repositories(session: Session) {
  const { send, call, repository, namespace } = session
  await send('POST', '/repositories', { json: { name: 'Upper', storage_namespace: namespace } })
  await send('POST', '/repositories', { json: { name: 'ab', storage_namespace: namespace } })
  await send('POST', '/repositories', { json: { storage_namespace: namespace } })
  await send('POST', '/repositories', { json: { name: repository } })
  await send('POST', '/repositories', { json: { name: repository, storage_namespace: 'local://lake/x' } })
  await send('POST', '/repositories', { body: 'x', headers: { 'content-type': 'application/json' } })
  await createRepository(session)
  await createRepository(session)
  await send('POST', '/repositories', { json: { name: `${repository}-b`, storage_namespace: namespace } })
  await send('POST', '/repositories', {
    json: { name: `${repository}-c`, storage_namespace: `${namespace}-c/`, default_branch: 'trunk' },
  })
  await send('POST', '/repositories', { json: { name: `${repository}-e`, storage_namespace: `${namespace}-e` } })
  await send('GET', '/repositories', { query: { prefix: repository } })
  await send('GET', '/repositories', { query: { prefix: repository, amount: 1 } })
  await send('GET', '/repositories', { query: { prefix: repository, amount: 1, after: repository } })
  await send('GET', '/repositories', { query: { amount: 1001 } })
  await send('GET', '/repositories', { query: { amount: -2 } })
  await send('GET', '/repositories', { query: { amount: 'many' } })
  await call('GET', '')
  await call('GET', '/branches')
  await call('GET', '/refs/main/commits')
  // One that was never read: lakeFS keeps a repository in mind for seconds, deleted or not.
  await send('DELETE', `/repositories/${repository}-e`)
  await send('GET', `/repositories/${repository}-e`)
  await send('DELETE', `/repositories/${repository}-e`)
  await send('GET', '/repositories/NO')
  await send('DELETE', '/repositories/NO')
  // Its objects stay, so the namespace stays taken.
  await send('POST', '/repositories', { json: { name: `${repository}-d`, storage_namespace: `${namespace}-e` } })
  await send('GET', `/repositories/${repository}-c`)
}

async function branches(session: Session) {
  const { call } = session
  await createRepository(session)
  for (const name of ['b1', 'b2', 'c_1', 'C-2', '_run', '0']) await branch(session, name)
  for (const name of ['', '-x', 'a.b', 'a/b', 'a b', 'ä', 'a%']) await branch(session, name)
  await branch(session, 'b1')
  await branch(session, 'x1', 'nowhere')
  await branch(session, 'x1', '')
  await branch(session, 'x1', 'a b')
  await branch(session, 'x1', 'main$')
  await call('POST', '/branches', { json: { name: 'x1' } })
  await call('POST', '/branches', { json: { name: 7, source: 'main' } })
  await branch(session, '_hidden', 'main', { hidden: true })
  await call('GET', '/branches')
  await call('GET', '/branches', { query: { show_hidden: true } })
  await call('GET', '/branches', { query: { prefix: 'b' } })
  await call('GET', '/branches', { query: { prefix: 'b', after: 'b1' } })
  await call('GET', '/branches', { query: { after: 'b1', amount: 2 } })
  await call('GET', '/branches', { query: { amount: 3 } })
  await call('GET', '/branches', { query: { amount: 0 } })
  await call('GET', '/branches', { query: { prefix: 'zz' } })
  for (const name of ['b1', '_hidden', 'nowhere', 'a.b', 'b1@', 'b1~1'])
    await call('GET', `/branches/${encodeURIComponent(name)}`)
  await put(session, 'b1', 'lost', 'x')
  await call('DELETE', '/branches/b1')
  await call('GET', '/branches/b1')
  await call('DELETE', '/branches/b1')
  await call('DELETE', '/branches/main')
  await call('DELETE', '/branches/a.b')
  // A new branch of the same name has none of the old one's uncommitted objects.
  await branch(session, 'b1')
  await call('GET', '/branches/b1/diff')
  await call('POST', '/tags', { json: { id: 'taken', ref: 'main' } })
  await branch(session, 'taken')
}

async function tags(session: Session) {
  const { call } = session
  await createRepository(session)
  const first = await commitAll(session, 'main', { a: '1' }, 'one')
  const tag = (id: string, ref: string) => call('POST', '/tags', { json: { id, ref } })
  await tag('v1', 'main')
  await tag('v1', 'main')
  await tag('v1.0', first)
  await tag('v~1', 'main~1')
  await tag('main', 'main')
  for (const id of ['', '@', 'a.', 'a.lock', 'a..b', 'a/b', 'a@{b', 'a^', 'a:b', 'a b', 'a*']) await tag(id, 'main')
  await tag(first, 'main')
  await tag('v2', 'nowhere')
  await tag('v2', 'main$')
  await call('POST', '/tags', { json: { id: 'v2' } })
  await call('GET', '/tags')
  await call('GET', '/tags', { query: { prefix: 'v1' } })
  await call('GET', '/tags', { query: { amount: 1, after: 'v1' } })
  for (const id of ['v1', 'nowhere', 'a..b']) await call('GET', `/tags/${id}`)
  await put(session, 'main', 'a', '2')
  await commit(session, 'main', 'two')
  await call('GET', '/refs/v1/objects', { query: { path: 'a' } })
  await call('GET', '/refs/v1/commits')
  await call('DELETE', '/tags/v1')
  await call('DELETE', '/tags/v1')
  await call('GET', '/refs/v1/objects', { query: { path: 'a' } })
}

async function refs(session: Session) {
  const { call } = session
  await createRepository(session)
  const one = await commitAll(session, 'main', { a: '1' }, 'one')
  const two = await commitAll(session, 'main', { a: '2' }, 'two')
  await branch(session, 'side', one)
  await commitAll(session, 'side', { b: '1' }, 'three')
  await merge(session, 'side', 'main')
  await put(session, 'main', 'a', 'staged')
  const read = (ref: string) => call('GET', `/refs/${encodeURIComponent(ref)}/objects`, { query: { path: 'a' } })
  for (const ref of ['main', 'main@', 'main$', 'main~1', 'main~2', 'main~3', 'main~9', 'main^1', 'main^2', 'main^3'])
    await read(ref)
  for (const ref of ['main~', 'main~0', 'main^0', 'main^2~1', 'main~1^1', 'main@~1', 'main~1@', 'main@x', 'main~x'])
    await read(ref)
  for (const ref of [one, two.slice(0, 12), `${one}~1`, `${one.slice(0, 12)}@`, '~1', '@', 'nowhere', 'f'.repeat(64)])
    await read(ref)
  for (const ref of ['main', one, two.slice(0, 12), 'main~1', 'main$', 'nowhere', 'side@', 'a b']) {
    await call('GET', `/commits/${encodeURIComponent(ref)}`)
  }
  await session.send('GET', `/repositories/${session.repository}-x/commits/main`)
  for (const [left, right] of [
    ['side', 'main'],
    ['main', 'side'],
    [one, two],
    ['main', 'main'],
    ['nowhere', 'main'],
    ['main', 'nowhere'],
  ]) {
    await call('GET', `/refs/${left}/merge/${right}`)
  }
}

async function log(session: Session) {
  const { call } = session
  await createRepository(session)
  await commitAll(session, 'main', { 'a/1': '1' }, 'one')
  const two = await commitAll(session, 'main', { 'b/1': '1' }, 'two')
  await branch(session, 'side')
  await commitAll(session, 'side', { 'a/2': '1' }, 'three')
  await commitAll(session, 'main', { 'a/1': '2', 'c/1': '1' }, 'four')
  await merge(session, 'side', 'main', { message: 'five' })
  await commitAll(session, 'main', { 'a/1': null }, 'six')
  const list = (query: Record<string, string | number | boolean | string[]>, ref = 'main') =>
    call('GET', `/refs/${ref}/commits`, { query })
  await list({})
  await list({ amount: 2 })
  await list({ amount: 2, after: two })
  await list({ amount: 2, after: 'main~1' })
  await list({ after: 'nowhere' })
  await list({ amount: 2, limit: true })
  await list({ first_parent: true })
  await list({ stop_at: two })
  await list({ stop_at: 'nowhere' })
  await list({ objects: 'a/1' })
  await list({ objects: ['a/2', 'c/1'] })
  await list({ prefixes: 'a/' })
  await list({ prefixes: ['b/', 'c/'], amount: 1 })
  await list({ objects: 'nothing' })
  await list({}, 'side')
  await list({}, 'nowhere')
  await list({}, 'main$')
  await list({ limit: 'maybe' })
}

export const refScenarios: Record<string, Scenario> = { authentication, repositories, branches, tags, refs, log }
