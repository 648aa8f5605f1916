import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { landingMessage } from '../../../events/landing.ts'
import type { SqsEvent } from '../../../events/sqs.ts'
import { type ControlClient, createControlClient, NotRunningError } from '../../../infra/local/control-client.ts'
import type { CreateHandlers, Handlers } from '../../../infra/local/functions.ts'
import { LockedError, takeLock } from '../../../infra/local/lock.ts'
import { openPlatform, type Platform, type PlatformOptions } from '../../../infra/local/platform.ts'
import { openReader } from '../../../infra/local/reader.ts'
import { silentLog } from '../../../lib/log.ts'

let folder: string
let platforms: Platform[]
/** What the stub functions saw: their name and each message's body. */
let seen: [name: string, body: unknown][]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'platform-'))
  platforms = []
  seen = []
})
afterEach(async () => {
  for (const platform of platforms) await platform.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Functions that note what they are called with; some of them do more. */
const stub =
  (work: Partial<Handlers> = {}): CreateHandlers =>
  () => {
    const note = (name: string) => async (event: unknown) => {
      for (const { body } of (event as SqsEvent).Records ?? []) seen.push([name, JSON.parse(body)])
      if ((event as { source?: string }).source === 'aws.events') seen.push([name, 'scheduled'])
    }
    return {
      receive: note('receive'),
      convert: note('convert'),
      register: note('register'),
      assignKeys: note('assignKeys'),
      addKeys: note('addKeys'),
      commit: note('commit'),
      check: async () => ({ statusCode: 200, body: '{}' }),
      ...work,
    }
  }

async function open(options: Partial<PlatformOptions> = {}): Promise<Platform> {
  const platform = await openPlatform({
    folder,
    start: false,
    settleSeconds: 0,
    log: silentLog,
    createHandlers: stub(),
    ...options,
  })
  platforms.push(platform)
  return platform
}

async function putByHand(key: string, text: string): Promise<void> {
  const path = join(folder, 'landing', key)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

describe('the landing bucket', () => {
  test('announces each upload as S3 does', async () => {
    const platform = await open()
    const { etag } = await platform.landing.put("s-1/v1/odd name+(1)'é.csv", Buffer.from('a'))
    await platform.landing.put('s-1/v1/b.csv', Buffer.from('bb'))
    expect(await platform.step()).toMatchObject({ queue: 'landing' })
    expect(await platform.step()).toMatchObject({ queue: 'landing' })
    expect(await platform.step()).toBeUndefined()
    const records = seen.map(([, body]) => {
      const message = landingMessage.parse(body)
      if (!('Records' in message)) throw new Error('no object event')
      return message.Records[0]!
    })
    expect(records[0]).toMatchObject({
      eventName: 'ObjectCreated:Put',
      s3: {
        bucket: { name: 'landing' },
        object: { key: 's-1/v1/odd+name%2B%281%29%27%C3%A9.csv', eTag: etag, size: 1 },
      },
    })
    const [first, second] = records.map(({ s3 }) => s3.object.sequencer!)
    expect(second! > first!).toBe(true)
  })

  test('tells of a composed object too, and of no deleted one', async () => {
    const platform = await open()
    await platform.landing.put('s-1/v1/a.csv', Buffer.from('a'))
    await platform.landing.compose('s-1/v1/b.csv', { source: 's-1/v1/a.csv', append: Buffer.from('b') })
    await platform.landing.delete('s-1/v1/a.csv')
    const bodies = [await platform.step(), await platform.step()].map(
      step => JSON.parse(step!.body).Records[0].eventName,
    )
    expect(bodies).toEqual(['ObjectCreated:Put', 'ObjectCreated:CompleteMultipartUpload'])
    expect(platform.isIdle()).toBe(true)
  })

  test('is looked through at the start, for files that were put there by hand', async () => {
    await putByHand('s-1/v1/dm.csv', 'A\n1\n')
    const found: string[] = []
    const platform = await open({
      createHandlers: ({ landing }) =>
        stub({ receive: async () => void (await Array.fromAsync(landing.list(''), ({ key }) => found.push(key))) })(
          undefined as never,
        ),
    })
    platform.start()
    platform.start()
    await platform.idle()
    expect(found).toEqual(['s-1/v1/dm.csv'])
  })
})

describe('working', () => {
  test('step works on the queues that are asked for, one message at a time', async () => {
    const platform = await open()
    const { queues } = platform.environment
    await queues.convert.send([{ body: '1' }, { body: '2' }])
    await queues.commit.send([{ body: '3', groupId: 'g', deduplicationId: '3' }])
    expect(await platform.step({ queues: ['commit'] })).toMatchObject({ queue: 'commit.fifo', body: '3' })
    expect(await platform.step({ queues: ['commit'] })).toBeUndefined()
    expect(platform.isIdle()).toBe(false)
    expect(await platform.idle({ timeoutMs: 50 })).toBe(false)
    await platform.step()
    await platform.step()
    expect(seen).toEqual([
      ['commit', 3],
      ['convert', 1],
      ['convert', 2],
    ])
    expect(platform.isIdle()).toBe(true)
  })

  test('idle waits for what handlers hand on, and for delayed messages', async () => {
    const platform = await open({
      createHandlers: environment =>
        stub({
          convert: async () => environment.queues.register.send([{ body: '"r"', groupId: 'g', deduplicationId: 'r' }]),
          register: async event => {
            seen.push(['register', JSON.parse(event.Records[0]!.body)])
            await environment.queues.landing.send([{ body: '"later"', delaySeconds: 1 }])
          },
        })(environment),
    })
    await platform.environment.queues.convert.send([{ body: '"c"' }])
    platform.start()
    expect(await platform.idle()).toBe(true)
    expect(seen.filter(([, body]) => body !== 'scheduled')).toEqual([
      ['register', 'r'],
      ['receive', 'later'],
    ])
  })

  test('reports what was given up', async () => {
    const platform = await open({
      createHandlers: environment =>
        stub({
          convert: async event => {
            for (const { receiptHandle } of event.Records)
              await environment.queues.convert.changeVisibility(receiptHandle, 0)
            throw new Error('never')
          },
        })(environment),
    })
    await platform.environment.queues.convert.send([{ body: '1' }])
    platform.start()
    await platform.idle()
    expect(platform.deadLetters()).toEqual([{ queue: 'convert-dlq', count: 1 }])
  })

  test('a scheduled look that fails is logged, and the next one comes', async () => {
    const lines: string[] = []
    let looks = 0
    const platform = await open({
      scheduleSeconds: 0.02,
      log: { ...silentLog, error: message => lines.push(message) },
      createHandlers: stub({
        receive: async () => {
          if (++looks === 1) throw new Error('no')
        },
      }),
    })
    platform.start()
    await vi.waitFor(() => expect(looks).toBeGreaterThan(2))
    expect(lines).toEqual(['scheduled rescan failed'])
  })
})

describe('ending and starting again', () => {
  test('a graceful end finishes what is in flight; the rest waits for the next start', async () => {
    const started = Promise.withResolvers<void>()
    const done: string[] = []
    const slow = stub({
      convert: async event => {
        started.resolve()
        await sleep(50)
        done.push(event.Records[0]!.body)
      },
    })
    const first = await open({ createHandlers: slow })
    await first.environment.queues.convert.send(['1', '2', '3', '4', '5', '6', '7'].map(body => ({ body })))
    first.start()
    await started.promise
    await first.close()
    const before = done.length
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(7)
    const second = await open({ createHandlers: slow })
    second.start()
    await second.idle()
    expect(done.toSorted()).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  })

  test('after a kill a message in flight is there at once, and the dead can do no more', async () => {
    const started = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const failure = Promise.withResolvers<Error>()
    const first = await open({
      createHandlers: environment =>
        stub({
          convert: async () => {
            started.resolve()
            await released.promise
            await environment.lake.put('late', Buffer.from('x')).catch(failure.resolve)
          },
        })(environment),
    })
    await first.environment.queues.convert.send([{ body: '1' }])
    first.start()
    await started.promise
    await first.kill()
    released.resolve()
    expect((await failure.promise).message).toBe('the platform has ended')
    const second = await open()
    expect(await second.step()).toMatchObject({ queue: 'convert', body: '1' })
    expect(await second.environment.lake.head('late')).toBeUndefined()
  })

  test('an upload under way when the platform is killed leaves nothing', async () => {
    const platform = await open()
    async function* body() {
      yield Buffer.from('a')
      await platform.kill()
      yield Buffer.from('b')
    }
    await expect(platform.landing.put('s-1/v1/a.csv', body())).rejects.toThrow('the platform has ended')
    const next = await open()
    expect(await next.landing.head('s-1/v1/a.csv')).toBeUndefined()
  })

  test('ports, keys and tokens are kept, and readable by their owner alone', async () => {
    const first = await open()
    const path = join(folder, 'platform.json')
    const text = readFileSync(path, 'utf8')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await first.close()
    const second = await open()
    expect(second.settings).toEqual(first.settings)
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n')
  })

  test.each(['functions', 'lakefs'] as const)(
    'a kept port that another program has (%s) is named, with what to do',
    async name => {
      const { settings, ...first } = await open()
      await first.close()
      const other = createServer()
      await new Promise<void>(resolve => other.listen(settings.ports[name], '127.0.0.1', resolve))
      await expect(open()).rejects.toThrow(
        `port ${settings.ports[name]} on 127.0.0.1 is in use by another program. Stop that program, or set "ports.${name}" in ${join(folder, 'platform.json')} to a free port`,
      )
      other.close()
      await open()
    },
  )

  test.each([
    ['{', 'is not valid JSON'],
    ['{"ports":{"functions":1}}', 'ports.lakefs: '],
  ])('settings that cannot be read are named: %s', async (text, message) => {
    writeFileSync(join(folder, 'platform.json'), text)
    await expect(open()).rejects.toThrow(`${join(folder, 'platform.json')}: ${message}`)
  })

  test('the log is written line by line', async () => {
    const platform = await open({ log: undefined })
    platform.environment.log.info('hello', { study: 's-1' })
    expect(JSON.parse(readFileSync(join(folder, 'studylake.log'), 'utf8'))).toMatchObject({
      message: 'hello',
      study: 's-1',
    })
  })
})

describe('the lock', () => {
  test('a second platform is told who works in the folder', async () => {
    const first = await open({ command: 'dev' })
    const error: unknown = await open({ command: 'run' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LockedError)
    expect((error as LockedError).holder).toMatchObject({ pid: process.pid, command: 'dev' })
    expect((error as Error).message).toMatch(/is in use by "dev" \(process \d+, since 2\d{3}-/)
    await first.close()
    await open({ command: 'run' })
  })

  test('what a dead holder left behind is no lock', async () => {
    writeFileSync(join(folder, 'lock.json'), '{"pid":1,"command":"dev","since":"2020-01-01T00:00:00Z"}')
    writeFileSync(join(folder, 'lock'), '')
    const platform = await open()
    expect(JSON.parse(readFileSync(join(folder, 'lock.json'), 'utf8'))).toMatchObject({ pid: process.pid })
    await platform.close()
  })

  test('of many at the same time one gets it', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => takeLock(folder, { command: 'dev', now: () => new Date() })),
    )
    const locks = tries.filter(({ status }) => status === 'fulfilled')
    expect(locks).toHaveLength(1)
    for (const item of tries) if (item.status === 'fulfilled') item.value.release()
  })
})

describe('the control interface', () => {
  let platform: Platform
  let control: ControlClient
  beforeEach(async () => {
    platform = await open({ command: 'dev' })
    control = createControlClient(platform.settings)
  })
  const url = (path: string): string => `http://127.0.0.1:${platform.settings.ports.functions}${path}`
  const authorized = () => ({ authorization: `Bearer ${platform.settings.controlToken}` })

  test('says what runs, takes files, and tells when all is done', async () => {
    expect(await control.about()).toEqual({ pid: process.pid, command: 'dev', folder })
    const path = join(folder, 'some file')
    writeFileSync(path, 'A\n1\n')
    await control.upload("s-1/v1/odd name%2F'.csv", path)
    expect(Buffer.from(await platform.landing.get("s-1/v1/odd name%2F'.csv")).toString()).toBe('A\n1\n')
    await control.rescan({ study: 's-1', version: 'v1' })
    const done = control.idle()
    platform.start()
    expect(await done).toEqual([])
    expect(seen.map(([, body]) => body)).toContainEqual({
      rescan: { study: 's-1', version: 'v1', cause: expect.any(String) },
    })
  })

  test('says where a version stands', async () => {
    await platform.landing.put('s-1/v1/contents.csv', Buffer.from('dataset,field,type\ndm,A,integer\n'))
    expect(await control.status({ study: 's-1', version: 'v1' })).toMatchObject({
      state: 'waiting',
      report: { waitingFor: ['dm.csv'] },
    })
  })

  test('refuses whoever does not show the token', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${'x'.repeat(32)}` }]) {
      const response = await fetch(url('/'), { headers: headers as Record<string, string> })
      expect(response.status).toBe(401)
    }
    const stranger = createControlClient({ ...platform.settings, controlToken: 'x'.repeat(32) })
    await expect(stranger.about()).rejects.toThrow(NotRunningError)
  })

  test.each([
    ['GET', '/nothing', 404],
    ['POST', '/landing/s-1/v1/a.csv', 404],
    ['GET', '/status?study=s-1', 400],
    ['PUT', '/landing/', 500],
    ['POST', '/functions/nothing', 404],
    ['POST', '/functions/toString', 404],
  ])('%s %s answers %i', async (method, path, status) => {
    const response = await fetch(url(path), { method, headers: authorized() })
    expect(response.status).toBe(status)
    expect(await response.json()).toHaveProperty('message')
  })

  test('a client of a platform that has stopped is told so', async () => {
    await platform.close()
    await expect(control.about()).rejects.toThrow(NotRunningError)
    const path = join(folder, 'file')
    writeFileSync(path, 'x')
    await expect(control.upload('s-1/v1/a.csv', path)).rejects.toThrow(NotRunningError)
  })

  test('a reader sees the lake, and cannot send messages', async () => {
    await platform.environment.lake.put('a', Buffer.from('x'))
    const reader = openReader({ folder, settings: platform.settings })
    expect(await reader.lake.head('a')).toMatchObject({ size: 1 })
    expect(await reader.lakefs.health()).toBe(true)
    await expect(reader.queues.convert.send([{ body: '1' }])).rejects.toThrow('belongs to the process')
  })
})

describe('function URLs', () => {
  const call = (platform: Platform, path: string, init: RequestInit) =>
    fetch(`http://127.0.0.1:${platform.settings.ports.functions}/functions/check${path}`, init)

  test('the function gets what Lambda would give it', async () => {
    const events: unknown[] = []
    const platform = await open({
      createHandlers: stub({
        check: async event => {
          events.push(event)
          return { statusCode: 418, headers: { 'x-tea': 'yes' }, body: '{"a":1}' }
        },
      }),
    })
    const response = await call(platform, '/deep?a=1&b=2', {
      method: 'POST',
      body: '{"x":"é"}',
      headers: { 'content-type': 'application/json', 'X-Token': 't' },
    })
    expect([response.status, response.headers.get('x-tea'), await response.text()]).toEqual([418, 'yes', '{"a":1}'])
    await call(platform, '', {
      method: 'POST',
      body: Buffer.from([0, 255]),
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(events[0]).toMatchObject({
      version: '2.0',
      rawPath: '/deep',
      rawQueryString: 'a=1&b=2',
      headers: { 'x-token': 't' },
      requestContext: { http: { method: 'POST', path: '/deep' } },
      body: '{"x":"é"}',
      isBase64Encoded: false,
    })
    expect(events[1]).toMatchObject({ rawPath: '/', body: 'AP8=', isBase64Encoded: true })
  })

  test('a function that fails answers 502, a body that is too large 413', async () => {
    const platform = await open({
      createHandlers: stub({
        check: async () => {
          throw new Error('no')
        },
      }),
    })
    expect((await call(platform, '', { method: 'POST', body: '{}' })).status).toBe(502)
    const large = await call(platform, '', { method: 'POST', body: Buffer.alloc(7 * 2 ** 20) }).then(
      ({ status }) => status,
      () => 413,
    )
    expect(large).toBe(413)
  })
})
