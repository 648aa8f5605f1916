/** What tests import as `vitest` where the mutation runner loads them: their suites are kept, to be run again for every mutant. */

// What vitest's own worker keeps there; expect asks for no more than this.
Object.assign(globalThis, { __vitest_worker__: { config: { expect: {}, snapshotOptions: {} } } })
const { expect, vi } = await import('vitest?real' as string)

export { expect, vi }

type Work = () => unknown

export interface Suite {
  name: string
  parent: Suite | undefined
  hooks: Record<'beforeAll' | 'beforeEach' | 'afterEach', Work[]>
  isReady: boolean
}

export interface LoadedTest {
  id: string
  file: string
  suite: Suite
  work: Work
}

const makeSuite = (name: string, parent?: Suite): Suite => ({
  name,
  parent,
  hooks: { beforeAll: [], beforeEach: [], afterEach: [] },
  isReady: false,
})

let current = makeSuite('')
let file = ''
let loaded: LoadedTest[] = []

/** Loads a test file. Resolves with its tests, in their order. */
export async function load(name: string, url: string): Promise<LoadedTest[]> {
  current = makeSuite('')
  file = name
  loaded = []
  await import(url)
  return loaded
}

/** Calls with each case's values, as vitest's `each` does; the number of a case tells its name from the others'. */
const eachOf =
  (declare: (name: string, work: (...values: unknown[]) => unknown) => void) =>
  (cases: readonly unknown[]) =>
  (name: string, work: (...values: unknown[]) => unknown) => {
    for (const [at, values] of cases.entries())
      declare(`${name} [${at}]`, () => (Array.isArray(values) ? work(...values) : work(values)))
  }

function declareSuite(name: string, work: Work): void {
  const outer = current
  current = makeSuite(name, outer)
  work()
  current = outer
}

function declareTest(name: string, ...rest: unknown[]): void {
  const work = rest.find(item => typeof item === 'function') as Work
  const names = [name]
  for (let suite: Suite | undefined = current; suite?.name; suite = suite.parent) names.unshift(suite.name)
  loaded.push({ id: `${file}#${names.join(' > ')}`, file, suite: current, work })
}

const hook = (kind: keyof Suite['hooks']) => (work: Work) => {
  current.hooks[kind].push(work)
}

export const describe = Object.assign(declareSuite, { each: eachOf(declareSuite) })
export const it = Object.assign(declareTest, { each: eachOf(declareTest) })
export const test = it
export const beforeAll = hook('beforeAll')
export const beforeEach = hook('beforeEach')
export const afterEach = hook('afterEach')
/** Nothing is ever over: the next mutant needs it again. */
export const afterAll = (): void => {}
