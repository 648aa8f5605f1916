import { PreconditionError } from '../errors.ts'
import { type Message, openMessages, type QueueRules } from './local-messages.ts'
import { createSignal } from './local-signal.ts'
import type { Queue, ReceivedMessage } from './queue.ts'
import { checkMessage, checkVisibility, maxBatch, maxWaitSeconds } from './rules.ts'

/** One in-process queue's settings; the names are SQS's, in seconds. */
export interface LocalQueueSettings {
  name: string
  /** Default: whether the name ends in `.fifo`. */
  fifo?: boolean
  /** How long a message handed out stays invisible. Default 30. */
  visibilitySeconds?: number
  /** After that many receives without a delete the next receive moves the message to `deadLetter`. */
  maxReceives?: number
  /** Another queue of the same file and kind. */
  deadLetter?: string
}

/** A stored message as shown to a person. */
export type PeekedMessage = Omit<ReceivedMessage, 'receiptHandle'>

/** A queue of this process, with a few looks inside that SQS gives otherwise or not at all. */
export interface LocalQueue extends Queue {
  /** Counts of messages. A message of a FIFO group that waits for another counts as visible, as with SQS. */
  depth(): { visible: number; inFlight: number; delayed: number }
  /** When a message can be handed out next, ms; in the past where one can be now, undefined where the queue is empty. */
  nextVisibleAt(): number | undefined
  /** Deletes all messages. Deduplication ids stay remembered. */
  purge(): void
  /** The oldest messages, whatever their state, without receiving them. */
  peek(limit: number): PeekedMessage[]
}

/** The queues of one file. */
export interface LocalQueues {
  /** Throws RangeError where the file was opened without that queue. */
  queue(name: string): LocalQueue
  /**
   * Makes visible at once what was received and not deleted, of all queues: for a process that starts and knows that no other one works on
   * this file.
   */
  releaseInFlight(): void
  /** Ends every pending `receive` with no messages and closes the file. */
  close(): void
}

/**
 * Opens queues kept in one SQLite file, with the meaning of SQS: visibility time-outs, receive counts, FIFO groups, five-minute
 * deduplication, delays, dead-letter queues, long polling. What was acknowledged survives a kill; a message in flight then becomes visible
 * when its time-out ends. `busyTimeout` is how long, in ms, another process may hold the file. Throws RangeError where a dead-letter queue
 * is missing or of the other kind.
 */
export function openLocalQueues({
  path,
  queues,
  now = Date.now,
  busyTimeout = 5000,
}: {
  path: string
  queues: LocalQueueSettings[]
  now?: () => number
  busyTimeout?: number
}): LocalQueues {
  const rules = new Map(queues.map(settings => [settings.name, completeSettings(settings)]))
  for (const { name, fifo, deadLetter, maxReceives } of rules.values()) {
    if ((deadLetter === undefined) !== (maxReceives === undefined)) {
      throw new RangeError(`queue ${name} has one of deadLetter and maxReceives, expected both or neither`)
    }
    if (deadLetter !== undefined && rules.get(deadLetter)?.fifo !== fifo) {
      throw new RangeError(
        `queue ${name} has dead-letter queue ${deadLetter}, expected another ${fifo ? 'FIFO' : 'standard'} queue`,
      )
    }
  }
  const messages = openMessages(path, busyTimeout)
  const signals = new Map([...rules.keys()].map(name => [name, createSignal()]))
  const byName = new Map([...rules.values()].map(settings => [settings.name, openQueue(settings)]))
  let closed = false

  function openQueue(settings: Required<Pick<LocalQueueSettings, 'visibilitySeconds'>> & QueueRules): LocalQueue {
    const { name, fifo, deadLetter } = settings
    const signal = signals.get(name)!

    function takeNow(max: number, visibilitySeconds: number): ReceivedMessage[] {
      const time = now()
      const { taken, moved } = messages.take(settings, max, time, time + visibilitySeconds * 1000)
      if (moved > 0) signals.get(deadLetter!)?.wake()
      return taken.map(message => ({ ...show(message), receiptHandle: formatHandle(message) }))
    }

    return {
      name,
      fifo,

      async send(outgoing) {
        for (const message of outgoing) checkMessage(settings, message)
        if (outgoing.length === 0) return
        messages.add(settings, outgoing, now())
        signal.wake()
      },

      async receive({ max = maxBatch, waitSeconds = 0, visibilitySeconds = settings.visibilitySeconds } = {}) {
        checkVisibility(name, visibilitySeconds)
        const limit = Math.min(Math.max(max, 1), maxBatch)
        let over = waitSeconds <= 0
        // Waiting is in real time, also where a test's `now` stands still.
        const end = () => {
          over = true
          signal.wake()
        }
        const timer = over ? undefined : setTimeout(end, Math.min(waitSeconds, maxWaitSeconds) * 1000)
        try {
          for (;;) {
            if (closed) return []
            const received = takeNow(limit, visibilitySeconds)
            if (received.length > 0 || over) return received
            const next = messages.nextVisibleAt(settings)
            await signal.wait(next === undefined ? recheck : Math.min(Math.max(next - now(), 1), recheck))
          }
        } finally {
          clearTimeout(timer)
        }
      },

      async delete(receiptHandle) {
        const { sequence, receive } = parseHandle(name, receiptHandle)
        messages.change(name, sequence, message => {
          if (message === undefined) return 'keep'
          const latest = message.receiveCount === receive
          if (fifo && (!latest || message.visibleAt <= now())) throw expired(name)
          return latest ? 'delete' : 'keep'
        })
        if (fifo) signal.wake()
      },

      async changeVisibility(receiptHandle, seconds) {
        checkVisibility(name, seconds)
        const { sequence, receive } = parseHandle(name, receiptHandle)
        messages.change(name, sequence, message => {
          const time = now()
          if (message?.receiveCount !== receive || message.visibleAt <= time) throw expired(name)
          return { visibleAt: time + seconds * 1000 }
        })
        signal.wake()
      },

      depth: () => messages.depth(name, now()),
      nextVisibleAt: () => messages.nextVisibleAt(settings),
      purge: () => {
        messages.purge(name)
        signal.wake()
      },
      peek: limit => messages.peek(name, limit).map(show),
    }
  }

  return {
    queue(name) {
      const found = byName.get(name)
      if (!found) throw new RangeError(`queue ${name} is not one of ${[...byName.keys()].join(', ')}`)
      return found
    },
    releaseInFlight() {
      messages.releaseInFlight(now())
      for (const signal of signals.values()) signal.wake()
    },
    close() {
      if (closed) return
      closed = true
      for (const signal of signals.values()) signal.wake()
      messages.close()
    },
  }
}

/** ms: how often a waiting receive looks at the file of its own accord, for messages that another process has sent. */
const recheck = 1000

const completeSettings = (settings: LocalQueueSettings) => ({
  ...settings,
  fifo: settings.fifo ?? settings.name.endsWith('.fifo'),
  visibilitySeconds: settings.visibilitySeconds ?? 30,
})

const show = ({ messageId, body, receiveCount, groupId, deduplicationId, sentAt }: Message): PeekedMessage => ({
  messageId,
  body,
  receiveCount,
  groupId: groupId ?? undefined,
  deduplicationId: deduplicationId ?? undefined,
  sentAt: new Date(sentAt),
})

/** Names one receive of one message: a later receive has another handle. */
const formatHandle = ({ sequence, receiveCount }: Message): string => `${sequence}-${receiveCount}`

function parseHandle(queue: string, handle: string): { sequence: number; receive: number } {
  const [, sequence, receive] = /^(\d+)-(\d+)$/.exec(handle) ?? []
  if (!receive) throw new PreconditionError(`receipt handle is none of queue ${queue}`)
  return { sequence: Number(sequence), receive: Number(receive) }
}

const expired = (queue: string): PreconditionError =>
  new PreconditionError(`receipt handle of queue ${queue} has expired`)
