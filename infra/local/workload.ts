import { setTimeout as sleep } from 'node:timers/promises'

/** What is going on in a platform: enough to say when all is done. */
export interface Workload {
  /** Counts as work until it settles. */
  track<Result>(work: () => Promise<Result>): Promise<Result>
  /** True when nothing runs and no message waits, for now or for later. */
  isIdle(): boolean
  /** Resolves when `isIdle` holds, or after `timeoutMs`; says which. */
  waitUntilIdle(options?: { timeoutMs?: number }): Promise<boolean>
}

/**
 * `countMessages` counts the messages of all work queues: visible, delayed, in flight. It is synchronous, so that no message moves from a
 * queue that is not yet counted to one that is.
 */
export function createWorkload({
  countMessages,
  pauseMs = 20,
}: {
  countMessages: () => number
  pauseMs?: number
}): Workload {
  let running = 0

  const isIdle = (): boolean => running === 0 && countMessages() === 0

  return {
    async track(work) {
      running++
      try {
        return await work()
      } finally {
        running--
      }
    },
    isIdle,
    async waitUntilIdle({ timeoutMs = Number.POSITIVE_INFINITY } = {}) {
      const end = performance.now() + timeoutMs
      while (!isIdle()) {
        if (performance.now() >= end) return false
        await sleep(pauseMs)
      }
      return true
    },
  }
}
