import { GetQueueAttributesCommand, ListQueuesCommand } from '@aws-sdk/client-sqs'
import { type AwsAccess, createSqsClient } from './aws.ts'

/** Messages of a queue: waiting, delayed and in flight. */
export interface QueueDepth {
  /** Its name, with `.fifo` where it is FIFO. */
  queue: string
  count: number
  /** Holds what was given up. */
  isDeadLetter: boolean
}

/** How many messages each queue of the emulator has; SQS calls its own numbers approximate. */
export async function countMessages(access: AwsAccess): Promise<QueueDepth[]> {
  const client = createSqsClient(access)
  try {
    const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}))
    return await Promise.all(
      QueueUrls.map(async QueueUrl => {
        const { Attributes = {} } = await client.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
        )
        const count = [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ]
          .map(name => Number(Attributes[name as keyof typeof Attributes] ?? 0))
          .reduce((sum, value) => sum + value, 0)
        const queue = new URL(QueueUrl).pathname.split('/').at(-1)!
        return { queue, count, isDeadLetter: /dlq|dead/i.test(queue) }
      }),
    )
  } finally {
    client.destroy()
  }
}
