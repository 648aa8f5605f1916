import { describe, expect, it } from 'vitest'
import type { FunctionUrlEvent } from '../../events/gate.ts'
import { landingMessage, objectEvent } from '../../events/landing.ts'
import { createBridge } from '../../functions/bridge.ts'
import { TransientError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import type { OutgoingMessage } from '../../lib/queue/queue.ts'
import { memoryQueue } from '../support/memory-queue.ts'
import { readSample } from '../support/samples.ts'

const token = 'a-token-that-the-bridge-asks-for'
const context = { awsRequestId: '1', getRemainingTimeInMillis: () => 1000 }
const webhook = () => readSample<FunctionUrlEvent>('minio-webhook')

function setUp() {
  const landing = memoryQueue('landing', { now: () => new Date(0) })
  const bridge = createBridge({ token, landing, log: silentLog })
  return { landing, call: (event: unknown) => bridge(event, context) }
}

it('puts the records on the queue as they came', async () => {
  const { landing, call } = setUp()
  const result = await call(webhook())
  expect(result).toMatchObject({ statusCode: 200 })
  expect(JSON.parse(result.body)).toEqual({ accepted: true, events: 1 })
  expect(landing.bodies()).toEqual([objectEvent.parse(readSample('minio-object-created'))])
  expect(landingMessage.safeParse(landing.bodies()[0]).success).toBe(true)
})

it('reads a body that the function URL has encoded', async () => {
  const { landing, call } = setUp()
  const event = webhook()
  const body = Buffer.from(event.body!).toString('base64')
  expect(await call({ ...event, body, isBase64Encoded: true })).toMatchObject({ statusCode: 200 })
  expect(landing.sent).toHaveLength(1)
})

describe('without the token nothing reaches the queue', () => {
  const values = [undefined, '', token, `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(1)}`, 'Bearer ']
  it.each(values)('%s', async authorization => {
    const { landing, call } = setUp()
    const event = webhook()
    expect(await call({ ...event, headers: { ...event.headers, authorization } })).toMatchObject({ statusCode: 401 })
    expect(landing.sent).toEqual([])
  })
})

it('takes the header in any case', async () => {
  const { call } = setUp()
  expect(await call({ ...webhook(), headers: { AUTHORIZATION: `bearer ${token}` } })).toMatchObject({ statusCode: 200 })
})

describe('what is no object event is refused for good, and not quoted', () => {
  const bodies = {
    nothing: undefined,
    'no JSON': 'GEHEIM{',
    'another event': '{"Event":"s3:TestEvent","Bucket":"GEHEIM"}',
    'a record without key': '{"Records":[{"eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"GEHEIM"}}}]}',
    'more than a message may hold': `{"Records":[],"more":"${'x'.repeat(262_144)}"}`,
  }
  it.each(Object.entries(bodies))('%s', async (_, body) => {
    const { landing, call } = setUp()
    const result = await call({ ...webhook(), body })
    expect(result.statusCode).toBe(400)
    expect(result.body).not.toContain('GEHEIM')
    expect(landing.sent).toEqual([])
  })
})

it('asks to be called again while the queue does not answer', async () => {
  const sent: OutgoingMessage[] = []
  let down = true
  const send = async (messages: OutgoingMessage[]) => {
    if (down) throw new TransientError('queue landing did not answer')
    sent.push(...messages)
  }
  const bridge = createBridge({ token, landing: { send }, log: silentLog })
  expect(await bridge(webhook(), context)).toMatchObject({ statusCode: 503 })
  down = false
  expect(await bridge(webhook(), context)).toMatchObject({ statusCode: 200 })
  expect(sent).toHaveLength(1)
})
