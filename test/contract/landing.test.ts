import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll } from 'vitest'
import { announceUploads } from '../../infra/local/landing.ts'
import { type LocalQueues, openLocalQueues } from '../../lib/queue/local.ts'
import { createSqsQueue } from '../../lib/queue/sqs.ts'
import { createDirectoryStore } from '../../lib/store/directory.ts'
import { createS3Store } from '../../lib/store/s3.ts'
import { bothEndpoint } from './aws-server.ts'
import { testLanding } from './landing-suite.ts'

const opened: { queues: LocalQueues; folder: string }[] = []
afterAll(async () => {
  for (const { queues, folder } of opened) {
    queues.close()
    await rm(folder, { recursive: true })
  }
})

testLanding('embedded', {
  sendsTestEvent: false,
  filtersSuffixes: false,
  quietSeconds: 0,
  async create() {
    const folder = await mkdtemp(join(tmpdir(), 'studylake-landing-'))
    const now = () => new Date()
    const queues = openLocalQueues({
      path: join(folder, 'queues.sqlite'),
      queues: [{ name: 'landing' }],
      now: () => Date.now(),
    })
    opened.push({ queues, folder })
    const queue = queues.queue('landing')
    const store = announceUploads({
      store: createDirectoryStore({ folder: join(folder, 'landing'), bucket: 'landing', now }),
      queue,
      now,
      onLost(key, error) {
        throw new Error(`${key} was not announced`, { cause: error })
      },
    })
    return { store, queue }
  },
})

const s3 = bothEndpoint ? new S3Client({ endpoint: bothEndpoint, forcePathStyle: true }) : undefined
const sqs = bothEndpoint ? new SQSClient({ endpoint: bothEndpoint }) : undefined
let made = 0

testLanding(`S3 and SQS${bothEndpoint ? '' : ' (needs AWS_ENDPOINT_URL)'}`, {
  sendsTestEvent: true,
  filtersSuffixes: true,
  quietSeconds: 2,
  create: bothEndpoint ? createLanding : undefined,
})

/** As the deployment sets them up. */
async function createLanding() {
  const name = `contract-landing-${process.pid}-${Date.now()}-${made++}`
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { Service: 's3.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
    ],
  }
  const { QueueUrl } = await sqs!.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { Policy: JSON.stringify(policy) } }),
  )
  const { Attributes } = await sqs!.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
  await s3!.send(new CreateBucketCommand({ Bucket: name }))
  await s3!.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: name,
      NotificationConfiguration: {
        QueueConfigurations: ['.csv', '.json'].map(Value => ({
          QueueArn: Attributes!.QueueArn,
          Events: ['s3:ObjectCreated:*'],
          Filter: { Key: { FilterRules: [{ Name: 'suffix', Value }] } },
        })),
      },
    }),
  )
  const queue = createSqsQueue({ client: sqs!, url: QueueUrl!, name })
  return { store: createS3Store({ client: s3!, bucket: name }), queue }
}
