import { exitCodes } from './failure.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ctrl-C reaches this process from the terminal and once more from each program that stands between, npm and our own launcher: signals that come
 * this close together, in ms, are one.
 */
const togetherMs = 700

/** Calls `stop` at the first interruption; a second one ends the process at once. Returns what takes this back. */
export function onInterrupt(stop: () => void): () => void {
  let first: number | undefined
  function interrupt(): void {
    if (first === undefined) {
      first = performance.now()
      stop()
    } else if (performance.now() - first > togetherMs) process.exit(exitCodes.interrupted)
  }
  for (const signal of signals) process.on(signal, interrupt)
  return () => {
    for (const signal of signals) process.off(signal, interrupt)
  }
}
