import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll } from 'vitest'
import { type LocalQueues, openLocalQueues } from '../../lib/queue/local.ts'
import { createSqsQueue } from '../../lib/queue/sqs.ts'
import { sqsDifferences, sqsEndpoint } from './aws-server.ts'
import { type QueueSettings, testQueue } from './queue-suite.ts'

let made = 0
const opened: { queues: LocalQueues; folder: string }[] = []
let passed = 0

afterAll(async () => {
  for (const { queues, folder } of opened) {
    queues.close()
    await rm(folder, { recursive: true })
  }
})

testQueue('in process', {
  async create({ fifo = false, maxReceives, ...settings }) {
    const folder = await mkdtemp(join(tmpdir(), 'studylake-queue-'))
    const ending = fifo ? '.fifo' : ''
    const name = `work${ending}`
    const deadLetter = maxReceives === undefined ? undefined : `dead${ending}`
    const queues = openLocalQueues({
      path: join(folder, 'queues.sqlite'),
      queues: [{ name, maxReceives, deadLetter, ...settings }, { name: `dead${ending}` }],
      now: () => Date.now() + passed,
    })
    opened.push({ queues, folder })
    return { queue: queues.queue(name), deadLetter: deadLetter === undefined ? undefined : queues.queue(deadLetter) }
  },
  async pass(seconds) {
    passed += seconds * 1000
  },
})

const client = sqsEndpoint ? new SQSClient() : undefined

testQueue(`SQS${client ? '' : ' (needs AWS_ENDPOINT_URL)'}`, {
  create: client && createQueues,
  pass: seconds => sleep(seconds * 1000),
  ...sqsDifferences,
})

async function createQueues({ fifo = false, visibilitySeconds = 30, maxReceives }: QueueSettings) {
  const ending = fifo ? '.fifo' : ''
  const unique = `${process.pid}-${Date.now()}-${made++}`
  const create = async (kind: string, attributes: Record<string, string> = {}) => {
    const name = `contract-${kind}-${unique}${ending}`
    const { QueueUrl } = await client!.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: { VisibilityTimeout: String(visibilitySeconds), ...(fifo && { FifoQueue: 'true' }), ...attributes },
      }),
    )
    return { name, url: QueueUrl!, queue: createSqsQueue({ client: client!, url: QueueUrl!, name }) }
  }
  if (maxReceives === undefined) return { queue: (await create('work')).queue }
  const dead = await create('dead')
  const { Attributes } = await client!.send(
    new GetQueueAttributesCommand({ QueueUrl: dead.url, AttributeNames: ['QueueArn'] }),
  )
  const policy = { deadLetterTargetArn: Attributes!.QueueArn, maxReceiveCount: String(maxReceives) }
  const work = await create('work', { RedrivePolicy: JSON.stringify(policy) })
  return { queue: work.queue, deadLetter: dead.queue }
}
