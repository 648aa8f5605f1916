import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** What one run amounts to; a module that could not be loaded and an error outside every test each count as a failure. */
export interface Total {
  passed: number
  failed: number
  skipped: number
}

/** Counts tests, modules that failed without a failed test of their own, and unhandled errors. */
export function countTotal(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Total {
  const total = { passed: 0, failed: unhandled.length, skipped: 0 }
  for (const module of modules) {
    let failedTests = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') total.passed++
      else if (state === 'skipped') total.skipped++
      else failedTests++
    }
    total.failed += failedTests
    if (failedTests === 0 && module.state() === 'failed') total.failed++
  }
  return total
}

/** Prints `N passed, N failed` as the last line of a run, for readers that count by lines. Runs after `default`. */
export default class TotalReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const { passed, failed, skipped } = countTotal(modules, unhandled)
    const line = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
    // The default reporter prints its summary in its own onTestRunEnd; a later tick keeps this line last.
    process.once('exit', () => process.stdout.write(`${line}\n`))
  }
}
