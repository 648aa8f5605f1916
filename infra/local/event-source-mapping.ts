/**
 * What stands between a queue and a function in Lambda: an event source mapping. It polls, makes batches, invokes, deletes what did
 * not fail, and leaves what failed to its visibility time-out.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SqsEvent } from '../../events/sqs.ts'
import type { Log } from '../../lib/log.ts'
import type { Queue, ReceivedMessage } from '../../lib/queue/queue.ts'
import { type FunctionContext, invokeFunction } from './invoke.ts'

export type QueueHandler = (event: SqsEvent, context: FunctionContext) => Promise<unknown>

/** A function and the queue that feeds it. */
export interface MappingOptions {
  queue: Queue
  handler: QueueHandler
  /** The function's name: for the log. */
  name: string
  /** Messages an invocation takes at most, 1 to 10. */
  batchSize?: number
  /** Invocations at the same time. */
  maximumConcurrency?: number
  /** Of one invocation. */
  timeoutSeconds?: number
  /** Of a received message; longer than the function's time-out, or a slow function gets its message twice. */
  visibilitySeconds?: number
  /** How long one poll waits for a message. */
  waitSeconds?: number
  log: Log
}

export interface Mapping {
  /** Takes no further messages; resolves when every invocation in flight has ended and its messages are settled. */
  stop(): Promise<void>
  /** As if the process had died: whatever is in flight is abandoned, nothing more is deleted. */
  kill(): void
}

/** Invokes the function with one batch and deletes what did not fail. `isAbandoned` is asked before anything is deleted. */
export async function deliverBatch(
  { queue, handler, name, timeoutSeconds = 900, log }: MappingOptions,
  messages: ReceivedMessage[],
  isAbandoned: () => boolean = () => false,
): Promise<void> {
  let failed: Set<string>
  try {
    const response = await invokeFunction(handler, toSqsEvent(queue, messages), { name, timeoutSeconds })
    failed = readFailures(response, messages)
    if (failed.size > 0) log.warn('messages failed', { function: name, failed: failed.size, of: messages.length })
  } catch (error) {
    failed = new Set(messages.map(({ messageId }) => messageId))
    log.error('function failed', { function: name, error: nameOf(error), of: messages.length })
  }
  if (isAbandoned()) return
  for (const { messageId, receiptHandle } of messages) {
    if (failed.has(messageId)) continue
    try {
      await queue.delete(receiptHandle)
    } catch (error) {
      // The message comes again, and the function finds its work done.
      log.warn('message not deleted', { function: name, messageId, error: nameOf(error) })
    }
  }
}

/** The event that Lambda makes of messages. Attributes are text there, whatever they hold. */
export function toSqsEvent(queue: Queue, messages: ReceivedMessage[]): SqsEvent {
  const Records = messages.map(
    ({ messageId, receiptHandle, body, receiveCount, groupId, deduplicationId, sentAt }) => ({
      messageId,
      receiptHandle,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: String(sentAt.getTime()),
        SenderId: 'studylake',
        ApproximateFirstReceiveTimestamp: String(sentAt.getTime()),
        ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
        ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId }),
      },
      messageAttributes: {},
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:local:000000000000:${queue.name}`,
      awsRegion: 'local',
    }),
  )
  // The schema turns the receive count into a number; on the wire it is text.
  return { Records } as unknown as SqsEvent
}

/**
 * Which messages an answer reports as failed. As in Lambda, no answer and no list mean that all went well; a list with an id that
 * is empty, of another type or of none of the messages means that none did.
 */
export function readFailures(response: unknown, messages: ReceivedMessage[]): Set<string> {
  const all = new Set(messages.map(({ messageId }) => messageId))
  if (response === undefined || response === null) return new Set()
  if (typeof response !== 'object') return all
  const list = (response as { batchItemFailures?: unknown }).batchItemFailures
  if (list === undefined || list === null) return new Set()
  if (!Array.isArray(list)) return all
  const failed = new Set<string>()
  for (const item of list) {
    const id: unknown = (item as { itemIdentifier?: unknown } | null)?.itemIdentifier
    if (typeof id !== 'string' || !all.has(id)) return all
    failed.add(id)
  }
  return failed
}

/** Starts polling. FIFO queues give one batch of a group at a time; a received batch of several groups is invoked group by group. */
export function startMapping(options: MappingOptions): Mapping {
  const { queue, name, batchSize = 10, maximumConcurrency = 2, visibilitySeconds, waitSeconds = 20, log } = options
  let stopping = false
  let killed = false
  let free = maximumConcurrency
  let onFree = Promise.withResolvers<void>()
  const inFlight = new Set<Promise<void>>()

  function dispatch(messages: ReceivedMessage[]): void {
    free--
    const delivery = deliverBatch(options, messages, () => killed).finally(() => {
      free++
      inFlight.delete(delivery)
      onFree.resolve()
    })
    inFlight.add(delivery)
  }

  async function waitForFree(): Promise<void> {
    while (free <= 0) {
      onFree = Promise.withResolvers()
      await onFree.promise
    }
  }

  async function poll(): Promise<void> {
    while (!stopping) {
      await waitForFree()
      if (stopping) return
      let messages: ReceivedMessage[]
      try {
        messages = await queue.receive({ max: batchSize, waitSeconds, visibilitySeconds })
      } catch (error) {
        if (stopping) return
        log.warn('queue not read', { function: name, queue: queue.name, error: nameOf(error) })
        await sleep(1000)
        continue
      }
      const batches = queue.fifo ? byGroup(messages) : messages.length > 0 ? [messages] : []
      for (const batch of batches) {
        await waitForFree()
        if (!stopping) dispatch(batch)
        else if (!killed) await giveBack(batch)
      }
    }
  }

  async function giveBack(messages: ReceivedMessage[]): Promise<void> {
    for (const { receiptHandle } of messages) {
      // A queue that is closed by now gives the message again when its visibility ends.
      await queue.changeVisibility(receiptHandle, 0).catch(() => {})
    }
  }

  void poll()
  return {
    async stop() {
      stopping = true
      onFree.resolve()
      await Promise.all(inFlight)
    },
    kill() {
      stopping = true
      killed = true
      onFree.resolve()
    },
  }
}

/** The messages of each group, in order. */
function byGroup(messages: ReceivedMessage[]): ReceivedMessage[][] {
  return [...Map.groupBy(messages, ({ groupId }) => groupId).values()]
}

/** Errors go to the log by name and message; messages of this project hold no cell value. */
function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : typeof error
}
