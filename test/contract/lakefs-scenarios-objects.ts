import type { Session } from './lakefs-exchange.ts'
import { branch, commit, commitAll, createRepository, put, remove, type Scenario } from './lakefs-scenarios-refs.ts'

async function uploads(session: Session) {
  const { call } = session
  await createRepository(session)
  const upload = (query: Record<string, string>, body: string, headers: Record<string, string> = {}, name = 'main') =>
    call('POST', `/branches/${name}/objects`, { query, body, headers })
  const typed = { 'content-type': 'text/plain; charset=utf-8' }
  await upload({ path: 'a/plain' }, 'hello', {
    ...typed,
    'X-Lakefs-Meta-Some-Name': 'Some Value',
    'x-lakefs-internal-client-mtime': '1',
  })
  await upload({ path: 'a/binary' }, 'hello', { 'content-type': 'application/octet-stream' })
  await upload({ path: 'a/empty' }, '', { 'content-type': 'application/octet-stream' })
  await upload({ path: 'ünï/ço dé&+%.json' }, '{}', { 'content-type': 'application/json' })
  const multipart = { 'content-type': 'multipart/form-data; boundary=xyz' }
  const part = (head: string, body: string) => `--xyz\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  const other = part('name="other"', 'ignored')
  await upload(
    { path: 'a/form' },
    `${other}${part('name="content"; filename="f"\r\nContent-Type: text/csv', 'a,b\r\n1,2')}--xyz--\r\n`,
    multipart,
  )
  await upload({ path: 'a/untyped' }, `${part('name="content"', 'x')}--xyz--\r\n`, multipart)
  await upload({ path: 'a/none' }, `${other}--xyz--\r\n`, multipart)
  await upload({ path: 'a/none' }, 'x', { 'content-type': 'multipart/form-data' })
  await upload({ path: '' }, 'x', typed)
  await upload({}, 'x', typed)
  await upload({ path: 'p'.repeat(1024) }, 'x', typed)
  await upload({ path: 'p'.repeat(1025) }, 'x', typed)
  await upload({ path: 'a' }, 'x', typed, 'nowhere')
  await upload({ path: 'a' }, 'x', typed, 'a.b')
  await upload({ path: 'a/plain' }, 'x', { ...typed, 'if-none-match': '*' })
  await upload({ path: 'a/new' }, 'x', { ...typed, 'if-none-match': '*' })
  await upload({ path: 'a/new' }, 'y', { ...typed, 'if-none-match': '*' })
  await upload({ path: 'a/new' }, 'y', { ...typed, 'if-none-match': '"abc"' })
  await upload({ path: 'a/new' }, 'y', { ...typed, 'if-match': '"abc"' })
  await upload({ path: 'a/new' }, 'y', { ...typed, 'if-match': '"abc"', 'if-none-match': '*' })
  await remove(session, 'main', 'a/new')
  await upload({ path: 'a/new' }, 'again', { ...typed, 'if-none-match': '*' })
  await call('GET', '/refs/main/objects/ls')
  await commit(session, 'main', 'all')
  await upload({ path: 'a/plain' }, 'x', { ...typed, 'if-none-match': '*' })
  await call('GET', '/refs/main/objects/ls', { query: { prefix: 'a/', user_metadata: false } })
}

async function reads(session: Session) {
  const { call } = session
  await createRepository(session)
  await put(session, 'main', 'a', '0123456789', { 'x-lakefs-meta-k': 'v' })
  await put(session, 'main', 'empty', '', { 'content-type': 'application/json' })
  await commit(session, 'main', 'one')
  await put(session, 'main', 'b', 'staged')
  const get = (path: string, headers: Record<string, string> = {}, ref = 'main', method = 'GET') =>
    call(method, `/refs/${encodeURIComponent(ref)}/objects`, { query: { path }, headers })
  for (const path of ['a', 'b', 'empty', 'nothing', 'p'.repeat(1025)]) {
    await get(path)
    await get(path, {}, 'main', 'HEAD')
    await get(path, {}, 'main@')
    await call('GET', '/refs/main/objects/stat', { query: { path } })
  }
  const ranges = ['0-3', '5-', '-3', '0-0', '9-20', '10-', '20-30', '3-1', '-0', '-99', '0-1,3-4', '-', 'x']
  for (const range of ranges) {
    await get('a', { range: `bytes=${range}` })
    await get('a', { range: `bytes=${range}` }, 'main', 'HEAD')
  }
  await get('a', { range: 'items=0-1' })
  await get('empty', { range: 'bytes=0-1' })
  const etag = '"781e5e245d69b566979b86e28d23f2c7"'
  await get('a', { 'if-none-match': etag })
  await get('a', { 'if-none-match': '"other"' })
  await get('a', {}, 'nowhere')
  await get('a', {}, 'nowhere', 'HEAD')
  await call('GET', '/refs/main/objects')
  await call('GET', '/refs/main/objects', { query: { path: '' } })
  await call('GET', '/refs/main/objects/stat')
  await call('GET', '/refs/main/objects/stat', { query: { path: 'a', user_metadata: false } })
  await call('GET', '/refs/nowhere/objects/stat', { query: { path: 'a' } })
  await session.send('GET', `/repositories/${session.repository}-x/refs/main/objects`, { query: { path: 'a' } })
}

async function listings(session: Session) {
  const { call } = session
  await createRepository(session)
  const paths = ['a', 'a/1', 'a/2', 'a/b/1', 'a/b/2', 'a-b', 'b', 'c/1', 'd/', 'd/1', 'e//1', 'ü/1', '\uE000/1', '😀/1']
  for (const path of paths) await put(session, 'main', path, path)
  await commit(session, 'main', 'one')
  await branch(session, 'side')
  for (const path of ['a/1', 'c/1', 'e//1']) await remove(session, 'side', path)
  for (const path of ['a/0', 'a/3', 'c0', 'zz/1']) await put(session, 'side', path, `new ${path}`)
  const list = (ref: string, query: Record<string, string | number>) =>
    call('GET', `/refs/${ref}/objects/ls`, { query })
  for (const ref of ['main', 'side']) {
    await list(ref, {})
    for (const prefix of ['a', 'a/', 'a/b', 'c', 'd/', 'e/', 'x', '😀']) {
      await list(ref, { prefix })
      await list(ref, { prefix, delimiter: '/' })
    }
    for (const delimiter of ['/', '//', '-', 'b']) await list(ref, { delimiter })
    for (const after of ['a', 'a/', 'a/1', 'a/b/', 'a/b/1', 'b', 'd/', 'zzz']) {
      await list(ref, { after })
      await list(ref, { after, delimiter: '/' })
      await list(ref, { after, delimiter: '/', prefix: 'a/' })
      await list(ref, { after, prefix: 'd', amount: 1 })
    }
    for (const amount of [1, 3]) {
      await list(ref, { amount })
      await list(ref, { amount, delimiter: '/' })
      await list(ref, { amount, delimiter: '/', after: 'a/' })
    }
  }
  await list('nowhere', {})
  await list('main@', { prefix: 'a/' })
}

async function staging(session: Session) {
  const { call } = session
  await createRepository(session)
  await commitAll(session, 'main', { a: '1', b: '1', 'c/1': '1', 'c/2': '1' }, 'one')
  const diff = (query: Record<string, string | number> = {}) => call('GET', '/branches/main/diff', { query })
  const reset = (json: object) => call('PUT', '/branches/main', { json })
  await diff()
  await put(session, 'main', 'a', '2')
  await put(session, 'main', 'b', '1')
  await put(session, 'main', 'd/new', 'n')
  await put(session, 'main', 'd/gone', 'g')
  await remove(session, 'main', 'd/gone')
  await remove(session, 'main', 'c/1')
  await remove(session, 'main', 'never')
  await put(session, 'main', 'c/2', '1', { 'x-lakefs-meta-k': 'v' })
  await diff()
  await diff({ prefix: 'c/' })
  await diff({ delimiter: '/' })
  await diff({ delimiter: '/', after: 'c/' })
  await diff({ delimiter: '/', prefix: 'c/' })
  await diff({ amount: 1 })
  await diff({ amount: 1, after: 'a' })
  await diff({ after: 'zzz' })
  await call('GET', '/branches/nowhere/diff')
  await call('GET', '/branches/a.b/diff')
  await reset({ type: 'object', path: 'a' })
  await reset({ type: 'object', path: 'd/new' })
  await reset({ type: 'object', path: 'never' })
  await reset({ type: 'object', path: '' })
  await reset({ type: 'nonsense' })
  await reset({})
  await diff()
  await call('GET', '/refs/main/objects', { query: { path: 'a' } })
  await call('GET', '/refs/main/objects', { query: { path: 'd/new' } })
  await put(session, 'main', 'd/x', '1')
  await reset({ type: 'common_prefix', path: 'c/' })
  await diff()
  await reset({ type: 'reset' })
  await diff()
  await call('PUT', '/branches/nowhere', { json: { type: 'reset' } })
  await call('DELETE', '/branches/main/objects')
  await call('DELETE', '/branches/nowhere/objects', { query: { path: 'a' } })
  await put(session, 'main', 'a', '2')
  await put(session, 'main', 'a', '1')
  await diff()
  await commit(session, 'main', 'nothing')
  await remove(session, 'main', 'a')
  await put(session, 'main', 'a', '1')
  await commit(session, 'main', 'nothing')
}

async function diffs(session: Session) {
  const { call } = session
  await createRepository(session)
  await commitAll(session, 'main', { a: '1', b: '1', 'c/1': '1', 'c/2': '1', 'd/1': '1', e: '1' }, 'base')
  await branch(session, 'left')
  await branch(session, 'right')
  await commitAll(session, 'left', { a: 'left', 'c/1': null, e: 'both', f: 'left', 'g/1': 'left' }, 'left')
  await commitAll(
    session,
    'right',
    { a: 'right', b: 'right', 'c/1': 'right', 'd/1': null, e: 'both', f: 'right', 'h/1': 'r', 'h/2': 'r' },
    'right',
  )
  await put(session, 'right', 'uncommitted', 'x')
  const diff = (from: string, to: string, query: Record<string, string | number | boolean> = {}) =>
    call('GET', `/refs/${encodeURIComponent(from)}/diff/${encodeURIComponent(to)}`, { query })
  for (const type of ['two_dot', 'three_dot']) {
    await diff('left', 'right', { type })
    await diff('right', 'left', { type })
    await diff('main', 'right', { type })
    await diff('right', 'main', { type })
    await diff('left', 'left', { type })
    await diff('left', 'right', { type, prefix: 'c/' })
    await diff('left', 'right', { type, delimiter: '/' })
    await diff('left', 'right', { type, delimiter: '/', after: 'c/' })
    await diff('left', 'right', { type, amount: 2 })
    await diff('left', 'right', { type, amount: 2, after: 'b' })
    await diff('left~1', 'right@', { type })
    await diff('nowhere', 'right', { type })
    await diff('left', 'nowhere', { type })
  }
  await diff('left', 'right')
  await diff('left', 'right', { type: 'four_dot' })
}

async function commits(session: Session) {
  const { call } = session
  await createRepository(session)
  await commit(session, 'main', 'nothing to commit')
  await commit(session, 'main', 'empty on purpose', { allow_empty: true })
  await commit(session, 'main', 'empty again', { allow_empty: true })
  await put(session, 'main', 'a', '1')
  await commit(session, 'main', 'with all', { metadata: { k: 'v', ä: 'ü' }, date: 1_700_000_000 })
  await call('GET', '/commits/main')
  await commit(session, 'main', 'nothing again')
  await put(session, 'main', 'a', '2')
  await commit(session, 'main', '')
  await remove(session, 'main', 'a')
  await commit(session, 'main', 'all gone')
  await call('GET', '/refs/main/objects/ls')
  await commit(session, 'nowhere', 'x')
  await commit(session, 'a.b', 'x')
  await call('POST', '/branches/main/commits', { json: {} })
  await call('POST', '/branches/main/commits', { json: { message: 1 } })
  await call('POST', '/branches/main/commits', { json: { message: 'x', metadata: { a: 1 } } })
  await call('POST', '/branches/main/commits')
  await call('GET', '/refs/main/commits')
}

async function protection(session: Session) {
  const { call } = session
  const rules = '/settings/branch_protection'
  await createRepository(session)
  await call('GET', rules)
  await call('PUT', rules, { json: [{ pattern: 'x*' }] })
  const { headers } = await call('GET', rules)
  await call('PUT', rules, { json: [{ pattern: '[!_]*' }], headers: { 'if-match': headers.get('etag')! } })
  await call('PUT', rules, { json: [{ pattern: 'x' }], headers: { 'if-match': 'something' } })
  await call('PUT', rules, { json: [{ pattern: 'x' }], headers: { 'if-match': headers.get('etag')! } })
  await call('PUT', rules, { json: [{}] })
  await call('GET', rules)
  await put(session, 'main', 'a', '1')
  await put(session, 'main', 'a', '1', { 'if-none-match': '*' })
  await remove(session, 'main', 'a')
  await commit(session, 'main', 'x')
  await call('PUT', '/branches/main', { json: { type: 'reset' } })
  await call('PUT', '/branches/main/hard_reset', { query: { ref: 'main' } })
  await branch(session, '_run')
  await put(session, '_run', 'a', '1')
  await commit(session, '_run', 'y')
  await call('POST', '/refs/_run/merge/main', { json: {} })
  await call('GET', '/refs/main/objects', { query: { path: 'a' } })
  await branch(session, 'v1')
  await put(session, 'v1', 'a', '2')
  await call('POST', '/branches/v1/revert', { json: { ref: 'v1~1', parent_number: 0 } })
  await call('POST', '/branches/v1/cherry-pick', { json: { ref: '_run' } })
  await call('DELETE', '/branches/v1')
  await put(session, 'nowhere', 'a', '1')
}

export const objectScenarios: Record<string, Scenario> = {
  uploads,
  reads,
  listings,
  staging,
  diffs,
  commits,
  protection,
}
