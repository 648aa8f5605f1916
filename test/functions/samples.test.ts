import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { functionUrlEvent, hookPayload } from '../../events/gate.ts'
import { decodeKey, landingMessage, objectEvent, rescan, scheduleEvent, testEvent } from '../../events/landing.ts'
import { sqsEvent } from '../../events/sqs.ts'
import { addKeysMessage, commitMessage, convertMessage, keysMessage, registerMessage } from '../../events/work.ts'
import { readSample, sampleNames } from '../support/samples.ts'

/** Every sample, with the schemas that read it. */
const schemas: Record<string, z.ZodType[]> = {
  's3-object-created': [objectEvent, landingMessage],
  'minio-object-created': [objectEvent, landingMessage],
  's3-test-event': [testEvent, landingMessage],
  rescan: [rescan, landingMessage],
  schedule: [scheduleEvent],
  'sqs-standard': [sqsEvent],
  'sqs-fifo': [sqsEvent],
  convert: [convertMessage],
  register: [registerMessage],
  keys: [keysMessage],
  'add-keys': [addKeysMessage],
  commit: [commitMessage],
  'lakefs-pre-commit': [hookPayload],
  'lakefs-pre-merge': [hookPayload],
  'function-url': [functionUrlEvent],
  'minio-webhook': [functionUrlEvent],
  'catalog-request': [functionUrlEvent],
}

it('every sample has its schemas', () => expect(Object.keys(schemas).sort()).toEqual(sampleNames))

describe('every sample is read by its schemas', () => {
  it.each(sampleNames)('%s', name => {
    for (const schema of schemas[name]!) expect(schema.safeParse(readSample(name)).error).toBeUndefined()
  })
})

describe('no sample is taken for another', () => {
  it.each(['s3-object-created', 's3-test-event', 'rescan', 'schedule', 'sqs-standard', 'function-url'])('%s', name => {
    const of = {
      's3-object-created': objectEvent,
      's3-test-event': testEvent,
      rescan,
      schedule: scheduleEvent,
      'sqs-standard': sqsEvent,
      'function-url': functionUrlEvent,
    }
    const readers = Object.entries(of).filter(([, schema]) => schema.safeParse(readSample(name)).success)
    expect(readers.map(([reader]) => reader)).toEqual([name])
  })
})

it('keys are read in clear, whoever wrote them', () => {
  const keyOf = (name: string) => decodeKey(objectEvent.parse(readSample(name)).Records[0]!.s3.object.key)
  expect(keyOf('s3-object-created')).toBe('trial-01/v1/adverse events(final).csv')
  expect(keyOf('minio-object-created')).toBe('trial-01/v1/contents.csv')
  expect(decodeKey('a%2Bb+c%C3%A4')).toBe('a+b cä')
})

it('the receive count is a number, though it comes as text; unknown attributes stay', () => {
  const [record] = sqsEvent.parse(readSample('sqs-fifo')).Records
  expect(record!.attributes).toMatchObject({
    ApproximateReceiveCount: 2,
    MessageGroupId: 'trial-01',
    SequenceNumber: expect.any(String),
  })
})

it('the bodies in the envelopes are messages of ours, and as SQS sums them', () => {
  for (const [name, schema] of [
    ['sqs-standard', convertMessage],
    ['sqs-fifo', keysMessage],
  ] as const) {
    const [record] = readSample<{ Records: { body: string; md5OfBody: string }[] }>(name).Records
    expect(schema.safeParse(JSON.parse(record!.body)).success).toBe(true)
    expect(createHash('md5').update(record!.body).digest('hex')).toBe(record!.md5OfBody)
  }
})

it('the body of the function URL’s request is the hook’s payload', () => {
  const { body } = functionUrlEvent.parse(readSample('function-url'))
  expect(JSON.parse(body!)).toEqual(readSample('lakefs-pre-merge'))
})

it('a commit without metadata comes with null', () => {
  expect(hookPayload.safeParse({ ...readSample<object>('lakefs-pre-commit'), commit_metadata: null }).success).toBe(
    true,
  )
})
