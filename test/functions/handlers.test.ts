import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FunctionUrlEvent } from '../../events/gate.ts'
import { createHandlers, type Handlers } from '../../functions/handlers.ts'
import { landingKey } from '../../lib/layout.ts'
import { gateToken } from '../contract/lakefs-tokens.ts'
import { makeEnvironment, type TestEnvironment } from '../support/environment.ts'
import { readSample } from '../support/samples.ts'
import { smallStudy } from '../support/small-study.ts'

const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 }
const [study, version] = ['trial-01', 'v1']
let test: TestEnvironment
let handlers: Handlers
beforeAll(async () => {
  test = await makeEnvironment()
  handlers = createHandlers(test.environment)
})
afterAll(() => test.close())
beforeEach(() => test.reset())

/** The envelope of Lambda with another body. */
function envelope(body: unknown, name = 'sqs-standard') {
  const event = readSample<{ Records: { body: string }[] }>(name)
  event.Records[0]!.body = JSON.stringify(body)
  return event
}
/** Files that nobody has announced. */
async function land(files: Record<string, string> = smallStudy) {
  for (const [file, text] of Object.entries(files))
    await test.landing.put(landingKey(study, version, file), new TextEncoder().encode(text))
}
const done = { batchItemFailures: [] }

describe('receive', () => {
  it('queues the conversions of a version when its contents file comes, from MinIO', async () => {
    await land()
    expect(await handlers.receive(envelope(readSample('minio-object-created')), context)).toEqual(done)
    expect(test.queues.convert.bodies().map(({ dataset }) => dataset)).toEqual(['dm', 'sv', 'ae'])
    expect(test.queues.convert.bodies()[0]).toMatchObject({ study, version, file: 'dm.csv', etag: expect.any(String) })
  })

  it('looks at the version of a file from S3', async () => {
    await land()
    const event = readSample<{ Records: { s3: { object: { key: string } } }[] }>('s3-object-created')
    event.Records[0]!.s3.object.key = 'trial-01/v1/ae.csv'
    await handlers.receive(envelope(event), context)
    expect(test.queues.convert.bodies()).toMatchObject([{ dataset: 'ae' }])
  })

  it('names the cause: an event that comes twice is one look, two uploads are two', async () => {
    await land()
    const event = readSample<{ Records: { s3: { object: { key: string; sequencer: string } } }[] }>('s3-object-created')
    event.Records[0]!.s3.object.key = 'trial-01/v1/dm.csv'
    await test.upload({ study, version, files: smallStudy })
    await test.drain()
    test.queues.register.clear()
    await handlers.receive(envelope(event), context)
    await handlers.receive(envelope(event), context)
    expect(test.queues.register.count()).toBe(1)
    event.Records[0]!.s3.object.sequencer = '0055AED6DCD90281E6'
    await handlers.receive(envelope(event), context)
    expect(test.queues.register.count()).toBe(2)
  })

  it('does nothing for a test event, or while there is no contents file', async () => {
    expect(await handlers.receive(envelope(readSample('s3-test-event')), context)).toEqual(done)
    const { 'contents.csv': _, ...rest } = smallStudy
    await land(rest)
    expect(await handlers.receive(envelope(readSample('minio-object-created')), context)).toEqual(done)
    expect(Object.values(test.queues).flatMap(({ sent }) => sent)).toEqual([])
  })

  it('looks again when asked, at one version or at all', async () => {
    await land()
    await handlers.receive(envelope(readSample('rescan')), context)
    expect(test.queues.convert.bodies()).toHaveLength(3)
    expect(test.queues.convert.bodies()[0]).toMatchObject({ replay: '6f1c1a5e-replay' })
    await handlers.receive(envelope({ rescan: { cause: 'all' } }), context)
    expect(test.queues.convert.bodies()).toHaveLength(6)
  })

  it('looks at all that is due when the schedule calls', async () => {
    await land()
    expect(await handlers.receive(readSample('schedule'), context)).toEqual(done)
    expect(test.queues.convert.sent).toEqual([])
    test.clock.advance(300)
    await handlers.receive(readSample('schedule'), context)
    expect(test.queues.convert.sent).toHaveLength(3)
    const everything = { ...readSample<object>('schedule'), detail: { everything: true } }
    await handlers.receive(everything, context)
    expect(test.queues.convert.sent).toHaveLength(6)
  })

  it('looks at the whole study when its options change', async () => {
    await land()
    const event = readSample<{ Records: { s3: { object: { key: string } } }[] }>('s3-object-created')
    event.Records[0]!.s3.object.key = 'trial-01/study.json'
    await handlers.receive(envelope(event), context)
    expect(test.queues.convert.sent).toHaveLength(3)
  })
})

describe('the functions behind it', () => {
  it.each([
    ['convert', 'convert', 'sqs-standard'],
    ['register', 'register', 'sqs-fifo'],
    ['assignKeys', 'keys', 'sqs-fifo'],
    ['addKeys', 'add-keys', 'sqs-standard'],
    ['commit', 'commit', 'sqs-fifo'],
  ] as const)('%s takes its message, and does nothing where nothing is', async (handler, message, queue) => {
    await test.environment.lakefs
      .createRepository({ name: study, storageNamespace: 's3://lake/lakefs/trial-01' })
      .catch(() => {})
    expect(await handlers[handler](envelope(readSample(message), queue), context)).toEqual(done)
  })

  it.each(['convert', 'register', 'assignKeys', 'addKeys', 'commit'] as const)(
    '%s refuses another’s message',
    async handler => {
      const { batchItemFailures } = await handlers[handler](envelope({ study }), context)
      expect(batchItemFailures).toHaveLength(1)
    },
  )
})

describe('check', () => {
  const request = (change: Partial<FunctionUrlEvent> = {}): FunctionUrlEvent => {
    const sample = readSample<FunctionUrlEvent>('function-url')
    return { ...sample, headers: { ...sample.headers, 'x-studylake-token': gateToken }, ...change }
  }
  const ask = async (event: unknown) => {
    const { statusCode, headers, body } = await handlers.check(event, context)
    expect(headers).toEqual({ 'content-type': 'application/json' })
    return {
      statusCode,
      ...(JSON.parse(body) as { accepted: boolean; summary?: string[]; reason?: string; ref?: string }),
    }
  }
  const loaded = async () => {
    await test.upload({ study, version, files: smallStudy })
    await test.drain()
    return (await test.environment.lakefs.getBranch(study, version))!.commitId
  }
  const merging = (commit: string) => JSON.stringify({ ...readSample<object>('lakefs-pre-merge'), commit_id: commit })

  it('accepts a good commit, however the body comes', async () => {
    const commit = await loaded()
    const expected = { statusCode: 200, accepted: true, ref: commit, summary: [] }
    expect(await ask(request({ body: merging(commit) }))).toMatchObject(expected)
    const body = Buffer.from(merging(commit)).toString('base64')
    expect(await ask(request({ body, isBase64Encoded: true }))).toMatchObject(expected)
  })

  it('refuses a bad one with a list that names the table', async () => {
    await loaded()
    await test.environment.lakefs.createBranch(study, { name: '_v1-0123456789ab', source: version, hidden: true })
    await test.environment.lakefs.deleteObject(study, '_v1-0123456789ab', 'tables/raw/dm.json')
    const { statusCode, summary } = await ask(request({ body: JSON.stringify(readSample('lakefs-pre-commit')) }))
    expect(statusCode).toBe(422)
    expect(summary).toContain('raw.dm: is declared and there is no such table')
  })

  it('asks for the token, in whatever case the header comes', async () => {
    const { headers } = request()
    const { 'x-studylake-token': token, ...rest } = headers
    expect(await ask(request({ headers: rest }))).toMatchObject({ statusCode: 401, accepted: false })
    expect((await ask(request({ headers: { ...rest, 'x-studylake-token': `${token}x` } }))).statusCode).toBe(401)
    const commit = await loaded()
    const event = request({ headers: { ...rest, 'X-Studylake-Token': token }, body: merging(commit) })
    expect((await ask(event)).statusCode).toBe(200)
  })

  it.each([undefined, '', '{', '[]', '{"event_type": "pre-merge"}', `"${'x'.repeat(300_000)}"`])(
    'refuses what is no payload: %.20s',
    async body => {
      expect(await ask(request({ body }))).toMatchObject({ statusCode: 400, accepted: false })
    },
  )

  it('refuses when it cannot judge, and says no more than that', async () => {
    const failing = createHandlers({
      ...test.environment,
      lakefs: {
        ...test.environment.lakefs,
        listObjects: () => {
          throw new Error('the password is 1234')
        },
      },
    })
    const { statusCode, body } = await failing.check(request(), context)
    expect(statusCode).toBe(503)
    expect(body).not.toContain('1234')
  })

  it('says in time that it cannot finish', async () => {
    const never = () => new Promise<never>(() => {})
    const lakefs = { ...test.environment.lakefs, getBranch: never, getCommit: never, getObject: never }
    const { check } = createHandlers({ ...test.environment, lakefs })
    const short = { ...context, getRemainingTimeInMillis: () => 3020 }
    const { statusCode, body } = await check(request(), short)
    expect(statusCode).toBe(503)
    expect(body).toContain('in time')
  })

  it('an event of no function URL ends the invocation', async () => {
    await expect(handlers.check({ Records: [] }, context)).rejects.toThrow()
  })
})
