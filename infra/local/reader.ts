import type { Environment } from '../../lib/environment.ts'
import { createLakefs } from '../../lib/lakefs/client.ts'
import { silentLog } from '../../lib/log.ts'
import type { Queue } from '../../lib/queue/queue.ts'
import { configureLocal, openBuckets } from './buckets.ts'
import { queueFedFunctions } from './functions.ts'
import type { Settings } from './settings.ts'

/** The environment of a data directory in which another process works: for reading what is there. Its queues refuse. */
export function openReader({
  folder,
  settings,
  now = () => new Date(),
}: {
  folder: string
  settings: Settings
  now?: () => Date
}): Environment {
  const config = configureLocal(settings, { settleSeconds: 0, scheduleSeconds: 60 })
  const queues = Object.fromEntries(
    queueFedFunctions.map(({ source, queueName, fifo }) => [source, closedQueue(queueName, fifo)]),
  ) as unknown as Environment['queues']
  return { ...openBuckets({ folder, now }), config, queues, lakefs: createLakefs(config.lakefs), now, log: silentLog }
}

function closedQueue(name: string, fifo: boolean): Queue {
  const refuse = async (): Promise<never> => {
    throw new Error(`queue ${name} belongs to the process that runs the platform`)
  }
  return { name, fifo, send: refuse, receive: refuse, delete: refuse, changeVisibility: refuse }
}
