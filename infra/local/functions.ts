import { availableParallelism } from 'node:os'
import type { ScheduleEvent } from '../../events/landing.ts'
import type { SqsEvent } from '../../events/sqs.ts'
import type { Environment, Queues } from '../../lib/environment.ts'
import type { QueueHandler } from './event-source-mapping.ts'
import type { UrlHandler } from './function-url.ts'
import type { FunctionContext } from './invoke.ts'

/** The functions, as the platform calls them. */
export interface Handlers {
  receive(event: SqsEvent | ScheduleEvent, context: FunctionContext): Promise<unknown>
  convert: QueueHandler
  register: QueueHandler
  assignKeys: QueueHandler
  addKeys: QueueHandler
  commit: QueueHandler
  check: UrlHandler
}

export type CreateHandlers = (environment: Environment) => Handlers

/** A queue, and the function that it feeds. */
export interface QueueFedFunction {
  /** In the log. */
  name: string
  handler: Exclude<keyof Handlers, 'check'>
  source: keyof Queues
  queueName: string
  fifo: boolean
  batchSize: number
  maximumConcurrency: number
  timeoutSeconds: number
}

const standard = { fifo: false, batchSize: 1, maximumConcurrency: 2, timeoutSeconds: 900 }
// One at a time: what is sent back untried because it stands behind a failure would count as received, and end as a dead letter.
const fifo = { fifo: true, batchSize: 1, maximumConcurrency: 2, timeoutSeconds: 900 }

/** In the order of a study's way. */
export const queueFedFunctions: readonly QueueFedFunction[] = [
  { name: 'receive', handler: 'receive', source: 'landing', queueName: 'landing', ...standard, batchSize: 10 },
  {
    name: 'convert',
    handler: 'convert',
    source: 'convert',
    queueName: 'convert',
    ...standard,
    maximumConcurrency: Math.min(4, Math.max(2, availableParallelism())),
  },
  { name: 'register', handler: 'register', source: 'register', queueName: 'register.fifo', ...fifo },
  { name: 'assign-keys', handler: 'assignKeys', source: 'keys', queueName: 'keys.fifo', ...fifo },
  { name: 'add-keys', handler: 'addKeys', source: 'addKeys', queueName: 'add-keys', ...standard },
  { name: 'commit', handler: 'commit', source: 'commit', queueName: 'commit.fifo', ...fifo },
]

/** What people call a queue: without the ending that SQS wants. */
export const plainQueueName = ({ queueName }: Pick<QueueFedFunction, 'queueName'>): string =>
  queueName.replace(/\.fifo$/, '')

/** lakeFS waits a minute for a hook. */
export const checkTimeoutSeconds = 60
/** What nobody has judged yet is judged when it is asked for. */
export const catalogTimeoutSeconds = 120
/**
 * Times that a message is handed out before it goes to the dead-letter queue: with pauses that double from five seconds, a bit more than
 * a minute. Nothing here is far away, so what fails for longer does not mend itself.
 */
export const maxReceiveCount = 5
