import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { landingMessage } from '../../../events/landing.ts'
import { convertMessage } from '../../../events/work.ts'
import { TransientError } from '../../../lib/errors.ts'
import { type DeadLetterPair, listDeadLetters, redriveDeadLetters } from '../../../lib/queue/dead-letters.ts'
import { readFailure, writeFailure } from '../../../lib/queue/failures.ts'
import { openLocalQueues } from '../../../lib/queue/local.ts'
import { nameMessage, renewBody } from '../../../lib/queue/message-body.ts'
import { type MemoryQueue, memoryQueue } from '../../support/memory-queue.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { readSample } from '../../support/samples.ts'

const start = Date.parse('2026-01-02T03:04:05.678Z')
let time = start
const now = () => new Date(time)
let lake = memoryStore()
beforeEach(() => {
  time = start
  lake = memoryStore()
})

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface TestPair extends DeadLetterPair {
  queue: MemoryQueue
  deadLetters: MemoryQueue
}

const convertPair = (): TestPair => ({
  source: 'convert',
  name: 'convert',
  function: 'convert',
  queue: memoryQueue('convert', { now }),
  deadLetters: memoryQueue('convert-dlq', { now }),
})
const registerPair = (): TestPair => ({
  source: 'register',
  name: 'register',
  function: 'register',
  queue: memoryQueue('register.fifo', { now }),
  deadLetters: memoryQueue('register-dlq.fifo', { now }),
})

const convertBody = (dataset: string) =>
  JSON.stringify({ study: 's01', version: 'v1', cause: 'c', dataset, file: `${dataset}.csv`, etag: 'e', size: 9 })
const registerBody = (version: string) => JSON.stringify({ study: 's01', version, cause: 'c', replay: 'r' })
const fillRegister = (queue: MemoryQueue, versions: string[]) =>
  queue.send(
    versions.map((version, at) => ({
      body: registerBody(version),
      groupId: `s01/${version}`,
      deduplicationId: `${at}`,
    })),
  )

const failure = {
  queue: 'convert',
  messageId: 'convert-dlq-1',
  function: 'convert',
  requestId: 'r',
  time: '2026-01-02T03:04:06.000Z',
  tries: 5,
  error: 'TransientError',
  reason: 'no store',
}

describe('a list', () => {
  it('names queue, function, message and work, with the reason that was kept', async () => {
    const pair = convertPair()
    await pair.deadLetters.send([{ body: convertBody('dm') }, { body: convertBody('ae') }])
    await writeFailure(lake, failure)
    const letters = await listDeadLetters({ pairs: [pair, registerPair()], lake })
    const { queue: _q, messageId: _m, function: _f, ...kept } = failure
    const work = { kind: 'work', study: 's01', version: 'v1', etag: 'e' }
    const common = { queue: 'convert', function: 'convert', sent: now().toISOString() }
    expect(letters).toEqual([
      { ...common, messageId: 'convert-dlq-1', work: { ...work, dataset: 'dm', file: 'dm.csv' }, failure: kept },
      { ...common, messageId: 'convert-dlq-2', work: { ...work, dataset: 'ae', file: 'ae.csv' } },
    ])
  })

  it('sees every message, and leaves all of them to be received', async () => {
    const pair = convertPair()
    const datasets = Array.from({ length: 23 }, (_, at) => `d${at}`)
    await pair.deadLetters.send(datasets.map(dataset => ({ body: convertBody(dataset) })))
    const letters = await listDeadLetters({ pairs: [pair], lake })
    expect(letters.map(({ work }) => work.dataset)).toEqual(datasets)
    expect(await listDeadLetters({ pairs: [pair], lake })).toHaveLength(23)
    expect(pair.deadLetters.nextVisibleAt()).toBe(time)
    expect(pair.queue.sent).toEqual([])
  })

  it('ends where messages are not held as long as it looks', async () => {
    const pair = convertPair()
    await pair.deadLetters.send(Array.from({ length: 12 }, (_, at) => ({ body: convertBody(`d${at}`) })))
    const { receive } = pair.deadLetters
    pair.deadLetters.receive = options => {
      time += 61_000
      return receive(options)
    }
    expect((await listDeadLetters({ pairs: [pair], lake })).length).toBeGreaterThanOrEqual(10)
  })

  it('of a queue of this process only looks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'studylake-dlq-'))
    const names = ['convert', 'convert-dlq']
    const queues = openLocalQueues({
      path: join(folder, 'queues.sqlite'),
      queues: [
        { name: 'convert', maxReceives: 1, deadLetter: 'convert-dlq', visibilitySeconds: 1 },
        { name: 'convert-dlq' },
      ],
      now: () => time,
    })
    cleanUps.push(
      () => rm(folder, { recursive: true }),
      () => queues.close(),
    )
    const [queue, deadLetters] = names.map(name => queues.queue(name))
    const pair: DeadLetterPair = { ...convertPair(), queue: queue!, deadLetters: deadLetters! }
    await queue!.send([{ body: convertBody('dm') }])
    const [received] = await queue!.receive()
    await writeFailure(lake, { ...failure, messageId: received!.messageId })
    time += 2_000
    expect(await queue!.receive()).toEqual([])

    const [letter] = await listDeadLetters({ pairs: [pair], lake })
    // The id under which the reason was kept is the message's also where it was moved to.
    expect(letter).toMatchObject({ messageId: received!.messageId, failure: { tries: 5, reason: 'no store' } })
    expect(deadLetters!.peek(1)[0]!.receiveCount).toBe(0)

    const moved = await redriveDeadLetters({ pairs: [pair], cause: 'again' })
    expect(moved.map(({ messageId }) => messageId)).toEqual([received!.messageId])
    expect(deadLetters!.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
    expect(JSON.parse(queue!.peek(1)[0]!.body)).toMatchObject({ dataset: 'dm', cause: 'again', replay: 'again' })
  })

  it('does without a reason that is none', async () => {
    const pair = convertPair()
    await pair.deadLetters.send([{ body: convertBody('dm') }])
    await lake.put('failures/convert/convert-dlq-1.json', new TextEncoder().encode('{"error": 1}'))
    expect((await listDeadLetters({ pairs: [pair], lake }))[0]).not.toHaveProperty('failure')
    lake.get = () => Promise.reject(new TransientError('no store'))
    await expect(listDeadLetters({ pairs: [pair], lake })).rejects.toThrow('no store')
    expect(pair.deadLetters.nextVisibleAt()).toBe(time)
  })
})

describe('a redrive', () => {
  it('sends all messages back in their order, and none stays', async () => {
    const pairs = [convertPair(), registerPair()]
    const datasets = Array.from({ length: 14 }, (_, at) => `d${at}`)
    await pairs[0]!.deadLetters.send(datasets.map(dataset => ({ body: convertBody(dataset) })))
    await fillRegister(pairs[1]!.deadLetters, ['v1', 'v2', 'v1'])
    const moved = await redriveDeadLetters({ pairs, cause: 'again' })
    expect(moved).toHaveLength(17)
    expect(pairs.map(({ deadLetters }) => deadLetters.count())).toEqual([0, 0])
    expect(pairs[0]!.queue.bodies().map(({ dataset }) => dataset)).toEqual(datasets)
    expect(pairs[0]!.queue.sent[0]).not.toHaveProperty('deduplicationId')
    expect(pairs[1]!.queue.sent.map(({ groupId }) => groupId).sort()).toEqual(['s01/v1', 's01/v1', 's01/v2'])
    expect(pairs[1]!.queue.count()).toBe(3)
    for (const body of pairs[1]!.queue.bodies()) expect(body).toMatchObject({ cause: 'again', replay: 'again' })
  })

  it('of one message leaves the others as they were', async () => {
    const pairs = [registerPair(), convertPair()]
    await fillRegister(pairs[0]!.deadLetters, ['v1', 'v2'])
    await pairs[1]!.deadLetters.send(['a', 'b', 'c'].map(dataset => ({ body: convertBody(dataset) })))
    const moved = await redriveDeadLetters({ pairs, cause: 'again', messageId: 'convert-dlq-2' })
    expect(moved.map(({ queue, work }) => [queue, work.dataset])).toEqual([['convert', 'b']])
    expect(pairs[1]!.queue.bodies().map(({ dataset }) => dataset)).toEqual(['b'])
    const left = await listDeadLetters({ pairs, lake })
    expect(left.map(({ messageId }) => messageId)).toEqual([
      'register-dlq.fifo-1',
      'register-dlq.fifo-2',
      'convert-dlq-1',
      'convert-dlq-3',
    ])
    expect(await redriveDeadLetters({ pairs, cause: 'again', messageId: 'nobody' })).toEqual([])
    expect(await listDeadLetters({ pairs, lake })).toHaveLength(4)
  })

  it('that cannot send loses nothing', async () => {
    const pair = convertPair()
    await pair.deadLetters.send(['a', 'b', 'c'].map(dataset => ({ body: convertBody(dataset) })))
    const { send } = pair.queue
    let sends = 0
    pair.queue.send = messages => (++sends === 2 ? Promise.reject(new TransientError('no queue')) : send(messages))
    await expect(redriveDeadLetters({ pairs: [pair], cause: 'again' })).rejects.toThrow('no queue')
    expect(pair.queue.bodies().map(({ dataset }) => dataset)).toEqual(['a'])
    // What it held is there for the next try at once.
    expect((await listDeadLetters({ pairs: [pair], lake })).map(({ work }) => work.dataset)).toEqual(['b', 'c'])
    await redriveDeadLetters({ pairs: [pair], cause: 'once more' })
    expect(pair.queue.bodies().map(({ dataset }) => dataset)).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['a standard queue', convertPair],
    ['a FIFO queue, which remembers the first', registerPair],
  ])('cut short between sending and deleting comes twice in %s', async (_, makePair) => {
    const pair = makePair()
    if (pair.queue.fifo) await fillRegister(pair.deadLetters, ['v1'])
    else await pair.deadLetters.send([{ body: convertBody('a') }])
    const { delete: remove } = pair.deadLetters
    pair.deadLetters.delete = () => Promise.reject(new TransientError('gone'))
    await expect(redriveDeadLetters({ pairs: [pair], cause: 'again' })).rejects.toThrow('gone')
    expect([pair.queue.count(), pair.deadLetters.count()]).toEqual([1, 1])
    pair.deadLetters.delete = remove
    expect(await redriveDeadLetters({ pairs: [pair], cause: 'once more' })).toHaveLength(1)
    expect([pair.queue.count(), pair.deadLetters.count()]).toEqual([2, 0])
  })

  it('sends a message once that it could not hold until it was deleted', async () => {
    const pair = registerPair()
    await fillRegister(pair.deadLetters, ['v1'])
    const { send } = pair.queue
    pair.queue.send = async messages => {
      await send(messages)
      // Meanwhile it is handed out to somebody else, and again to us.
      time += 61_000
      await pair.deadLetters.receive({ visibilitySeconds: 0 })
    }
    expect(await redriveDeadLetters({ pairs: [pair], cause: 'again' })).toHaveLength(1)
    expect(pair.queue.sent).toHaveLength(1)
    expect(pair.deadLetters.count()).toBe(0)
  })

  it('ends where a message can never be deleted', async () => {
    const pair = convertPair()
    await pair.deadLetters.send([{ body: convertBody('a') }])
    const { delete: remove } = pair.deadLetters
    pair.deadLetters.delete = () => {
      time += 61_000
      return remove('0-0')
    }
    expect(await redriveDeadLetters({ pairs: [pair], cause: 'again' })).toHaveLength(1)
    expect(pair.queue.sent).toHaveLength(1)
  })
})

describe('the names in a message', () => {
  it('are those of the work', () => {
    expect(nameMessage('convert', JSON.stringify(readSample('convert')))).toEqual({
      kind: 'work',
      study: 'trial-01',
      version: 'v1',
      dataset: 'dm',
      file: 'DM.csv',
      etag: 'd41d8cd98f00b204e9800998ecf8427e',
    })
    expect(nameMessage('addKeys', JSON.stringify(readSample('add-keys')))).toMatchObject({
      study: 'trial-01',
      run: '0123456789ab',
    })
    for (const [source, sample] of [
      ['register', 'register'],
      ['keys', 'keys'],
      ['commit', 'commit'],
    ] as const)
      expect(nameMessage(source, JSON.stringify(readSample(sample)))).toMatchObject({ kind: 'work', study: 'trial-01' })
  })

  it('are those of the files that an event announces', () => {
    const event = (...keys: string[]) =>
      JSON.stringify({
        Records: keys.map(key => ({ eventName: 'x', s3: { bucket: { name: 'b' }, object: { key, eTag: 'e' } } })),
      })
    expect(nameMessage('landing', event('s01/v1/DM.csv'))).toEqual({
      kind: 'files',
      study: 's01',
      version: 'v1',
      dataset: 'dm',
      file: 'DM.csv',
      etag: 'e',
    })
    expect(nameMessage('landing', event('s01/v1/contents.csv', 's01/v1/dm.csv', 's02/v1/dm.csv'))).toEqual({
      kind: 'files',
      study: 's01',
      version: 'v1',
      file: 'contents.csv',
      etag: 'e',
      more: 2,
    })
    expect(nameMessage('landing', event('lost+file.csv'))).toEqual({ kind: 'files', file: 'lost file.csv', etag: 'e' })
    expect(nameMessage('landing', event('%E0%A4%A'))).toEqual({ kind: 'unreadable' })
    expect(nameMessage('landing', '{"Records": []}')).toEqual({ kind: 'files' })
    for (const sample of ['s3-object-created', 'minio-object-created'])
      expect(nameMessage('landing', JSON.stringify(readSample(sample)))).toMatchObject({ kind: 'files' })
    expect(nameMessage('landing', JSON.stringify(readSample('s3-test-event')))).toEqual({ kind: 'test event' })
    expect(nameMessage('landing', '{"rescan": {"study": "s01", "cause": "c"}}')).toEqual({
      kind: 'rescan',
      study: 's01',
    })
  })

  it('are nothing else of the body, whatever it is', () => {
    const secret = 'Zq7canary'
    expect(nameMessage('convert', secret)).toEqual({ kind: 'unreadable' })
    expect(nameMessage('convert', JSON.stringify({ rows: [secret] }))).toEqual({ kind: 'unreadable' })
    const more = { ...JSON.parse(convertBody('dm')), value: secret }
    expect(JSON.stringify(nameMessage('convert', JSON.stringify(more)))).not.toContain(secret)
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('landing' as const, 'convert' as const), (body, source) => {
        const { kind } = nameMessage(source, body)
        // Nothing can be said of such a body, and so nothing is changed in it.
        if (kind === 'unreadable') expect(renewBody(source, body, 'again')).toBe(body)
      }),
    )
  })
})

describe('a body that is sent again', () => {
  it('has the new cause, asks for work that was queued before, and is otherwise the same', () => {
    const before = { ...JSON.parse(convertBody('dm')), later: 'kept', large: 1 }
    const renewed = JSON.parse(renewBody('convert', JSON.stringify(before), 'again')) as unknown
    expect(renewed).toEqual({ ...before, cause: 'again', replay: 'again' })
    expect(convertMessage.parse(renewed)).toMatchObject({ replay: 'again' })
  })

  it('of a rescan is no first look any more', () => {
    const body = '{"rescan": {"study": "s01", "version": "v1", "cause": "c", "settling": true}}'
    const renewed = JSON.parse(renewBody('landing', body, 'again')) as unknown
    expect(renewed).toEqual({ rescan: { study: 's01', version: 'v1', cause: 'again' } })
    expect(landingMessage.parse(renewed)).toEqual(renewed)
  })

  it.each(['s3-object-created', 's3-test-event'])('of %s is the same', sample => {
    const body = JSON.stringify(readSample(sample))
    expect(renewBody('landing', body, 'again')).toBe(body)
  })
})

describe('a kept reason', () => {
  it('is read as it was written, cut where it is very long', async () => {
    const long = { ...failure, reason: 'x'.repeat(5000), cause: 'Error: y' }
    await writeFailure(lake, long)
    expect(await readFailure(lake, failure)).toEqual({ ...long, reason: 'x'.repeat(2000) })
    expect(await readFailure(lake, { ...failure, messageId: 'other' })).toBeUndefined()
  })
})
