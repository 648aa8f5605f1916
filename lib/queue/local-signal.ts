/** Wakes whoever waits. */
export interface Signal {
  /** Resolves at the next `wake`, or after that many ms. */
  wait(milliseconds: number): Promise<void>
  wake(): void
}

/** A signal that nobody waits for yet. A wake is not kept for later: a waiter looks for work before it waits. */
export function createSignal(): Signal {
  const waiting = new Set<() => void>()
  return {
    wait: milliseconds =>
      new Promise(resolve => {
        const end = () => {
          clearTimeout(timer)
          waiting.delete(end)
          resolve()
        }
        const timer = setTimeout(end, milliseconds)
        waiting.add(end)
      }),
    wake() {
      for (const end of [...waiting]) end()
    },
  }
}
