import { join } from 'node:path'
import type { Queues } from '../../lib/environment.ts'
import type { DeadLetterPair } from '../../lib/queue/dead-letters.ts'
import { type LocalQueue, openLocalQueues } from '../../lib/queue/local.ts'
import { maxReceiveCount, plainQueueName, type QueueFedFunction, queueFedFunctions } from './functions.ts'

/** Messages that were given up after too many tries. */
export interface DeadLetters {
  /** Of the dead-letter queue. */
  queue: string
  count: number
}

export interface PlatformQueues {
  /** By what is read from them. */
  bySource: Record<keyof Queues, LocalQueue>
  /** Messages in all work queues: visible, delayed, in flight. */
  count(): number
  deadLetters(): DeadLetters[]
  /** Each work queue with its dead-letter queue. */
  pairs: DeadLetterPair[]
  close(): void
}

const deadLetterName = (queue: string): string =>
  queue.endsWith('.fifo') ? `${queue.slice(0, -5)}-dlq.fifo` : `${queue}-dlq`

/** Longer than the function may take, so that no message is handed out twice at a time. */
export const visibilitySeconds = ({ timeoutSeconds }: QueueFedFunction): number => timeoutSeconds + 60

/**
 * Opens the platform's queues, each with its dead-letter queue. What was in flight when the last process ended is visible again: the
 * caller holds the folder's lock, so nobody works on it.
 */
export function openPlatformQueues({ folder, now }: { folder: string; now: () => Date }): PlatformQueues {
  const settings = queueFedFunctions.flatMap(work => [
    {
      name: work.queueName,
      fifo: work.fifo,
      visibilitySeconds: visibilitySeconds(work),
      maxReceives: maxReceiveCount,
      deadLetter: deadLetterName(work.queueName),
    },
    { name: deadLetterName(work.queueName), fifo: work.fifo },
  ])
  const queues = openLocalQueues({ path: join(folder, 'queues.sqlite'), queues: settings, now: () => now().getTime() })
  queues.releaseInFlight()
  const work = queueFedFunctions.map(({ source, queueName }) => ({ source, queue: queues.queue(queueName) }))
  const dead = queueFedFunctions.map(({ queueName }) => queues.queue(deadLetterName(queueName)))
  const depthOf = (queue: LocalQueue): number => {
    const { visible, inFlight, delayed } = queue.depth()
    return visible + inFlight + delayed
  }
  return {
    bySource: Object.fromEntries(work.map(({ source, queue }) => [source, queue])) as Record<keyof Queues, LocalQueue>,
    count: () => work.reduce((sum, { queue }) => sum + depthOf(queue), 0),
    deadLetters: () =>
      dead.map(queue => ({ queue: queue.name, count: depthOf(queue) })).filter(({ count }) => count > 0),
    pairs: queueFedFunctions.map(work => ({
      source: work.source,
      name: plainQueueName(work),
      function: work.name,
      queue: queues.queue(work.queueName),
      deadLetters: queues.queue(deadLetterName(work.queueName)),
    })),
    close: () => queues.close(),
  }
}
