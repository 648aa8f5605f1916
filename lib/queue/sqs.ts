import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { PreconditionError, TransientError } from '../errors.ts'
import type { OutgoingMessage, Queue, ReceivedMessage } from './queue.ts'
import { checkMessage, checkVisibility, maxBatch, maxMessageBytes, maxWaitSeconds } from './rules.ts'
import { translateSqsError } from './sqs-errors.ts'

/**
 * A queue of SQS, or of a server that speaks its API. It is FIFO where `name` ends in `.fifo`, as SQS demands. The client's own retries come
 * first; what fails after them is TransientError. `pause` is the ms before the messages that a batch did not take are sent again; it doubles.
 */
export function createSqsQueue({
  client,
  url,
  name,
  attempts = 4,
  pause = 100,
}: {
  client: SQSClient
  url: string
  name: string
  attempts?: number
  pause?: number
}): Queue {
  const fifo = name.endsWith('.fifo')

  async function request<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw translateSqsError(error, name)
    }
  }

  /** A batch may be taken in part: what was not is sent again, unless SQS says that it never will be. */
  async function sendBatch(messages: OutgoingMessage[]): Promise<void> {
    let entries = messages.map(formatEntry)
    for (let attempt = 1; ; attempt++) {
      const { Failed = [] } = await request(
        client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries })),
      )
      const refused = Failed.find(({ SenderFault }) => SenderFault)
      if (refused) throw new Error(`queue ${name} refused a message: ${refused.Code}`)
      if (Failed.length === 0) return
      const left = new Set(Failed.map(({ Id }) => Id))
      entries = entries.filter(({ Id }) => left.has(Id))
      if (attempt === attempts) {
        throw new TransientError(`queue ${name} did not take ${entries.length} messages: ${Failed[0]!.Code}`)
      }
      await sleep(pause * 2 ** (attempt - 1))
    }
  }

  return {
    name,
    fifo,

    async send(messages) {
      for (const message of messages) checkMessage({ name, fifo }, message)
      for (const batch of cutBatches(messages, fifo)) await sendBatch(batch)
    },

    async receive({ max = maxBatch, waitSeconds = 0, visibilitySeconds } = {}) {
      if (visibilitySeconds !== undefined) checkVisibility(name, visibilitySeconds)
      const { Messages = [] } = await request(
        client.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: Math.min(Math.max(max, 1), maxBatch),
            WaitTimeSeconds: Math.min(Math.ceil(waitSeconds), maxWaitSeconds),
            VisibilityTimeout: visibilitySeconds,
            MessageSystemAttributeNames: [
              'ApproximateReceiveCount',
              'SentTimestamp',
              'MessageGroupId',
              'MessageDeduplicationId',
            ],
          }),
        ),
      )
      return Messages.map(parseMessage)
    },

    async delete(receiptHandle) {
      try {
        await request(client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receiptHandle })))
      } catch (error) {
        // In a standard queue SQS accepts a handle that no longer counts; servers like it may not.
        if (fifo || !(error instanceof PreconditionError)) throw error
      }
    },

    async changeVisibility(receiptHandle, seconds) {
      checkVisibility(name, seconds)
      await request(
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: url,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: seconds,
          }),
        ),
      )
    },
  }
}

/**
 * The messages, in order, in batches that SQS takes: at most 10 and at most 256 KiB together. A FIFO batch has one message of a group:
 * were two taken in part, the one that is sent again would come after the other.
 */
export function cutBatches(messages: OutgoingMessage[], fifo: boolean): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = []
  let bytes = 0
  const groups = new Set<string>()
  for (const message of messages) {
    const size = Buffer.byteLength(message.body)
    const last = batches.at(-1)
    const fits = last && last.length < maxBatch && bytes + size <= maxMessageBytes
    if (fits && !(fifo && groups.has(message.groupId!))) last.push(message)
    else {
      batches.push([message])
      bytes = 0
      groups.clear()
    }
    bytes += size
    groups.add(message.groupId ?? '')
  }
  return batches
}

const formatEntry = (
  { body, groupId, deduplicationId, delaySeconds }: OutgoingMessage,
  index: number,
): SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: body,
  MessageGroupId: groupId,
  MessageDeduplicationId: deduplicationId,
  DelaySeconds: delaySeconds,
})

const parseMessage = ({ MessageId, ReceiptHandle, Body, Attributes = {} }: Message): ReceivedMessage => ({
  messageId: MessageId!,
  receiptHandle: ReceiptHandle!,
  body: Body ?? '',
  receiveCount: Number(Attributes.ApproximateReceiveCount),
  groupId: Attributes.MessageGroupId,
  deduplicationId: Attributes.MessageDeduplicationId,
  sentAt: new Date(Number(Attributes.SentTimestamp)),
})
