import {
  type ConfigSection,
  configSections,
  queueVariables,
  readConfig,
  readObjectStoreConnection,
  readQueueUrl,
} from '../lib/config.ts'
import type { Engine } from '../lib/engine/engine.ts'
import type { Environment, Queues } from '../lib/environment.ts'
import { createLakefs, type Lakefs } from '../lib/lakefs/client.ts'
import { createLog, type Log } from '../lib/log.ts'
import type { Queue } from '../lib/queue/queue.ts'
import { fillSecrets, namesSecrets } from '../lib/secrets.ts'

type Variables = Record<string, string | undefined>

/** ms after which a warm function reads its secrets again: a changed key needs no deployment. */
const secretsLifetime = 10 * 60_000

/** Makes the queues' adapters. Each is made when it is first used: a function's missing variable only matters where the queue does. */
export async function readQueues(variables: Variables): Promise<Queues> {
  const { SQSClient } = await import('@aws-sdk/client-sqs')
  const { createSqsQueue } = await import('../lib/queue/sqs.ts')
  const client = new SQSClient({})
  const queueOf = (queue: keyof Queues): Queue => {
    const url = readQueueUrl(variables, queue)
    // The last part is the queue's name, which says whether it is FIFO.
    return createSqsQueue({ client, url, name: new URL(url).pathname.split('/').at(-1)! })
  }
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

/** One JSON line an entry, on standard output. */
export function createProcessLog(): Log {
  return createLog({ write: line => process.stdout.write(`${line}\n`), now: () => new Date() })
}

/** Stands where a function has no lakeFS: whoever uses it all the same learns why. */
const noLakefs = new Proxy({} as Lakefs, {
  get() {
    throw new Error('configuration: this function was given no lakeFS')
  },
})

/** What a function needs of its environment beyond what all have. */
export interface FunctionNeeds {
  /** Of the configuration. */
  sections?: readonly ConfigSection[]
  /** For functions that ask the engine beside the lake. */
  openEngine?: (variables: Variables) => Engine | undefined
}

/** The environment of a deployed function, from complete variables. Throws an Error that names what is missing. */
export async function readEnvironment(
  variables: Variables,
  { sections = configSections, openEngine }: FunctionNeeds = {},
): Promise<Environment> {
  const config = readConfig(variables, { sections })
  // The SDK is loaded here, so that a platform that runs the same functions over directories never does.
  const { S3Client } = await import('@aws-sdk/client-s3')
  const { createS3Store } = await import('../lib/store/s3.ts')
  const s3 = new S3Client(readObjectStoreConnection(variables))
  return {
    config,
    landing: createS3Store({ client: s3, bucket: config.landingBucket }),
    lake: createS3Store({ client: s3, bucket: config.lakeBucket }),
    lakefs: sections.includes('lakefs') ? createLakefs(config.lakefs) : noLakefs,
    queues: await readQueues(variables),
    engine: openEngine?.(variables),
    now: () => new Date(),
    log: createProcessLog(),
  }
}

async function readSecret(id: string): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  const { SecretString } = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: id }))
  if (SecretString === undefined) throw new Error(`configuration: secret ${id} holds no text`)
  return SecretString
}

/** The variables, completed by the secrets of Secrets Manager that they name; see fillSecrets. */
export const readSecrets = (variables: Variables): Promise<Variables> => fillSecrets(variables, readSecret)

/**
 * A handler as Lambda wants it. What it needs is read at the first invocation and kept; secrets are looked up again after a while, and a
 * reading that failed is repeated by the next invocation. `read` gets the process's variables, completed by secrets.
 */
export function createOnFirstUse<Needed, Event, Context, Result>(
  read: (variables: Variables) => Promise<Needed>,
  create: (needed: Needed) => (event: Event, context: Context) => Promise<Result>,
): (event: Event, context: Context) => Promise<Result> {
  let handler: Promise<(event: Event, context: Context) => Promise<Result>> | undefined
  let goodUntil = Number.POSITIVE_INFINITY
  return async (event, context) => {
    if (Date.now() > goodUntil) handler = undefined
    if (!handler) {
      goodUntil = namesSecrets(process.env) ? Date.now() + secretsLifetime : Number.POSITIVE_INFINITY
      handler = readSecrets(process.env).then(read).then(create)
    }
    try {
      await handler
    } catch (error) {
      handler = undefined
      throw error
    }
    return (await handler)(event, context)
  }
}

/** A handler as Lambda wants it, over the environment of a step. */
export function createFromProcess<Event, Context, Result>(
  create: (environment: Environment) => (event: Event, context: Context) => Promise<Result>,
  needs: FunctionNeeds = {},
): (event: Event, context: Context) => Promise<Result> {
  return createOnFirstUse(variables => readEnvironment(variables, needs), create)
}
