import { randomUUID } from 'node:crypto'
import { plainQueueName, queueFedFunctions } from '../../infra/local/functions.ts'
import type { RedriveScope } from '../../infra/local/platform.ts'
import { readDeadLetterConfig, readObjectStoreConnection } from '../../lib/config.ts'
import {
  type DeadLetter,
  type DeadLetterPair,
  listDeadLetters,
  type Redriven,
  redriveDeadLetters,
} from '../../lib/queue/dead-letters.ts'
import { CommandError, UsageError } from './failure.ts'
import { withSession } from './session.ts'

/** What the commands need of a platform or a deployment to look after what was given up. */
export interface DeadLetterAccess {
  /** True where somebody works on what is sent back. */
  running: boolean
  listDeadLetters(): Promise<DeadLetter[]>
  redrive(scope: RedriveScope): Promise<Redriven[]>
}

/** Seconds that an empty answer of SQS takes. */
const waitSeconds = 1

/** Calls `work` with access to a data directory, or with `aws` to the deployment that the environment's variables name. */
export async function withDeadLetters<Result>(
  { data, aws }: { data: string; aws: boolean },
  work: (access: DeadLetterAccess) => Promise<Result>,
): Promise<Result> {
  if (aws) return work(await openDeployment(process.env))
  return withSession({ data, command: 'dlq', create: false }, ({ attached, listDeadLetters, redrive }) =>
    work({ running: attached, listDeadLetters, redrive }),
  )
}

async function openDeployment(variables: Record<string, string | undefined>): Promise<DeadLetterAccess> {
  const { lakeBucket, queues } = readDeadLetterConfig(variables)
  const [{ S3Client }, { SQSClient }, { createS3Store }, { createSqsQueue }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/client-sqs'),
    import('../../lib/store/s3.ts'),
    import('../../lib/queue/sqs.ts'),
  ])
  const client = new SQSClient({})
  const open = (url: string) => createSqsQueue({ client, url, name: new URL(url).pathname.split('/').at(-1)! })
  const lake = createS3Store({ client: new S3Client(readObjectStoreConnection(variables)), bucket: lakeBucket })
  const pairs = queues.map(({ source, url, deadLetterUrl }): DeadLetterPair => {
    const work = queueFedFunctions.find(fed => fed.source === source)!
    const [queue, deadLetters] = [open(url), open(deadLetterUrl)]
    return { source, name: plainQueueName(work), function: work.name, queue, deadLetters }
  })
  return {
    running: true,
    listDeadLetters: () => listDeadLetters({ pairs, lake, waitSeconds }),
    redrive({ queue, messageId }) {
      const chosen = pairs.filter(({ name }) => queue === undefined || name === queue)
      return redriveDeadLetters({ pairs: chosen, messageId, cause: randomUUID(), waitSeconds })
    },
  }
}

const queueNames = queueFedFunctions.map(plainQueueName)

/** A queue by its own name or that of its dead-letter queue. Throws UsageError, which lists them. */
export function parseQueueName(text: string): string {
  const name = text.replace(/\.fifo$/, '').replace(/-dlq$/, '')
  if (queueNames.includes(name)) return name
  throw new UsageError(`there is no queue ${JSON.stringify(text)}; there are ${queueNames.join(', ')}`)
}

/** The one message whose id starts so. Throws CommandError where there is none, or are several. */
export function findDeadLetter(letters: DeadLetter[], start: string, queue: string | undefined): DeadLetter {
  const found = letters.filter(({ messageId }) => start !== '' && messageId.startsWith(start))
  if (found.length === 1) return found[0]!
  const where = queue === undefined ? 'no queue has' : `queue ${queue} has not`
  throw new CommandError(
    found.length === 0
      ? `${where} given up a message ${JSON.stringify(start)}; "dlq list" names those that were`
      : `${found.length} messages have an id that starts with ${JSON.stringify(start)}: give more of it`,
  )
}
