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

/** A seeded series of pseudo-random numbers in [0, 1) (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A random series of operations. It depends on nothing but the seed, so that two servers get the same. */
export const fuzz =
  (seed: number, steps = 50): Scenario =>
  async session => {
    const { call } = session
    const random = createRandom(seed)
    const below = (count: number): number => Math.floor(random() * count)
    const pick = <T>(items: readonly T[]): T => items[below(items.length)]!
    const paths = ['a', 'a/1', 'a/2', 'a/b/1', 'b', 'b-', 'b/1', 'c/1', 'c/2', 'd', '_x/1', 'é/1']
    const names = ['main', 'one', 'two', 'three']
    const suffixes = ['', '', '', '@', '~1', '~2', '^2', '^1~1']
    const ref = (): string => pick(names) + pick(suffixes)
    const inPath = (): string => encodeURIComponent(ref())
    let count = 0
    // Contents never agree between paths: lakeFS's merge looks at the next path's content where one is missing, and may drop an object.
    const write = (name: string, path = pick(paths)) => put(session, name, path, `${path} ${below(3)}`)
    const operations: [number, () => Promise<unknown>][] = [
      [12, () => write(pick(names))],
      [5, () => call('DELETE', `/branches/${pick(names)}/objects`, { query: { path: pick(paths) } })],
      [8, () => commit(session, pick(names), `commit ${count++}`, random() < 0.1 ? { allow_empty: true } : {})],
      [
        8,
        () =>
          merge(session, ref(), pick(names), {
            message: `merge ${count++}`,
            ...(random() < 0.3 ? { strategy: pick(['dest-wins', 'source-wins']) } : {}),
            ...(random() < 0.15 ? { squash_merge: true } : {}),
            ...(random() < 0.1 ? { allow_empty: true } : {}),
          }),
      ],
      [
        3,
        () =>
          call('POST', `/branches/${pick(names)}/revert`, {
            json: {
              ref: ref(),
              parent_number: below(3),
              allow_empty: random() < 0.2,
              commit_overrides: { message: `revert ${count++}` },
            },
          }),
      ],
      [
        2,
        () =>
          call('POST', `/branches/${pick(names)}/cherry-pick`, {
            json: {
              ref: ref(),
              commit_overrides: { message: `pick ${count++}`, metadata: { x: 'y' } },
              ...(random() < 0.5 ? { parent_number: 1 + below(2) } : {}),
            },
          }),
      ],
      [1, () => call('PUT', `/branches/${pick(names)}/hard_reset`, { query: { ref: ref() } })],
      [
        1,
        () =>
          call('PUT', `/branches/${pick(names)}`, {
            json: pick([
              { type: 'reset' },
              { type: 'object', path: pick(paths) },
              { type: 'common_prefix', path: pick(['a', 'a/', 'b', 'c/']) },
            ]),
          }),
      ],
      [1, () => call('DELETE', `/branches/${pick(names.slice(1))}`)],
      [3, () => branch(session, pick(names), ref())],
      [2, () => call('POST', '/tags', { json: { id: pick(['t1', 't2', 'one']), ref: ref() } })],
      [
        6,
        () =>
          call('GET', `/refs/${inPath()}/objects/ls`, {
            query: {
              ...(random() < 0.5 ? { delimiter: '/' } : {}),
              ...(random() < 0.3 ? { prefix: pick(['a', 'a/', 'b']) } : {}),
              ...(random() < 0.3 ? { after: pick(paths) } : {}),
              ...(random() < 0.3 ? { amount: 1 + below(3) } : {}),
            },
          }),
      ],
      [5, () => call('GET', `/refs/${inPath()}/objects`, { query: { path: pick(paths) } })],
      [
        6,
        () =>
          call('GET', `/refs/${inPath()}/diff/${inPath()}`, {
            query: {
              type: pick(['two_dot', 'three_dot']),
              ...(random() < 0.3 ? { delimiter: '/' } : {}),
              ...(random() < 0.2 ? { prefix: pick(['a', 'b/']) } : {}),
              ...(random() < 0.2 ? { after: pick(paths) } : {}),
            },
          }),
      ],
      [
        4,
        () =>
          call('GET', `/branches/${pick(names)}/diff`, {
            query: { ...(random() < 0.3 ? { delimiter: '/' } : {}), ...(random() < 0.2 ? { after: pick(paths) } : {}) },
          }),
      ],
      [
        3,
        () =>
          call('GET', `/refs/${inPath()}/commits`, {
            query: {
              ...(random() < 0.3 ? { objects: pick(paths) } : {}),
              ...(random() < 0.3 ? { prefixes: pick(['a/', 'b']) } : {}),
              ...(random() < 0.3 ? { first_parent: true } : {}),
              ...(random() < 0.3 ? { amount: 2 } : {}),
            },
          }),
      ],
      [2, () => call('GET', `/refs/${inPath()}/merge/${inPath()}`)],
    ]
    const total = operations.reduce((sum, [weight]) => sum + weight, 0)
    await createRepository(session)
    for (let index = 0; index < 5; index++) await write('main')
    await commit(session, 'main', 'start')
    for (const name of names.slice(1)) await branch(session, name)
    for (let step = 0; step < steps; step++) {
      let left = random() * total
      const [, operation] = operations.find(([weight]) => {
        left -= weight
        return left < 0
      })!
      await operation()
    }
    for (const name of names) {
      await list(session, name)
      await call('GET', `/refs/${name}/commits`)
    }
  }

export const mergeScenarios: Record<string, Scenario> = { merges, conflicts, reverts, cherryPicks, hardResets }
