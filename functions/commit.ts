import { commitMessage } from '../events/work.ts'
import type { Environment } from '../lib/environment.ts'
import { commitVersion } from '../lib/pipeline/commit.ts'
import { createFromProcess } from './from-process.ts'
import { createQueueFunction, type QueueHandler } from './middleware/queue-function.ts'
import { openEngine } from './open-engine.ts'

/** queue `commit.fifo`: judges the run, commits it, makes it the version. */
export function createCommit(environment: Environment): QueueHandler {
  return createQueueFunction(environment, {
    name: 'commit',
    queue: environment.queues.commit,
    schema: commitMessage,
    work: commitVersion,
  })
}

export const handler = createFromProcess(createCommit, { sections: ['lakefs', 'gateUrl'], openEngine })
