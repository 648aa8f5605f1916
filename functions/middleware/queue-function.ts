import middy from '@middy/core'
import type { z } from 'zod'
import { type SqsBatchResponse, type SqsEvent, type SqsRecord, sqsEvent } from '../../events/sqs.ts'
import type { Environment } from '../../lib/environment.ts'
import { parseJson } from '../../lib/json.ts'
import type { LogFields } from '../../lib/log.ts'
import type { Queue } from '../../lib/queue/queue.ts'
import { parseEvent } from './parse-event.ts'
import { partialBatches, type RecordResult } from './partial-batches.ts'

/** What of Lambda's context the functions use. */
export interface FunctionContext {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

export type QueueHandler = (event: unknown, context: FunctionContext) => Promise<SqsBatchResponse>

export interface QueueFunctionOptions<Message> {
  /** Stands in every log line. */
  name: string
  /** The queue that feeds the function. */
  queue: Queue
  schema: z.ZodType<Message>
  work: (environment: Environment, message: Message) => Promise<void>
}

/** What a log line may say of a message: names only. */
function nameWork(message: unknown): LogFields {
  const { study, version, dataset, run } = message as LogFields
  return { study, version, dataset, run }
}

/**
 * A function that is fed by a queue. It works on one message at a time; in a FIFO queue the messages behind a failed one of the same group are
 * left for later, so that their order holds. Input that is rejected is no failure: the work has recorded it.
 */
export function createQueueFunction<Message>(
  environment: Environment,
  { name, queue, schema, work }: QueueFunctionOptions<Message>,
): QueueHandler {
  const log = environment.log.with({ function: name })

  async function handleRecord({ body, messageId }: SqsRecord, requestId: string): Promise<RecordResult> {
    try {
      const message = schema.parse(parseJson(body, 'message'))
      const named = log.with({ ...nameWork(message), messageId, requestId })
      const start = environment.now().getTime()
      await work({ ...environment, log: named }, message)
      named.info('done', { ms: environment.now().getTime() - start })
      return { state: 'done' }
    } catch (error) {
      return { state: 'failed', error }
    }
  }

  async function handleBatch(
    { Records }: SqsEvent,
    { awsRequestId }: { awsRequestId: string },
  ): Promise<RecordResult[]> {
    const failedGroups = new Set<string>()
    const results: RecordResult[] = []
    for (const record of Records) {
      const group = queue.fifo ? record.attributes.MessageGroupId : undefined
      const behind = group !== undefined && failedGroups.has(group)
      const result: RecordResult = behind ? { state: 'behind' } : await handleRecord(record, awsRequestId)
      if (result.state === 'failed' && group !== undefined) failedGroups.add(group)
      results.push(result)
    }
    return results
  }

  return middy<SqsEvent, SqsBatchResponse | RecordResult[]>()
    .use(parseEvent(sqsEvent))
    .use(partialBatches(environment, { queue, name, log }))
    .handler(handleBatch) as unknown as QueueHandler
}
