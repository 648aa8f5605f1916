import type middy from '@middy/core'
import type { SqsBatchResponse, SqsEvent, SqsRecord } from '../../events/sqs.ts'
import type { Environment } from '../../lib/environment.ts'
import { TransientError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { writeFailure } from '../../lib/queue/failures.ts'
import type { Queue } from '../../lib/queue/queue.ts'
import { describeError } from './describe-error.ts'

/** What became of one record of a batch. */
export type RecordResult =
  | { state: 'done' }
  | { state: 'failed'; error: unknown }
  /** Not touched: a record of the same FIFO group before it failed. */
  | { state: 'behind' }

/** Seconds before a message that was received that often comes again: 5, 10, 20 … up to 15 minutes. */
export function retryPause(receives: number): number {
  return Math.min(900, 5 * 2 ** Math.max(0, receives - 1))
}

async function sendBack(
  queue: Queue,
  { receiptHandle, attributes }: SqsRecord,
  result: RecordResult,
  log: Log,
): Promise<void> {
  const wanted =
    result.state === 'failed' && result.error instanceof TransientError ? result.error.retryAfterSeconds : undefined
  const seconds = result.state === 'behind' ? 0 : (wanted ?? retryPause(attributes.ApproximateReceiveCount))
  try {
    await queue.changeVisibility(receiptHandle, seconds)
  } catch (failure) {
    log.warn(
      'the visibility could not be shortened: the message comes again when its time-out ends',
      describeError(failure),
    )
  }
}

/** Keeps the reason where whoever finds the message in the dead-letter queue can look it up. That it could not be kept changes nothing. */
async function keepReason(
  { lake, now }: Pick<Environment, 'lake' | 'now'>,
  { messageId, attributes }: SqsRecord,
  error: unknown,
  { queue, name, requestId, log }: { queue: Queue; name: string; requestId: string; log: Log },
): Promise<void> {
  const { error: kind, reason, cause } = describeError(error)
  try {
    await writeFailure(lake, {
      queue: queue.name,
      messageId,
      function: name,
      requestId,
      time: now().toISOString(),
      tries: attributes.ApproximateReceiveCount,
      error: String(kind),
      ...(reason !== undefined && { reason: String(reason) }),
      ...(cause !== undefined && { cause: String(cause) }),
    })
  } catch (failure) {
    log.warn('the reason is only in this log: it could not be kept in the lake', {
      messageId,
      ...describeError(failure),
    })
  }
}

/**
 * Middleware: makes the batch's answer of the handler's results, one a record. Failed messages are logged, their reasons are kept, and they
 * come again after a pause that doubles; the queue moves a message that failed too often to its dead-letter queue.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function partialBatches(
  environment: Pick<Environment, 'lake' | 'now'>,
  {
    queue,
    name,
    log,
  }: {
    queue: Queue
    /** Of the function. */
    name: string
    log: Log
  },
): middy.MiddlewareObj<SqsEvent, SqsBatchResponse | RecordResult[]> {
  return {
    after: async request => {
      const results = request.response as RecordResult[]
      const batchItemFailures: SqsBatchResponse['batchItemFailures'] = []
      for (const [at, result] of results.entries()) {
        if (result.state === 'done') continue
        const record = request.event.Records[at]!
        if (result.state === 'failed') {
          const receives = record.attributes.ApproximateReceiveCount
          log.error('the message failed and comes again', {
            messageId: record.messageId,
            receives,
            ...describeError(result.error),
          })
        }
        await sendBack(queue, record, result, log)
        if (result.state === 'failed') {
          const { awsRequestId: requestId } = request.context
          await keepReason(environment, record, result.error, { queue, name, requestId, log })
        }
        batchItemFailures.push({ itemIdentifier: record.messageId })
      }
      request.response = { batchItemFailures }
    },
  }
}
