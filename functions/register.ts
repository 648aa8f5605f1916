import { registerMessage } from '../events/work.ts'
import type { Environment } from '../lib/environment.ts'
import { registerVersion } from '../lib/pipeline/register.ts'
import { createFromProcess } from './from-process.ts'
import { createQueueFunction, type QueueHandler } from './middleware/queue-function.ts'

/** queue `register.fifo`: the run branch and the raw tables of a version that is complete. */
export function createRegister(environment: Environment): QueueHandler {
  return createQueueFunction(environment, {
    name: 'register',
    queue: environment.queues.register,
    schema: registerMessage,
    work: registerVersion,
  })
}

export const handler = createFromProcess(createRegister, { sections: ['lakefs', 'gateUrl'] })
