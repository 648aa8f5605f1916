import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalQueue } from '../../lib/queue/local.ts'
import { deliverBatch, type MappingOptions } from './event-source-mapping.ts'

/** One message that was worked on. */
export interface Step {
  queue: string
  messageId: string
  body: string
}

/**
 * Works on exactly one message: for tests that stop after each, and for those that choose which queue comes next. Looks at the queues in
 * the given order, waits where all messages are delayed, and gives undefined when there are none left.
 */
export async function deliverOne(mappings: (MappingOptions & { queue: LocalQueue })[]): Promise<Step | undefined> {
  for (;;) {
    for (const mapping of mappings) {
      const { queue, visibilitySeconds } = mapping
      const messages = await queue.receive({ max: 1, waitSeconds: 0, visibilitySeconds })
      if (messages.length === 0) continue
      await deliverBatch(mapping, messages)
      return { queue: queue.name, messageId: messages[0]!.messageId, body: messages[0]!.body }
    }
    if (mappings.every(({ queue }) => queue.nextVisibleAt() === undefined)) return undefined
    await sleep(10)
  }
}
