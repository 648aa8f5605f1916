import { branch, commit, createRepository, merge, put, type Scenario } from './lakefs-scenarios-refs.ts'

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
    // Of two objects with one content on both sides of a merge, the layout of lakeFS's files decides which is kept.
    session.forgetAddresses()
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
      await call('GET', `/refs/${name}/objects/ls`)
      await call('GET', `/refs/${name}/commits`)
    }
  }
