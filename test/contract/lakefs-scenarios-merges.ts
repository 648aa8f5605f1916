import type { Session } from './lakefs-exchange.ts'
import { branch, commit, commitAll, createRepository, merge, put, type Scenario } from './lakefs-scenarios-refs.ts'

const list = ({ call }: Session, ref: string) => call('GET', `/refs/${ref}/objects/ls`)
const base = { a: '1', b: '1', 'c/1': '1', 'c/2': '1', d: '1' }

async function merges(session: Session) {
  const { call } = session
  await createRepository(session)
  await commitAll(session, 'main', base, 'base')
  await branch(session, 'side')
  await merge(session, 'side', 'main')
  await merge(session, 'main', 'main')
  await merge(session, 'side', 'main', { allow_empty: true, message: 'empty' })
  await commitAll(session, 'side', { a: '2', e: '1', 'c/1': null }, 'side')
  await put(session, 'side', 'uncommitted', 'x')
  await merge(session, 'side', 'main', { message: 'first', metadata: { k: 'v' } })
  await call('GET', '/commits/main')
  await list(session, 'main')
  await merge(session, 'side', 'main')
  await commitAll(session, 'main', { b: '2', f: '1' }, 'main')
  await commit(session, 'side', 'rest')
  await merge(session, 'side', 'main')
  await call('GET', '/commits/main')
  await list(session, 'main')
  await put(session, 'main', 'dirty', 'x')
  await commitAll(session, 'side', { g: '1' }, 'more')
  await merge(session, 'side', 'main')
  await call('PUT', '/branches/main', { json: { type: 'reset' } })
  await merge(session, 'side', 'main', { squash_merge: true, message: 'squashed' })
  await call('GET', '/commits/main')
  await merge(session, 'side', 'main')
  await merge(session, 'nowhere', 'main')
  await merge(session, 'side', 'nowhere')
  await merge(session, 'side', 'a.b')
  await merge(session, 'side', 'main~1')
  await merge(session, 'side', 'main', { strategy: 'nonsense' })
  await merge(session, 'side', 'main', { message: 7 })
  await call('POST', '/refs/side/merge/main')
  await commitAll(session, 'side', { h: '1' }, 'by commit')
  const { json } = await call('GET', '/branches/side')
  await merge(session, json.commit_id!, 'main')
  await call('POST', '/tags', { json: { id: 't1', ref: 'main~1' } })
  await merge(session, 't1', 'side')
}

async function conflicts(session: Session) {
  const { call } = session
  await createRepository(session)
  await commitAll(session, 'main', base, 'base')
  for (const name of ['ours', 'theirs']) await branch(session, name)
  await commitAll(
    session,
    'ours',
    { a: 'ours', b: null, 'c/1': 'ours', 'c/2': 'same', d: null, e: 'ours', f: 'same' },
    'ours',
  )
  await commitAll(
    session,
    'theirs',
    { a: 'theirs', b: 'theirs', 'c/1': null, 'c/2': 'same', d: null, e: 'theirs', f: 'same', g: 'x' },
    'theirs',
  )
  await merge(session, 'theirs', 'ours')
  await list(session, 'ours')
  for (const strategy of ['dest-wins', 'source-wins']) {
    const name = strategy.replace('-', '_')
    await branch(session, name, 'ours')
    await merge(session, 'theirs', name, { strategy })
    await call('GET', `/commits/${name}`)
    await list(session, name)
  }
  await branch(session, 'later', 'ours')
  await commitAll(session, 'later', { a: 'theirs', b: 'theirs', 'c/1': null, e: 'theirs' }, 'give in')
  await merge(session, 'theirs', 'later')
  await list(session, 'later')
  // Metadata and content type count; path, time and place do not.
  for (const name of ['typed', 'tagged', 'again']) await branch(session, name)
  await put(session, 'typed', 'a', '1', { 'content-type': 'text/csv' })
  await put(session, 'tagged', 'a', '1', { 'x-lakefs-meta-k': 'v' })
  await put(session, 'again', 'new', 'same')
  for (const name of ['typed', 'tagged', 'again']) await commit(session, name, name)
  await commitAll(session, 'main', { new: 'same' }, 'the same elsewhere')
  await merge(session, 'again', 'main')
  await merge(session, 'typed', 'main')
  await merge(session, 'tagged', 'main')
  await call('GET', '/refs/main/objects/stat', { query: { path: 'a' } })
}

async function reverts(session: Session) {
  const { call } = session
  const revert = (name: string, json: object) => call('POST', `/branches/${name}/revert`, { json })
  await createRepository(session)
  await commitAll(session, 'main', base, 'base')
  await commitAll(session, 'main', { a: '2', x: '1' }, 'change')
  await commitAll(session, 'main', { b: '2' }, 'other')
  await revert('main', { ref: 'main~1', parent_number: 0 })
  await call('GET', '/commits/main')
  await list(session, 'main')
  await revert('main', { ref: 'main~2', parent_number: 0 })
  await revert('main', { ref: 'main~2', parent_number: 0, allow_empty: true })
  await revert('main', {
    ref: 'main',
    parent_number: 1,
    commit_overrides: { message: 'mine', metadata: { k: 'v' } },
    allow_empty: true,
  })
  await call('GET', '/commits/main')
  await revert('main', { ref: 'main', parent_number: 2 })
  await revert('main', { ref: 'main', parent_number: -1 })
  await revert('main', { ref: 'nowhere', parent_number: 0 })
  await revert('nowhere', { ref: 'main', parent_number: 0 })
  await revert('main', { ref: 'main' })
  await revert('main', { parent_number: 0 })
  await commitAll(session, 'main', { b: '3' }, 'later')
  await revert('main', { ref: 'main~4', parent_number: 0 })
  await put(session, 'main', 'dirty', 'x')
  await revert('main', { ref: 'main', parent_number: 0 })
  await commit(session, 'main', 'clean')
  await branch(session, 'side')
  await commitAll(session, 'side', { s: '1' }, 'side')
  await commitAll(session, 'main', { m: '1' }, 'main')
  await merge(session, 'side', 'main')
  await revert('main', { ref: 'main', parent_number: 0 })
  await revert('main', { ref: 'main', parent_number: 3 })
  await revert('main', { ref: 'main', parent_number: 1 })
  await list(session, 'main')
  await branch(session, 'first')
  const { json } = await call('GET', '/refs/main/commits', { query: { first_parent: true } })
  const log = json.results as unknown as { id: string }[]
  await revert('first', { ref: log.at(-1)!.id, parent_number: 0 })
}

async function cherryPicks(session: Session) {
  const { call } = session
  const pick = (name: string, json: object) => call('POST', `/branches/${name}/cherry-pick`, { json })
  await createRepository(session)
  await commitAll(session, 'main', base, 'base')
  await branch(session, 'side')
  await put(session, 'side', 's', '1')
  await commit(session, 'side', 'one')
  await commitAll(session, 'side', { a: 'side' }, 'two')
  await commitAll(session, 'main', { b: 'main' }, 'main')
  await pick('main', { ref: 'side~1' })
  await pick('main', { ref: 'side~1' })
  await pick('main', { ref: 'side', commit_overrides: { message: 'mine', metadata: { x: 'y' } } })
  await list(session, 'main')
  await commitAll(session, 'main', { a: 'main' }, 'conflict')
  await commitAll(session, 'side', { a: 'side again' }, 'conflict')
  await pick('main', { ref: 'side' })
  await pick('main', { ref: 'nowhere' })
  await pick('nowhere', { ref: 'side' })
  await pick('main', {})
  await pick('main', { ref: 'side', parent_number: 0 })
  await pick('main', { ref: 'side', parent_number: 2 })
  await pick('main', { ref: 'main~9' })
  await put(session, 'main', 'dirty', 'x')
  await pick('main', { ref: 'side~2' })
  await commit(session, 'main', 'clean')
  await branch(session, 'merged', 'side')
  await merge(session, 'main', 'merged', { strategy: 'source-wins' })
  await branch(session, 'target', 'side~2')
  await pick('target', { ref: 'merged' })
  await pick('target', { ref: 'merged', parent_number: 1, commit_overrides: { metadata: { x: 'y' } } })
  await list(session, 'target')
  // lakeFS writes the metadata of the new commit into its copy of the old one too, and then may not find that one any more: so it is the last.
  await branch(session, 'last', 'main')
  await put(session, 'last', 'last', '1')
  await commit(session, 'last', 'with metadata', { metadata: { k: 'v' } })
  await pick('main', { ref: 'last' })
}

async function hardResets(session: Session) {
  const { call } = session
  const reset = (name: string, ref: string) => call('PUT', `/branches/${name}/hard_reset`, { query: { ref } })
  await createRepository(session)
  await commitAll(session, 'main', { a: '1' }, 'one')
  await commitAll(session, 'main', { a: '2' }, 'two')
  await reset('main', 'main~1')
  await call('GET', '/refs/main/commits')
  await call('GET', '/refs/main/objects', { query: { path: 'a' } })
  await put(session, 'main', 'b', '1')
  await reset('main', 'main~1')
  await call('GET', '/branches/main/diff')
  await reset('main', 'nowhere')
  await reset('nowhere', 'main')
  await call('PUT', '/branches/main/hard_reset')
}

export const mergeScenarios: Record<string, Scenario> = { merges, conflicts, reverts, cherryPicks, hardResets }
