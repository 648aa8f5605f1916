import { z } from 'zod'
import { NotFoundError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { failureKey } from '../layout.ts'
import type { ObjectStore } from '../store/object-store.ts'

/** Characters of an error's message that are kept. */
const longestReason = 2000
const text = z.string().transform(value => value.slice(0, longestReason))

/** Why a message failed the last time. Like the log: names and messages of errors, never a cell value. */
const failureSchema = z.object({
  /** The queue that it was read from, by its full name. */
  queue: z.string(),
  messageId: z.string(),
  function: z.string(),
  /** Of the invocation: finds its lines in the log. */
  requestId: z.string(),
  time: z.iso.datetime(),
  /** How often it had been handed out by then. */
  tries: z.number().int().min(0),
  /** The error's name. */
  error: z.string(),
  reason: text.optional(),
  /** The error behind the error. */
  cause: text.optional(),
})

export type Failure = z.infer<typeof failureSchema>

/**
 * Keeps why a message failed, in place of why it failed before: a message in a dead-letter queue says nothing about it itself. Nobody takes it
 * away when a later try goes well. Throws as the store does.
 */
export async function writeFailure(store: ObjectStore, failure: Failure): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(failureSchema.parse(failure), undefined, 1))
  await store.put(failureKey(failure.queue, failure.messageId), bytes, { contentType: 'application/json' })
}

/** Why a message failed the last time; undefined where nobody could keep that: a function that ran out of time or memory says nothing. */
export async function readFailure(
  store: ObjectStore,
  { queue, messageId }: Pick<Failure, 'queue' | 'messageId'>,
): Promise<Failure | undefined> {
  const key = failureKey(queue, messageId)
  try {
    const { data } = failureSchema.safeParse(parseJson(new TextDecoder().decode(await store.get(key)), key))
    return data
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}
