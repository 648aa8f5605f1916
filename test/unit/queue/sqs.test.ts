import type { SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { NotFoundError, PreconditionError, TransientError } from '../../../lib/errors.ts'
import { createSqsQueue, cutBatches } from '../../../lib/queue/sqs.ts'

interface Sent {
  name: string
  input: Record<string, unknown>
}

/** A queue over a client that `answer` plays; `sent` is what it was asked. */
function playing(answer: (sent: Sent, count: number) => unknown, name = 'work') {
  const sent: Sent[] = []
  const client = {
    send: async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
      const request = { name: command.constructor.name, input: command.input }
      sent.push(request)
      return answer(request, sent.length)
    },
  } as unknown as SQSClient
  return { sent, queue: createSqsQueue({ client, url: 'https://sqs.test/1/work', name, pause: 1 }) }
}

const fail = (name: string, status?: number, rest: object = {}): never => {
  throw Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode: status }, ...rest })
}
const entriesOf = ({ input }: Sent) => input.Entries as { Id: string; MessageBody: string }[]

describe('send', () => {
  it('sends again what a batch did not take, and only that', async () => {
    const { queue, sent } = playing((_, count) =>
      count === 1 ? { Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false }] } : {},
    )
    await queue.send([{ body: 'a' }, { body: 'b', delaySeconds: 3 }, { body: 'c' }])
    expect(sent.map(request => entriesOf(request).map(({ MessageBody }) => MessageBody))).toEqual([
      ['a', 'b', 'c'],
      ['b'],
    ])
    expect(entriesOf(sent[1]!)[0]).toMatchObject({ MessageBody: 'b', DelaySeconds: 3 })
  })

  it('gives up with an error that passes', async () => {
    const { queue, sent } = playing(() => ({ Failed: [{ Id: '0', Code: 'InternalError', SenderFault: false }] }))
    await expect(queue.send([{ body: 'secret' }])).rejects.toThrow('queue work did not take 1 messages: InternalError')
    await expect(queue.send([{ body: 'secret' }])).rejects.toBeInstanceOf(TransientError)
    expect(sent).toHaveLength(8)
  })

  it('does not repeat what SQS will never take', async () => {
    const { queue, sent } = playing(() => ({
      Failed: [{ Id: '0', Code: 'InvalidMessageContents', SenderFault: true }],
    }))
    const failure = await queue.send([{ body: 'secret' }]).catch(error => error)
    expect(failure).not.toBeInstanceOf(TransientError)
    expect(failure.message).toBe('queue work refused a message: InvalidMessageContents')
    expect(sent).toHaveLength(1)
  })

  it('sends the ids of a FIFO message', async () => {
    const { queue, sent } = playing(() => ({}), 'work.fifo')
    await queue.send([{ body: 'a', groupId: 'g', deduplicationId: 'd' }])
    expect(entriesOf(sent[0]!)[0]).toMatchObject({ MessageGroupId: 'g', MessageDeduplicationId: 'd' })
  })
})

describe('cutBatches', () => {
  const sizes = (messages: { body: string; groupId?: string }[], fifo = false) =>
    cutBatches(messages, fifo).map(batch => batch.map(({ body }) => body.length))

  it('keeps to ten messages and 256 KiB', () => {
    expect(sizes(Array.from({ length: 21 }, () => ({ body: 'x' }))).map(({ length }) => length)).toEqual([10, 10, 1])
    const [large, rest] = ['x'.repeat(200 * 1024), 'y'.repeat(56 * 1024)] as const
    expect(sizes([{ body: large }, { body: rest }, { body: 'z' }])).toEqual([[large.length, rest.length], [1]])
    // 128 Ki characters of two bytes each.
    expect(sizes([{ body: 'ü'.repeat(128 * 1024) }, { body: 'z' }])).toHaveLength(2)
    expect(sizes([])).toEqual([])
  })

  it('puts one message of a group into a FIFO batch', () => {
    const messages = ['g', 'h', 'g', 'g'].map((groupId, i) => ({ body: `${groupId}${i}`, groupId }))
    expect(cutBatches(messages, true).map(batch => batch.map(({ body }) => body))).toEqual([
      ['g0', 'h1'],
      ['g2'],
      ['g3'],
    ])
    expect(cutBatches(messages, false)).toHaveLength(1)
  })
})

describe('receive', () => {
  it('asks within the limits and reads the attributes', async () => {
    const { queue, sent } = playing(() => ({
      Messages: [
        {
          MessageId: 'id',
          ReceiptHandle: 'handle',
          Body: 'a',
          Attributes: {
            ApproximateReceiveCount: '3',
            SentTimestamp: '1767225600000',
            MessageGroupId: 'g',
            MessageDeduplicationId: 'd',
          },
        },
      ],
    }))
    expect(await queue.receive({ max: 50, waitSeconds: 60, visibilitySeconds: 7 })).toEqual([
      {
        messageId: 'id',
        receiptHandle: 'handle',
        body: 'a',
        receiveCount: 3,
        groupId: 'g',
        deduplicationId: 'd',
        sentAt: new Date('2026-01-01T00:00:00Z'),
      },
    ])
    expect(sent[0]!.input).toMatchObject({ MaxNumberOfMessages: 10, WaitTimeSeconds: 20, VisibilityTimeout: 7 })
    await queue.receive({ max: 0 })
    expect(sent[1]!.input).toMatchObject({ MaxNumberOfMessages: 1, WaitTimeSeconds: 0, VisibilityTimeout: undefined })
  })

  it('gives nothing where SQS says nothing', async () => {
    expect(await playing(() => ({})).queue.receive()).toEqual([])
  })
})

describe('errors', () => {
  it.each([
    ['InternalFailure', 500, {}, TransientError],
    ['ServiceUnavailable', 503, {}, TransientError],
    ['ThrottlingException', 400, {}, TransientError],
    ['RequestThrottled', 403, {}, TransientError],
    ['OverLimit', 400, {}, TransientError],
    ['TooMany', 429, {}, TransientError],
    ['Error', undefined, { code: 'ECONNREFUSED' }, TransientError],
    ['TimeoutError', undefined, {}, TransientError],
    ['QueueDoesNotExist', 400, {}, NotFoundError],
    ['AWS.SimpleQueueService.NonExistentQueue', 400, {}, NotFoundError],
    ['ReceiptHandleIsInvalid', 400, {}, PreconditionError],
    ['MessageNotInflight', 400, {}, PreconditionError],
    ['InvalidParameterValue', 400, { message: 'Value x for parameter ReceiptHandle is invalid.' }, PreconditionError],
  ])('%s (%s) becomes the project’s own', async (name, status, rest, kind) => {
    const { queue } = playing(() => fail(name, status, rest), 'work.fifo')
    await expect(queue.changeVisibility('h', 5)).rejects.toBeInstanceOf(kind)
    await expect(queue.delete('h')).rejects.toBeInstanceOf(kind)
    await expect(queue.receive()).rejects.toBeInstanceOf(kind)
    await expect(queue.send([{ body: 'a', groupId: 'g', deduplicationId: 'd' }])).rejects.toBeInstanceOf(kind)
  })

  it.each([
    ['AccessDenied', 403],
    ['InvalidParameterValue', 400],
  ])('%s stays what it is', async (name, status) => {
    await expect(playing(() => fail(name, status)).queue.receive()).rejects.toMatchObject({ name })
    const thrown = playing(() => {
      throw 'no error'
    })
    await expect(thrown.queue.receive()).rejects.toBe('no error')
  })

  it('of a handle that no longer counts do not matter to a delete in a standard queue', async () => {
    const { queue } = playing(() => fail('ReceiptHandleIsInvalid', 400))
    await queue.delete('old')
    await expect(playing(() => fail('QueueDoesNotExist', 400)).queue.delete('old')).rejects.toBeInstanceOf(
      NotFoundError,
    )
  })
})
