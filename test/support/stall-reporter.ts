import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { listChildren } from '../../infra/stack/children.ts'

/** Twice the longest time that a test or hook is given: its own time-out comes first wherever one can come. */
const defaultMinutes = 20

/**
 * Ends a run in which a file of tests stands still. A test's own time-out cannot end a loop that never gives control back; without this, such a
 * run is ended by its surroundings long after, and nothing says which test it was. STALL_SECONDS changes how long is waited.
 */
export default class StallReporter implements Reporter {
  private readonly patience = Number(process.env.STALL_SECONDS ?? defaultMinutes * 60) * 1000
  private readonly running = new Map<TestModule, { since: number; last: string }>()
  private timer: NodeJS.Timeout | undefined

  onTestRunStart(): void {
    this.timer = setInterval(() => this.look(), Math.min(10_000, this.patience / 4))
    this.timer.unref()
  }

  onTestModuleStart(module: TestModule): void {
    this.note(module, 'its beginning')
  }

  onTestCaseReady(test: TestCase): void {
    this.note(test.module, `"${test.fullName}"`)
  }

  onTestCaseResult(test: TestCase): void {
    this.note(test.module, `what follows "${test.fullName}"`)
  }

  onTestModuleEnd(module: TestModule): void {
    this.running.delete(module)
  }

  onTestRunEnd(): void {
    clearInterval(this.timer)
  }

  private note(module: TestModule, last: string): void {
    this.running.set(module, { since: Date.now(), last })
  }

  private look(): void {
    const stalled = [...this.running].filter(([, { since }]) => Date.now() - since > this.patience)
    if (stalled.length === 0) return
    for (const [{ relativeModuleId }, { last }] of stalled) {
      console.error(`${relativeModuleId} has stood still for ${this.patience / 1000} s at ${last}: the run is ended`)
    }
    for (const child of listChildren(process.pid)) {
      try {
        process.kill(child, 'SIGKILL')
      } catch {
        // `ps` itself is in the list, and has ended.
      }
    }
    process.exit(1)
  }
}
