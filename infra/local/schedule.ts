import { randomUUID } from 'node:crypto'
import type { ScheduleEvent } from '../../events/landing.ts'

/**
 * Invokes at once, to look at everything, and then every `everySeconds`, never twice at a time, as EventBridge does but for the first. Returns what ends it,
 * which resolves when the invocation in flight is over.
 */
export function startSchedule({
  invoke,
  everySeconds,
  now,
}: {
  /** Must not reject. */
  invoke: (event: ScheduleEvent) => Promise<void>
  /** 0: only at once. */
  everySeconds: number
  now: () => Date
}): { stop(): Promise<void> } {
  let current: Promise<void> | undefined
  function tick(everything = false): void {
    const event = { source: 'aws.events', id: randomUUID(), time: now().toISOString(), detail: { everything } } as const
    current ??= invoke(event).finally(() => {
      current = undefined
    })
  }
  tick(true)
  const timer = everySeconds > 0 ? setInterval(() => tick(), everySeconds * 1000) : undefined
  return {
    async stop() {
      clearInterval(timer)
      await current
    },
  }
}
