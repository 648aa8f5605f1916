import { readdirSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { LoadedTest, Suite } from './vitest-shim.ts'

/**
 * A test runner for Stryker that loads the tests once and calls them again for every mutant, which costs milliseconds; a worker of vitest, which imports
 * them anew, costs half a second. A mutant counts as killed only if the test that failed passes again without it: so a test that was
 * broken by an earlier mutant kills none.
 */

const folder = 'test/unit/gate'
/** Tests that start a platform of servers, as their first import says, are left out. */
const startsPlatform = /import \{[^}]*\bmakeEnvironment\b/

/** ms after which a test that waits for something is a failed one. */
const patience = 30_000

/** What Stryker's instrumented code and its test runners tell each other. */
interface Namespace {
  activeMutant?: string
  currentTestId?: string
  hitCount?: number
  hitLimit?: number
  mutantCoverage?: unknown
}
const namespace: Namespace = {}
Object.assign(globalThis, { __stryker__: namespace })

const shim = new URL('./vitest-shim.ts', import.meta.url).href

/** Modules that hold mutants, and the tests of them, are loaded anew for a mutant of what runs when a module is loaded. */
const isReloaded = (url: string, root: string): boolean =>
  ['lib/gate/', 'test/unit/'].some(part => url.startsWith(`${root}${part}`))

function register(root: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'vitest') return { url: shim, shortCircuit: true }
      const found = next(specifier === 'vitest?real' ? 'vitest' : specifier, context)
      const turn = /\?turn=\d+$/.exec(context.parentURL ?? '')?.[0]
      return turn && isReloaded(found.url, root) ? { ...found, url: `${found.url}${turn}` } : found
    },
  })
}

const describeError = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Suites from the outermost to a test's own. */
function suitesOf(suite: Suite | undefined): Suite[] {
  return suite ? [...suitesOf(suite.parent), suite] : []
}

async function callAll(suites: Suite[], kind: keyof Suite['hooks']): Promise<void> {
  for (const { hooks } of suites) for (const work of hooks[kind]) await work()
}

/** Errors that nobody waits for, since the last test began. */
const stray: unknown[] = []
process.on('unhandledRejection', error => stray.push(error))

/** Runs one test; what it failed with, or undefined. */
async function run({ id, suite, work }: LoadedTest): Promise<string | undefined> {
  const suites = suitesOf(suite)
  const waiting = new AbortController()
  stray.length = 0
  try {
    for (const one of suites) {
      if (!one.isReady) await callAll([one], 'beforeAll')
      one.isReady = true
    }
    namespace.currentTestId = id
    const late = sleep(patience, undefined, { signal: waiting.signal }).then(
      () => Promise.reject(new Error(`took longer than ${patience} ms`)),
      () => {},
    )
    const done = (async () => {
      await callAll(suites, 'beforeEach')
      await work()
      await callAll(suites, 'afterEach')
    })()
    await Promise.race([done, late])
    return stray.length > 0 ? describeError(stray[0]) : undefined
  } catch (error) {
    return describeError(error)
  } finally {
    waiting.abort()
    namespace.currentTestId = undefined
  }
}

interface MutantRun {
  activeMutant: { id: string; fileName: string }
  mutantActivation: 'static' | 'runtime'
  reloadEnvironment: boolean
  testFilter?: string[]
  hitLimit?: number
}

class InProcessRunner {
  private tests: LoadedTest[] = []
  private turn = 0

  capabilities() {
    return { reloadEnvironment: true }
  }

  async init(): Promise<void> {
    register(`${pathToFileURL(process.cwd()).href}/`)
    // Vitest sets it too.
    process.env.NODE_ENV = 'test'
  }

  /** The tests, file by file as they are asked for; those files first that import the given one. */
  private async *loadFiles(mutated = ''): AsyncGenerator<LoadedTest[]> {
    const { load } = (await import(shim)) as typeof import('./vitest-shim.ts')
    const turn = this.turn++
    const files = readdirSync(folder)
      .filter(name => name.endsWith('.test.ts'))
      .map(name => ({ path: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }))
      .filter(({ text }) => !startsPlatform.test(text))
    const isNear = ({ text }: { text: string }) => Number(mutated !== '' && text.includes(`/${mutated}'`))
    for (const { path } of files.toSorted((a, b) => isNear(b) - isNear(a)))
      yield load(path, `${pathToFileURL(resolve(path)).href}?turn=${turn}`)
  }

  private async load(): Promise<LoadedTest[]> {
    return (await Array.fromAsync(this.loadFiles())).flat()
  }

  async dryRun() {
    this.tests = await this.load()
    const results = []
    for (const test of this.tests) {
      const begin = performance.now()
      const failure = await run(test)
      const timeSpentMs = performance.now() - begin
      const about = { id: test.id, name: test.id, fileName: resolve(test.file), timeSpentMs }
      results.push(failure === undefined ? { ...about, status: 0 } : { ...about, status: 1, failureMessage: failure })
    }
    return { status: 'complete', tests: results, mutantCoverage: namespace.mutantCoverage }
  }

  async mutantRun({ activeMutant: { id, fileName }, mutantActivation, testFilter, hitLimit }: MutantRun) {
    const isStatic = mutantActivation === 'static'
    Object.assign(namespace, { hitCount: 0, hitLimit, activeMutant: undefined })
    if (this.tests.length === 0) this.tests = await this.load()
    const wanted = testFilter && new Set(testFilter)
    const runWith = async (test: LoadedTest) => {
      namespace.activeMutant = id
      const failure = await run(test)
      namespace.activeMutant = undefined
      return failure
    }
    let ran = 0
    // A mutant of what runs when a module is loaded is there before the tests are.
    if (isStatic) namespace.activeMutant = id
    const files = isStatic ? this.loadFiles(basename(fileName)) : [this.tests]
    try {
      for await (const tests of files) {
        for (const test of tests) {
          if (wanted && !wanted.has(test.id)) continue
          ran++
          const failureMessage = await runWith(test)
          if (failureMessage === undefined) continue
          if (hitLimit !== undefined && namespace.hitCount! > hitLimit) return { status: 'timeout' }
          const killed = { status: 'killed', killedBy: [test.id], failureMessage, nrOfTests: ran }
          const find = () => this.tests.find(other => other.id === test.id)!
          if ((await run(find())) === undefined) return killed
          // Broken by a mutant, this one or another: only a fresh start tells.
          this.tests = await this.load()
          const again = isStatic ? undefined : await runWith(find())
          this.tests = await this.load()
          if (again !== undefined) return { ...killed, failureMessage: again }
        }
        if (isStatic) namespace.activeMutant = id
      }
    } catch (error) {
      // A test file that cannot even be loaded.
      return { status: 'killed', killedBy: ['load'], failureMessage: describeError(error), nrOfTests: ran }
    } finally {
      namespace.activeMutant = undefined
    }
    return { status: 'survived', nrOfTests: ran }
  }

  async dispose(): Promise<void> {}
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', injectableClass: InProcessRunner }]
