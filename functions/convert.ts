import { convertMessage } from '../events/work.ts'
import type { Environment } from '../lib/environment.ts'
import { convertDataset } from '../lib/pipeline/convert.ts'
import { createFromProcess } from './from-process.ts'
import { createQueueFunction, type QueueHandler } from './middleware/queue-function.ts'

/** queue `convert`: CSV → typed Parquet, the distinct natural keys, the outcome. */
export function createConvert(environment: Environment): QueueHandler {
  return createQueueFunction(environment, {
    name: 'convert',
    queue: environment.queues.convert,
    schema: convertMessage,
    work: convertDataset,
  })
}

export const handler = createFromProcess(createConvert, { sections: [] })
