import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { SqsRecord } from '../../events/sqs.ts'
import { describeError } from '../../functions/middleware/describe-error.ts'
import { retryPause } from '../../functions/middleware/partial-batches.ts'
import { createQueueFunction } from '../../functions/middleware/queue-function.ts'
import { toSqsEvent } from '../../infra/local/event-source-mapping.ts'
import type { Environment } from '../../lib/environment.ts'
import { Rejection, TransientError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/json.ts'
import { createLog } from '../../lib/log.ts'
import { type MemoryQueue, memoryQueue } from '../support/memory-queue.ts'
import { memoryStore } from '../support/memory-store.ts'
import { readSample } from '../support/samples.ts'

const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 }
const schema = z.object({ name: z.string(), study: z.string().optional() })
let time = 0
let lines: Record<string, unknown>[] = []
const now = () => new Date(time)
const lake = memoryStore()
const environment = {
  lake,
  now,
  log: createLog({ write: line => lines.push(JSON.parse(line) as Record<string, unknown>), now, level: 'debug' }),
} as unknown as Environment
beforeEach(() => {
  time = 0
  lines = []
  lake.objects.clear()
})

/** A function over a queue that fails for the named messages; `worked` lists what it worked on. */
function makeFunction(queue: MemoryQueue, failures: Record<string, Error> = {}) {
  const worked: string[] = []
  const handler = createQueueFunction(environment, {
    name: 'work',
    queue,
    schema,
    work: async (_environment, { name }) => {
      worked.push(name)
      if (failures[name]) throw failures[name]
    },
  })
  return { worked, handler }
}

async function fill(queue: MemoryQueue, messages: [name: string, group?: string][]) {
  await queue.send(
    messages.map(([name, groupId]) => ({
      body: JSON.stringify({ name, study: 's01' }),
      ...(queue.fifo ? { groupId, deduplicationId: name } : {}),
    })),
  )
  const received = await queue.receive({ visibilitySeconds: 960 })
  return { received, event: toSqsEvent(queue, received) }
}
const namesOf = ({ Records }: { Records: { body: string; messageId: string }[] }, ids: { itemIdentifier: string }[]) =>
  ids.map(
    ({ itemIdentifier }) =>
      (JSON.parse(Records.find(({ messageId }) => messageId === itemIdentifier)!.body) as { name: string }).name,
  )

describe('a standard queue', () => {
  it('fails the messages that failed, and no others', async () => {
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a'], ['b'], ['c']])
    const { handler, worked } = makeFunction(queue, { b: new Error('no b') })
    const { batchItemFailures } = await handler(event, context)
    expect(namesOf(event, batchItemFailures)).toEqual(['b'])
    expect(worked).toEqual(['a', 'b', 'c'])
  })

  it('brings a failed message back after a pause that doubles, or the one that the failure asks for', async () => {
    expect([1, 2, 3, 8, 9, 30].map(retryPause)).toEqual([5, 10, 20, 640, 900, 900])
    expect(retryPause(0)).toBe(5)
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a'], ['b']])
    const { handler } = makeFunction(queue, {
      a: new Error('x'),
      b: new TransientError('y', { retryAfterSeconds: 33 }),
    })
    await handler(event, context)
    expect(queue.nextVisibleAt()).toBe(5_000)
    time = 5_000
    expect(await queue.receive()).toHaveLength(1)
    expect(queue.nextVisibleAt()).toBe(33_000)
  })

  it('a message whose visibility cannot be changed fails all the same', async () => {
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a']])
    const { handler } = makeFunction(
      { ...queue, changeVisibility: () => Promise.reject(new TransientError('no queue')) },
      { a: new Error('x') },
    )
    expect((await handler(event, context)).batchItemFailures).toHaveLength(1)
    expect(lines.map(({ level }) => level)).toEqual(['error', 'warn'])
  })

  it('a message that is none fails alone, and its text is not logged', async () => {
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a'], ['b'], ['c']])
    event.Records[0]!.body = 'P-0042 was pregnant'
    event.Records[1]!.body = '{"name": {"secret": "P-0042"}}'
    const { handler, worked } = makeFunction(queue)
    expect((await handler(event, context)).batchItemFailures).toHaveLength(2)
    expect(worked).toEqual(['c'])
    expect(JSON.stringify(lines)).not.toMatch(/pregnant|P-0042/)
  })
})

describe('a FIFO queue', () => {
  it('stops a group at its first failure, and only that group', async () => {
    const queue = memoryQueue('work.fifo', { now })
    const { event } = await fill(queue, [
      ['a1', 'a'],
      ['b1', 'b'],
      ['a2', 'a'],
      ['b2', 'b'],
      ['a3', 'a'],
    ])
    const { handler, worked } = makeFunction(queue, { a2: new Error('x') })
    const { batchItemFailures } = await handler(event, context)
    expect(namesOf(event, batchItemFailures)).toEqual(['a2', 'a3'])
    expect(worked).toEqual(['a1', 'b1', 'a2', 'b2'])
  })

  it('keeps the order: what is behind comes after what failed', async () => {
    const queue = memoryQueue('work.fifo', { now })
    const { event, received } = await fill(queue, [
      ['a1', 'a'],
      ['a2', 'a'],
    ])
    const { handler } = makeFunction(queue, { a1: new Error('x') })
    const { batchItemFailures } = await handler(event, context)
    expect(batchItemFailures).toHaveLength(2)
    expect(await queue.receive()).toEqual([])
    time = 5_000
    expect((await queue.receive()).map(({ messageId }) => messageId)).toEqual(
      received.map(({ messageId }) => messageId),
    )
  })
})

describe('the reason of a failure', () => {
  it('is kept in the lake, as the log has it but without the stack, and replaced by the next one', async () => {
    const queue = memoryQueue('work', { now })
    await queue.send([{ body: '{"name": "a"}' }])
    for (const reason of ['first', 'second']) {
      const event = toSqsEvent(queue, await queue.receive())
      const error = new TransientError(reason, { cause: new Error('no answer') })
      await makeFunction(queue, { a: error }).handler(event, context)
      time += 60_000
    }
    expect([...lake.objects.keys()]).toEqual(['failures/work/work-1.json'])
    const { bytes } = lake.objects.get('failures/work/work-1.json')!
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({
      queue: 'work',
      messageId: 'work-1',
      function: 'work',
      requestId: 'r',
      time: '1970-01-01T00:01:00.000Z',
      tries: 2,
      error: 'TransientError',
      reason: 'second',
      cause: 'Error: no answer',
    })
  })

  it('holds nothing of a body that could not be read', async () => {
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a'], ['b']])
    event.Records[0]!.body = 'P-0042 was pregnant'
    event.Records[1]!.body = '{"name": {"secret": "P-0042"}}'
    await makeFunction(queue).handler(event, context)
    const kept = [...lake.objects.values()].map(({ bytes }) => new TextDecoder().decode(bytes))
    expect(kept.map(text => (JSON.parse(text) as { error: string }).error)).toEqual(['JsonError', 'ZodError'])
    expect(kept.join()).not.toMatch(/pregnant|P-0042/)
  })

  it('is not kept of what was only behind, nor of what went well', async () => {
    const queue = memoryQueue('work.fifo', { now })
    const { event } = await fill(queue, [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
    ])
    await makeFunction(queue, { a1: new Error('x') }).handler(event, context)
    expect([...lake.objects.keys()]).toEqual(['failures/work.fifo/work.fifo-1.json'])
  })

  it('changes nothing where it cannot be kept: the first error is logged, and the message comes again', async () => {
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a']])
    const broken = { ...lake, put: () => Promise.reject(new TransientError('no lake')) }
    const handler = createQueueFunction(
      { ...environment, lake: broken },
      {
        name: 'work',
        queue,
        schema,
        work: () => Promise.reject(new Error('the first')),
      },
    )
    expect((await handler(event, context)).batchItemFailures).toHaveLength(1)
    expect(lines.map(({ level, reason }) => [level, reason])).toEqual([
      ['error', 'the first'],
      ['warn', 'no lake'],
    ])
    expect(queue.nextVisibleAt()).toBe(5_000)
  })
})

describe('the log', () => {
  it('names the work, and how long it took', async () => {
    const queue = memoryQueue('work', { now })
    const { event } = await fill(queue, [['a']])
    await makeFunction(queue).handler(event, context)
    expect(lines).toEqual([
      expect.objectContaining({ function: 'work', study: 's01', requestId: 'r', message: 'done', ms: 0 }),
    ])
  })

  it('says of an error what may be said', () => {
    expect(describeError('text')).toEqual({ error: 'not an Error' })
    const nested = new TransientError('above', { cause: new Error('below') })
    expect(describeError(nested)).toMatchObject({ error: 'TransientError', reason: 'above', cause: 'Error: below' })
    expect(describeError(nested).stack).toMatch(/^\s+at /)
    expect(
      describeError(
        new Rejection([
          { code: 'a', message: 'one' },
          { code: 'b', message: 'two' },
        ]),
      ).stack,
    ).not.toContain('two')
    const unreadable = (() => {
      try {
        return parseJson('{"AGE": 41 years}', 'study.json')
      } catch (error) {
        return error as Error
      }
    })()
    expect(JSON.stringify(describeError(unreadable))).not.toContain('years')
    expect(JSON.stringify(describeError((unreadable as Error).cause))).not.toContain('years')
    const invalid = schema.safeParse({ name: 41 }).error
    expect(describeError(invalid)).toEqual({ error: 'ZodError', reason: 'name: invalid_type' })
    expect(describeError(new Error('x', { cause: invalid })).cause).toBe('ZodError')
  })
})

it('an event that is no SQS event ends the invocation', async () => {
  await expect(makeFunction(memoryQueue('work', { now })).handler({ Records: [{}] }, context)).rejects.toThrow()
})

it.each(['sqs-standard', 'sqs-fifo'])('takes the envelope %s as Lambda sends it', async name => {
  const event = readSample<{ Records: SqsRecord[] }>(name)
  for (const record of event.Records) record.body = '{"name": "a"}'
  const queue = memoryQueue(name === 'sqs-fifo' ? 'work.fifo' : 'work', { now })
  const { handler, worked } = makeFunction(queue)
  expect(await handler(event, context)).toEqual({ batchItemFailures: [] })
  expect(worked).toEqual(['a'])
})
