import { PreconditionError } from '../../lib/errors.ts'
import type { OutgoingMessage, Queue, ReceivedMessage } from '../../lib/queue/queue.ts'
import { checkMessage, checkVisibility, deduplicationSeconds } from '../../lib/queue/rules.ts'

interface Stored extends OutgoingMessage {
  id: number
  sentAt: Date
  visibleAt: number
  receiveCount: number
}

/** A Queue in memory that refuses what SQS refuses. */
export interface MemoryQueue extends Queue {
  /** Everything that was ever sent, dropped repetitions included. */
  sent: OutgoingMessage[]
  /** Bodies of what was sent, parsed. */
  bodies(): Record<string, unknown>[]
  /** Messages that are not deleted: waiting, delayed, or in flight. */
  count(): number
  /** When the next message can be handed out, ms; undefined where there is none. */
  nextVisibleAt(): number | undefined
  /** What was in flight can be received again: its receiver has died. */
  releaseInFlight(): void
  /** As new. */
  clear(): void
}

/** Makes an empty queue; FIFO where its name says so. Time passes only as `now` says. */
export function memoryQueue(name: string, { now }: { now: () => Date }): MemoryQueue {
  const fifo = name.endsWith('.fifo')
  const sent: OutgoingMessage[] = []
  const known = new Map<string, number>()
  let messages: Stored[] = []
  let lastId = 0
  const time = () => now().getTime()

  const find = (handle: string): Stored => {
    const [id, receive] = handle.split('-').map(Number)
    const found = messages.find(message => message.id === id)
    if (!found || found.receiveCount !== receive) throw new PreconditionError(`receipt handle of ${name} has expired`)
    return found
  }
  const isLocked = ({ groupId }: Stored): boolean =>
    fifo && messages.some(other => other.groupId === groupId && other.visibleAt > time())

  return {
    name,
    fifo,
    sent,
    async send(outgoing) {
      for (const message of outgoing) checkMessage({ name, fifo }, message)
      for (const message of outgoing) {
        sent.push(message)
        const { deduplicationId, delaySeconds = 0 } = message
        if (deduplicationId !== undefined) {
          if ((known.get(deduplicationId) ?? -Infinity) > time()) continue
          known.set(deduplicationId, time() + deduplicationSeconds * 1000)
        }
        messages.push({
          ...message,
          id: ++lastId,
          sentAt: now(),
          visibleAt: time() + delaySeconds * 1000,
          receiveCount: 0,
        })
      }
    },
    async receive({ max = 10, visibilitySeconds = 900 } = {}) {
      checkVisibility(name, visibilitySeconds)
      const free = messages.filter(message => message.visibleAt <= time() && !isLocked(message)).slice(0, max)
      return free.map((message): ReceivedMessage => {
        message.visibleAt = time() + visibilitySeconds * 1000
        message.receiveCount++
        const { id, body, receiveCount, groupId, deduplicationId, sentAt } = message
        const receiptHandle = `${id}-${receiveCount}`
        return { messageId: `${name}-${id}`, receiptHandle, body, receiveCount, groupId, deduplicationId, sentAt }
      })
    },
    async delete(receiptHandle) {
      const found = find(receiptHandle)
      messages = messages.filter(message => message !== found)
    },
    async changeVisibility(receiptHandle, seconds) {
      checkVisibility(name, seconds)
      find(receiptHandle).visibleAt = time() + seconds * 1000
    },
    bodies: () => sent.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    count: () => messages.length,
    nextVisibleAt() {
      const groups = Map.groupBy(messages, ({ groupId, id }) => (fifo ? groupId : id))
      const times = [...groups.values()].map(group => Math.max(...group.map(({ visibleAt }) => visibleAt)))
      return times.length > 0 ? Math.min(...times) : undefined
    },
    releaseInFlight() {
      for (const message of messages)
        if (message.receiveCount > 0) message.visibleAt = Math.min(message.visibleAt, time())
    },
    clear() {
      messages = []
      sent.length = 0
      known.clear()
    },
  }
}
