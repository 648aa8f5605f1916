import { keysMessage } from '../events/work.ts'
import type { Environment } from '../lib/environment.ts'
import { assignKeys } from '../lib/pipeline/assign-keys.ts'
import { createFromProcess } from './from-process.ts'
import { createQueueFunction, type QueueHandler } from './middleware/queue-function.ts'

/** queue `keys.fifo`: keys for natural keys never seen. */
export function createAssignKeys(environment: Environment): QueueHandler {
  return createQueueFunction(environment, {
    name: 'assign-keys',
    queue: environment.queues.keys,
    schema: keysMessage,
    work: assignKeys,
  })
}

export const handler = createFromProcess(createAssignKeys, { sections: ['lakefs', 'gateUrl'] })
