import type { OutgoingMessage } from './queue.ts'

/** Bytes that one message, or all messages of one batch, may have: SQS developer guide, "message quotas". */
export const maxMessageBytes = 256 * 1024
/** Messages in one batch. */
export const maxBatch = 10
/** Seconds: the longest visibility time-out, message delay and long poll of SQS, and how long a deduplication id is remembered. */
export const maxVisibilitySeconds = 12 * 60 * 60
export const maxDelaySeconds = 15 * 60
export const maxWaitSeconds = 20
export const deduplicationSeconds = 5 * 60

/** Throws RangeError where SQS would refuse the message for good; the body's text is never quoted. */
export function checkMessage(
  queue: { name: string; fifo: boolean },
  { body, groupId, deduplicationId, delaySeconds = 0 }: OutgoingMessage,
): void {
  const refuse = (found: string, expected: string): never => {
    throw new RangeError(`message for queue ${queue.name} ${found}, expected ${expected}`)
  }
  const bytes = Buffer.byteLength(body)
  if (bytes === 0 || bytes > maxMessageBytes) refuse(`has ${bytes} bytes`, `1 to ${maxMessageBytes}`)
  if (queue.fifo) {
    if (!isId(groupId)) refuse('has no usable groupId', '1 to 128 letters, digits and punctuation in a FIFO queue')
    if (!isId(deduplicationId))
      refuse('has no usable deduplicationId', '1 to 128 letters, digits and punctuation in a FIFO queue')
    if (delaySeconds !== 0) refuse('has delaySeconds', 'none in a FIFO queue')
    return
  }
  if (deduplicationId !== undefined) refuse('has a deduplicationId', 'none in a standard queue')
  if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > maxDelaySeconds) {
    refuse(`has delaySeconds ${delaySeconds}`, `0 to ${maxDelaySeconds}`)
  }
}

/** SQS allows 1 to 128 letters, digits and ASCII punctuation: no space, no other character. */
const isId = (id: string | undefined): boolean => id !== undefined && /^[!-~]{1,128}$/.test(id)

/** Throws RangeError where that is no visibility time-out. */
export function checkVisibility(queue: string, seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > maxVisibilitySeconds) {
    throw new RangeError(
      `visibility time-out of queue ${queue} is ${seconds} seconds, expected 0 to ${maxVisibilitySeconds}`,
    )
  }
}
