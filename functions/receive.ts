import { landingMessage, scheduleEvent } from '../events/landing.ts'
import type { SqsBatchResponse } from '../events/sqs.ts'
import type { Environment } from '../lib/environment.ts'
import { nameCause } from '../lib/pipeline/causes.ts'
import { receiveMessage } from '../lib/pipeline/receive.ts'
import { sweepVersions } from '../lib/pipeline/sweep.ts'
import { createFromProcess } from './from-process.ts'
import { createQueueFunction, type QueueHandler } from './middleware/queue-function.ts'

/** queue `landing` and the schedule: finds what is to be done for the versions that events name, or for all. */
export function createReceive(environment: Environment): QueueHandler {
  const receive = createQueueFunction(environment, {
    name: 'receive',
    queue: environment.queues.landing,
    schema: landingMessage,
    work: receiveMessage,
  })
  return async (event, context): Promise<SqsBatchResponse> => {
    const scheduled = scheduleEvent.safeParse(event)
    if (!scheduled.success) return receive(event, context)
    const log = environment.log.with({ function: 'receive', requestId: context.awsRequestId })
    const { id, detail } = scheduled.data
    await sweepVersions({ ...environment, log }, { cause: nameCause('schedule', id), everything: detail.everything })
    return { batchItemFailures: [] }
  }
}

export const handler = createFromProcess(createReceive, { sections: [] })
