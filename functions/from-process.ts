import { readConfig } from '../lib/config.ts'
import type { Environment, Queues } from '../lib/environment.ts'
import { createLakefs } from '../lib/lakefs/client.ts'
import { createLog } from '../lib/log.ts'
import type { Queue } from '../lib/queue/queue.ts'

/** The variable that holds each queue's URL. A function is given the ones that it reads or sends to, and no others. */
const queueVariables: Record<keyof Queues, string> = {
  landing: 'LANDING_QUEUE_URL',
  convert: 'CONVERT_QUEUE_URL',
  register: 'REGISTER_QUEUE_URL',
  keys: 'KEYS_QUEUE_URL',
  addKeys: 'ADD_KEYS_QUEUE_URL',
  commit: 'COMMIT_QUEUE_URL',
}

async function createQueues(variables: NodeJS.ProcessEnv): Promise<Queues> {
  const { SQSClient } = await import('@aws-sdk/client-sqs')
  const { createSqsQueue } = await import('../lib/queue/sqs.ts')
  const client = new SQSClient({})
  const queueOf = (name: keyof Queues): Queue => {
    const url = variables[queueVariables[name]]
    if (!url) throw new Error(`configuration: ${queueVariables[name]} is not set`)
    // The queue's own name, since it says whether the queue is FIFO.
    return createSqsQueue({ client, url, name: new URL(url).pathname.split('/').at(-1)! })
  }
  // Each is made when it is first used: a function's missing variable only matters where the queue does.
  return Object.defineProperties(
    {},
    Object.fromEntries(
      (Object.keys(queueVariables) as (keyof Queues)[]).map(name => {
        let queue: Queue | undefined
        return [name, { enumerable: true, get: () => (queue ??= queueOf(name)) }]
      }),
    ),
  ) as Queues
}

/** The environment of a deployed function, from the process's variables. Throws an Error that names what is missing. */
export async function readEnvironment(variables: NodeJS.ProcessEnv): Promise<Environment> {
  const config = readConfig(variables)
  // The SDK is loaded here, so that a platform that runs the same functions over directories never does.
  const { S3Client } = await import('@aws-sdk/client-s3')
  const { createS3Store } = await import('../lib/store/s3.ts')
  const s3 = new S3Client({})
  return {
    config,
    landing: createS3Store({ client: s3, bucket: config.landingBucket }),
    lake: createS3Store({ client: s3, bucket: config.lakeBucket }),
    lakefs: createLakefs(config.lakefs),
    queues: await createQueues(variables),
    now: () => new Date(),
    log: createLog({ write: line => process.stdout.write(`${line}\n`), now: () => new Date() }),
  }
}

/** A handler as Lambda wants it: the environment is read at the first invocation and kept. */
export function createFromProcess<Event, Context, Result>(
  create: (environment: Environment) => (event: Event, context: Context) => Promise<Result>,
): (event: Event, context: Context) => Promise<Result> {
  let handler: Promise<(event: Event, context: Context) => Promise<Result>> | undefined
  return async (event, context) => {
    handler ??= readEnvironment(process.env).then(create)
    return (await handler)(event, context)
  }
}
