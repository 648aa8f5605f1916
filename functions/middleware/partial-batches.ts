import type middy from '@middy/core'
import type { SqsBatchResponse, SqsEvent, SqsRecord } from '../../events/sqs.ts'
import { TransientError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
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

/**
 * Middleware: makes the batch's answer of the handler's results, one a record. Failed messages are logged and come again after a pause that
 * doubles; the queue moves a message that failed too often to its dead-letter queue.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function partialBatches({
  queue,
  log,
}: {
  queue: Queue
  log: Log
}): middy.MiddlewareObj<SqsEvent, SqsBatchResponse | RecordResult[]> {
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
        batchItemFailures.push({ itemIdentifier: record.messageId })
      }
      request.response = { batchItemFailures }
    },
  }
}
