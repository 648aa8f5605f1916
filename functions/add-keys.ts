import { addKeysMessage } from '../events/work.ts'
import type { Environment } from '../lib/environment.ts'
import { addKeys } from '../lib/pipeline/add-keys.ts'
import { createFromProcess } from './from-process.ts'
import { createQueueFunction, type QueueHandler } from './middleware/queue-function.ts'

/** queue `add-keys`: base file and base table of one dataset. */
export function createAddKeys(environment: Environment): QueueHandler {
  return createQueueFunction(environment, {
    name: 'add-keys',
    queue: environment.queues.addKeys,
    schema: addKeysMessage,
    work: addKeys,
  })
}

export const handler = createFromProcess(createAddKeys, { sections: ['lakefs'] })
