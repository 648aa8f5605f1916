import type { Queues } from '../environment.ts'
import { PreconditionError } from '../errors.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { nameCause } from '../pipeline/causes.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type Failure, readFailure } from './failures.ts'
import { type MessageNames, nameMessage, renewBody } from './message-body.ts'
import type { OutgoingMessage, Queue, ReceivedMessage } from './queue.ts'
import { maxBatch } from './rules.ts'

type Shown = Omit<ReceivedMessage, 'receiptHandle'>

/** A work queue, and the queue that takes what it gives up. */
export interface DeadLetterPair {
  /** What is read from it: decides how bodies are read. */
  source: keyof Queues
  /** What people call it: `add-keys`. */
  name: string
  /** The function that it feeds. */
  function: string
  queue: Queue
  /** A queue that can be looked into says so with `peek`; from another, messages are received and given back. */
  deadLetters: Queue & { peek?(limit: number): Shown[] }
}

/** A message that was given up after too many tries. */
export interface DeadLetter {
  queue: string
  function: string
  messageId: string
  /** When it was sent to the work queue, or moved from there, as the queue has it. */
  sent: string
  work: MessageNames
  /** Why it failed the last time; undefined where nobody could keep that. */
  failure?: Omit<Failure, 'queue' | 'messageId' | 'function'>
}

/** A message that went back to its work queue. */
export type Redriven = Pick<DeadLetter, 'queue' | 'messageId' | 'work'>

/** Messages of one queue that are listed at most. */
export const mostListed = 1000

/** Seconds for which received messages are kept from others; what is given back is there again at once. */
const holdSeconds = 60

export interface LookOptions {
  pairs: readonly DeadLetterPair[]
  /** Seconds that an empty answer may take. SQS asks all its servers only where it may take some. */
  waitSeconds?: number
}

/**
 * The messages that were given up, oldest first as the queue has them, at most `mostListed` of each queue, with the reasons kept in the lake.
 * From a FIFO queue of SQS only the first ten of each group can be seen.
 */
export async function listDeadLetters({
  pairs,
  lake,
  waitSeconds = 0,
}: LookOptions & { lake: ObjectStore }): Promise<DeadLetter[]> {
  const found = await mapConcurrently(pairs, pairs.length, async pair => {
    const messages = await look(pair.deadLetters, waitSeconds)
    return mapConcurrently(messages, 8, message => describe(pair, message, lake))
  })
  return found.flat()
}

async function describe(
  { source, name, function: fed, queue }: DeadLetterPair,
  { messageId, sentAt, body }: Shown,
  lake: ObjectStore,
): Promise<DeadLetter> {
  const letter = { queue: name, function: fed, messageId, sent: sentAt.toISOString(), work: nameMessage(source, body) }
  const kept = await readFailure(lake, { queue: queue.name, messageId })
  if (!kept) return letter
  const { queue: _queue, messageId: _messageId, function: _function, ...failure } = kept
  return { ...letter, failure }
}

async function look(deadLetters: DeadLetterPair['deadLetters'], waitSeconds: number): Promise<Shown[]> {
  if (deadLetters.peek) return deadLetters.peek(mostListed)
  const seen = new Map<string, ReceivedMessage>()
  try {
    while (seen.size < mostListed) {
      const messages = await deadLetters.receive({ max: maxBatch, waitSeconds, visibilitySeconds: holdSeconds })
      const fresh = messages.filter(({ messageId }) => !seen.has(messageId))
      for (const message of messages) seen.set(message.messageId, message)
      // Where looking took longer than messages are held, those seen first come again.
      if (fresh.length === 0) break
    }
  } finally {
    await giveBack(deadLetters, seen.values())
  }
  return [...seen.values()].slice(0, mostListed)
}

/** What cannot be given back comes again by itself. */
async function giveBack(queue: Queue, messages: Iterable<ReceivedMessage>): Promise<void> {
  await mapConcurrently([...messages], 8, ({ receiptHandle }) =>
    queue.changeVisibility(receiptHandle, 0).catch(() => undefined),
  )
}

/**
 * Sends messages that were given up to their work queues again, all or the one of that id, and resolves with those that went. `cause` names
 * this redrive, and must be of this call alone. A message is sent before it is deleted: where that is cut short it may come twice, which every
 * step can bear, and is never lost.
 */
export async function redriveDeadLetters({
  pairs,
  cause,
  messageId,
  waitSeconds = 0,
}: LookOptions & { cause: string; messageId?: string }): Promise<Redriven[]> {
  const moved: Redriven[] = []
  for (const pair of pairs) {
    await redriveQueue(pair, { cause, messageId, waitSeconds }, moved)
    if (messageId !== undefined && moved.length > 0) break
  }
  return moved
}

async function redriveQueue(
  pair: DeadLetterPair,
  { cause, messageId: wanted, waitSeconds }: { cause: string; messageId?: string; waitSeconds: number },
  moved: Redriven[],
): Promise<void> {
  const { source, name, queue, deadLetters } = pair
  const sent = new Set<string>()
  const open = new Map<string, ReceivedMessage>()
  try {
    for (;;) {
      const messages = await deadLetters.receive({ max: maxBatch, waitSeconds, visibilitySeconds: holdSeconds })
      const isNew = messages.some(({ messageId }) => !open.has(messageId))
      for (const message of messages) open.set(message.messageId, message)
      if (!isNew) return
      for (const message of messages) {
        const { messageId, body } = message
        if (wanted !== undefined && messageId !== wanted) continue
        const again = sent.has(messageId)
        if (!again) {
          await queue.send([renewMessage(pair, message, cause)])
          sent.add(messageId)
          moved.push({ queue: name, messageId, work: nameMessage(source, body) })
        }
        const removed = await remove(deadLetters, message)
        // One that was no longer held is met once more, and then only removed.
        if (removed || !again) open.delete(messageId)
        if (wanted !== undefined) return
      }
    }
  } finally {
    await giveBack(deadLetters, open.values())
  }
}

/** False where the message is no longer held. */
async function remove(queue: Queue, { receiptHandle }: ReceivedMessage): Promise<boolean> {
  try {
    await queue.delete(receiptHandle)
    return true
  } catch (error) {
    if (!(error instanceof PreconditionError)) throw error
    return false
  }
}

function renewMessage(
  { source, queue }: DeadLetterPair,
  { messageId, body, groupId }: ReceivedMessage,
  cause: string,
): OutgoingMessage {
  return {
    body: renewBody(source, body, cause),
    // The id names the redrive too: the message's own id may be one that the queue still remembers and would swallow.
    ...(queue.fifo && { groupId: groupId ?? messageId, deduplicationId: nameCause('redrive', cause, messageId) }),
  }
}
