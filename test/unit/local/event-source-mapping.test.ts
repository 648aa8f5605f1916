import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SqsEvent } from '../../../events/sqs.ts'
import { sqsEvent } from '../../../events/sqs.ts'
import {
  type Mapping,
  type MappingOptions,
  readFailures,
  startMapping,
} from '../../../infra/local/event-source-mapping.ts'
import { silentLog } from '../../../lib/log.ts'
import { type LocalQueue, type LocalQueues, openLocalQueues } from '../../../lib/queue/local.ts'
import type { ReceivedMessage } from '../../../lib/queue/queue.ts'

let folder: string
let queues: LocalQueues
let queue: LocalQueue
let fifo: LocalQueue
let mappings: Mapping[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mapping-'))
  queues = openLocalQueues({
    path: join(folder, 'queues.sqlite'),
    queues: [
      { name: 'work', visibilitySeconds: 1, maxReceives: 3, deadLetter: 'work-dlq' },
      { name: 'work-dlq' },
      { name: 'ordered.fifo', visibilitySeconds: 1 },
    ],
  })
  queue = queues.queue('work')
  fifo = queues.queue('ordered.fifo')
  mappings = []
})
afterEach(async () => {
  for (const mapping of mappings) mapping.kill()
  queues.close()
  rmSync(folder, { recursive: true, force: true })
})

const bodies = ({ Records }: SqsEvent): string[] => Records.map(({ body }) => body)
const empty = ({ depth }: LocalQueue): boolean => Object.values(depth()).every(count => count === 0)
const until = (condition: () => boolean) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 8000, interval: 10 })
const send = (target: LocalQueue, names: string[], groupId = 'g') =>
  target.send(names.map(body => ({ body, ...(target.fifo ? { groupId, deduplicationId: body } : {}) })))

function map(handler: MappingOptions['handler'], options: Partial<MappingOptions> = {}): Mapping {
  const mapping = startMapping({ queue, handler, name: 'work', log: silentLog, ...options })
  mappings.push(mapping)
  return mapping
}

test('hands over batches that look like SQS events, and deletes them', async () => {
  const events: SqsEvent[] = []
  const times: number[] = []
  await send(fifo, ['a', 'b', 'c'])
  map(
    async (event, { awsRequestId, getRemainingTimeInMillis }) => {
      expect(awsRequestId).toMatch(/^[0-9a-f-]{36}$/)
      times.push(getRemainingTimeInMillis())
      events.push(event)
    },
    { queue: fifo, batchSize: 2, timeoutSeconds: 7 },
  )
  await until(() => empty(fifo))
  expect(events.map(bodies)).toEqual([['a', 'b'], ['c']])
  expect(times[0]).toBeGreaterThan(6000)
  expect(times[0]).toBeLessThanOrEqual(7000)
  const [record] = events[0]!.Records
  expect(record).toMatchObject({
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:local:000000000000:ordered.fifo',
  })
  expect(record!.attributes).toMatchObject({
    ApproximateReceiveCount: '1',
    SentTimestamp: expect.stringMatching(/^\d{13}$/),
    MessageGroupId: 'g',
    MessageDeduplicationId: 'a',
  })
  expect(sqsEvent.parse(events[0]).Records[0]!.attributes.ApproximateReceiveCount).toBe(1)
})

test('gives again only what was reported as failed, until it goes to the dead-letter queue', async () => {
  const seen: string[] = []
  await send(queue, ['good', 'bad'])
  map(async event => {
    seen.push(...bodies(event))
    for (const { body, receiptHandle } of event.Records)
      if (body === 'bad') await queue.changeVisibility(receiptHandle, 0)
    return {
      batchItemFailures: event.Records.filter(({ body }) => body === 'bad').map(({ messageId }) => ({
        itemIdentifier: messageId,
      })),
    }
  })
  await until(() => queues.queue('work-dlq').depth().visible === 1)
  expect(seen.filter(body => body === 'good')).toHaveLength(1)
  expect(seen.filter(body => body === 'bad')).toHaveLength(3)
  expect(queues.queue('work-dlq').peek(1)[0]!.body).toBe('bad')
})

test('a thrown error fails the whole batch, which comes again when its visibility ends', async () => {
  const seen: string[][] = []
  await send(queue, ['a', 'b'])
  map(async event => {
    seen.push(bodies(event))
    if (seen.length === 1) throw new Error('no')
  })
  await until(() => seen.length === 1)
  expect(queue.depth().inFlight).toBe(2)
  await until(() => empty(queue))
  expect(seen).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

test('a handler that takes too long counts as failed', async () => {
  let invocations = 0
  await send(queue, ['slow'])
  map(
    async () => {
      if (++invocations === 1) await sleep(60_000, undefined, { ref: false })
    },
    { timeoutSeconds: 0.05 },
  )
  await until(() => empty(queue))
  expect(invocations).toBe(2)
})

test('one batch of a group at a time and in order, groups side by side', async () => {
  const running = new Map<string, number>()
  const order = new Map<string, string[]>()
  let together = 0
  let most = 0
  for (const group of ['x', 'y'])
    await send(
      fifo,
      ['1', '2', '3', '4', '5'].map(number => group + number),
      group,
    )
  map(
    async ({ Records }) => {
      const groups = new Set(Records.map(({ attributes }) => attributes.MessageGroupId!))
      expect(groups.size).toBe(1)
      const [group] = groups as unknown as [string]
      expect(running.get(group) ?? 0).toBe(0)
      running.set(group, 1)
      most = Math.max(most, ++together)
      await sleep(5)
      order.set(group, [...(order.get(group) ?? []), ...Records.map(({ body }) => body)])
      together--
      running.set(group, 0)
    },
    { queue: fifo, batchSize: 2 },
  )
  await until(() => empty(fifo))
  expect(order.get('x')).toEqual(['x1', 'x2', 'x3', 'x4', 'x5'])
  expect(order.get('y')).toEqual(['y1', 'y2', 'y3', 'y4', 'y5'])
  expect(most).toBe(2)
})

test('no more invocations at a time than allowed', async () => {
  let together = 0
  let most = 0
  await send(
    queue,
    Array.from({ length: 9 }, (_, index) => String(index)),
  )
  map(
    async () => {
      most = Math.max(most, ++together)
      await sleep(5)
      together--
    },
    { batchSize: 1, maximumConcurrency: 3 },
  )
  await until(() => empty(queue))
  expect(most).toBe(3)
})

test('stop finishes what is in flight and takes nothing more', async () => {
  const done: string[] = []
  const started = Promise.withResolvers<void>()
  await send(queue, ['a', 'b'])
  const mapping = map(
    async event => {
      started.resolve()
      await sleep(50)
      done.push(...bodies(event))
    },
    { batchSize: 1, maximumConcurrency: 1 },
  )
  await started.promise
  await mapping.stop()
  expect(done).toEqual(['a'])
  await sleep(60)
  expect(done).toEqual(['a'])
  expect(queue.depth()).toMatchObject({ visible: 1, inFlight: 0 })
})

test('kill abandons what is in flight: its messages stay', async () => {
  const finished = Promise.withResolvers<void>()
  const started = Promise.withResolvers<void>()
  await send(queue, ['a'])
  const mapping = map(async () => {
    started.resolve()
    await sleep(20)
    finished.resolve()
  })
  await started.promise
  mapping.kill()
  await finished.promise
  await sleep(20)
  expect(queue.depth().inFlight).toBe(1)
})

test('a message that cannot be deleted comes again; a queue that cannot be read is tried again', async () => {
  let deletes = 0
  let receives = 0
  const flaky: LocalQueue = {
    ...queue,
    receive: async options => {
      if (++receives === 1) throw new Error('busy')
      return queue.receive(options)
    },
    delete: async handle => {
      if (++deletes === 1) throw new Error('busy')
      return queue.delete(handle)
    },
  }
  let invocations = 0
  await send(queue, ['a'])
  map(async () => void invocations++, { queue: flaky })
  await until(() => empty(queue))
  expect(invocations).toBe(2)
})

describe('readFailures', () => {
  const messages = ['1', '2'].map(messageId => ({ messageId }) as ReceivedMessage)
  const all = new Set(['1', '2'])
  test.each([
    [undefined, new Set()],
    [null, new Set()],
    [{}, new Set()],
    [{ batchItemFailures: null }, new Set()],
    [{ batchItemFailures: [] }, new Set()],
    [{ batchItemFailures: [{ itemIdentifier: '2' }] }, new Set(['2'])],
    ['text', all],
    [{ batchItemFailures: 'x' }, all],
    [{ batchItemFailures: [{ itemIdentifier: '' }] }, all],
    [{ batchItemFailures: [{ itemIdentifier: null }] }, all],
    [{ batchItemFailures: [null] }, all],
    [{ batchItemFailures: [{ wrongName: '1' }] }, all],
    [{ batchItemFailures: [{ itemIdentifier: '1' }, { itemIdentifier: 'other' }] }, all],
  ])('%j', (response, failed) => expect(readFailures(response, messages)).toEqual(failed))
})
