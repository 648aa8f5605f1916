import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createHandlers } from '../../functions/handlers.ts'
import { createControlClient } from '../../infra/local/control-client.ts'
import type { CreateHandlers } from '../../infra/local/functions.ts'
import type { Platform, PlatformOptions } from '../../infra/local/platform.ts'
import { TransientError } from '../../lib/errors.ts'
import { failureKey } from '../../lib/layout.ts'
import { inspectVersion } from '../../lib/pipeline/status.ts'
import type { DeadLetter } from '../../lib/queue/dead-letters.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { smallStudy } from '../support/small-study.ts'
import { finish, makeTemporaryFolder, openTestPlatform, readCommitted, upload } from '../support/test-platform.ts'

const project = resolve(import.meta.dirname, '..', '..')
const study = 'dlq'
const version = 'v1'
const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** A clock of which each look is some seconds later: pauses between tries pass at once. */
function fastClock(): () => Date {
  let time = Date.parse('2026-01-02T03:04:05.678Z')
  return () => {
    time += 2000
    return new Date(time)
  }
}

/** The real functions over a landing bucket in which one file cannot be read, until `mended` is set. */
function breakFile(file: string) {
  const state = { mended: false }
  const create: CreateHandlers = environment => {
    const { landing } = environment
    const broken: ObjectStore = {
      ...landing,
      stream: (key, options) =>
        key.endsWith(`/${file}`) && !state.mended
          ? Promise.reject(new TransientError('the store is away', { cause: new Error('no answer') }))
          : landing.stream(key, options),
    }
    const real = createHandlers(environment)
    return { ...real, convert: createHandlers({ ...environment, landing: broken }).convert }
  }
  return { state, create }
}

/** A platform that has given up on the conversion of `dm`. */
async function openStuck(options: Partial<PlatformOptions> = {}) {
  const { folder, cleanUp } = await makeTemporaryFolder()
  const { state, create } = breakFile('dm.csv')
  const platform = await openTestPlatform({ folder, now: fastClock(), createHandlers: create, ...options })
  cleanUps.push(cleanUp, () => platform.close())
  await upload(platform, { study, version, files: smallStudy })
  expect(await platform.idle({ timeoutMs: 60_000 })).toBe(true)
  expect((await inspectVersion(platform.environment, study, version)).state).toBe('processing')
  return { folder, platform, state }
}

const isStuckConversion = (letters: DeadLetter[]) =>
  expect(letters).toEqual(
    expect.arrayContaining([
      {
        queue: 'convert',
        function: 'convert',
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        sent: expect.stringMatching(/^2026-/) as string,
        work: { kind: 'work', study, version, dataset: 'dm', file: 'dm.csv', etag: expect.any(String) as string },
        failure: {
          requestId: expect.any(String) as string,
          time: expect.stringMatching(/^2026-/) as string,
          tries: 5,
          error: 'TransientError',
          reason: 'the store is away',
          cause: 'Error: no answer',
        },
      },
    ]),
  )

async function expectLoaded(platform: Platform): Promise<void> {
  expect((await finish(platform, study, version)).state).toBe('committed')
  const { folder, cleanUp } = await makeTemporaryFolder()
  const undisturbed = await openTestPlatform({ folder, now: fastClock() })
  cleanUps.push(cleanUp, () => undisturbed.close())
  await upload(undisturbed, { study, version, files: smallStudy })
  await finish(undisturbed, study, version)
  const tables = async (of: Platform) =>
    [...(await readCommitted(of, study, `${version}@`)).keys()].filter(key => key.startsWith('tables/'))
  const paths = (keys: string[]) => keys.map(key => key.split(' ')[0])
  expect(paths(await tables(platform))).toEqual(paths(await tables(undisturbed)))
}

/** Runs the real command line to its end. */
async function studylake(...args: string[]) {
  const { LANDING_QUEUE_URL: _url, LANDING_DLQ_URL: _dlq, LAKE_BUCKET: _bucket, INIT_CWD: _cwd, ...env } = process.env
  const child = spawn(process.execPath, [join(project, 'bin', 'studylake.mjs'), 'dlq', ...args], { cwd: project, env })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk))
  const [code] = (await once(child, 'close')) as [number]
  expect(output.stderr).not.toMatch(/^\s+at /m)
  return { code, ...output }
}

describe('a message that was given up', () => {
  it('is listed with the reason, goes back when that is mended, and its version is committed', async () => {
    const { platform, state } = await openStuck()
    isStuckConversion(await platform.listDeadLetters())
    const [letter] = await platform.listDeadLetters()
    const kept = await platform.environment.lake.get(failureKey('convert', letter!.messageId))
    expect(new TextDecoder().decode(kept)).not.toMatch(/ {4}at |P1|\.ts:/)
    // Looking has changed nothing.
    const before = platform.deadLetters()
    expect(before.map(({ queue }) => queue)).toEqual(['convert-dlq'])

    expect(await platform.redrive({ queue: 'register' })).toEqual([])
    expect(platform.deadLetters()).toEqual(before)
    state.mended = true
    const moved = await platform.redrive()
    expect(moved.map(({ queue, work }) => `${queue} ${work.dataset}`)).toEqual(
      Array.from({ length: before[0]!.count }, () => 'convert dm'),
    )
    await expectLoaded(platform)
    expect(await platform.listDeadLetters()).toEqual([])
  })

  it('comes back where nothing was mended, as another message with a reason of its own', async () => {
    const { platform, state } = await openStuck()
    const [letter] = await platform.listDeadLetters()
    const moved = await platform.redrive({ messageId: letter!.messageId })
    expect(moved.map(({ messageId }) => messageId)).toEqual([letter!.messageId])
    expect(await platform.idle({ timeoutMs: 60_000 })).toBe(true)
    const letters = await platform.listDeadLetters()
    isStuckConversion(letters)
    expect(letters.map(({ messageId }) => messageId)).not.toContain(letter!.messageId)
    state.mended = true
    await platform.redrive({ queue: 'convert' })
    await expectLoaded(platform)
  })

  it('is looked after through the control interface of a running platform', async () => {
    const { platform, state } = await openStuck()
    const control = createControlClient(platform.settings)
    expect(await control.listDeadLetters()).toEqual(await platform.listDeadLetters())
    state.mended = true
    expect((await control.redrive({ queue: 'convert' })).length).toBeGreaterThan(0)
    await expectLoaded(platform)
  })
})

describe('the command line', () => {
  it('lists, shows and sends back, of a platform that runs', async () => {
    const { folder, platform, state } = await openStuck()
    const listed = await studylake('list', '--data', folder, '--json')
    const letters = JSON.parse(listed.stdout) as DeadLetter[]
    expect(letters).toEqual(await platform.listDeadLetters())
    const { messageId } = letters[0]!
    const short = messageId.slice(0, 8)
    const text = await studylake('list', '--data', folder)
    expect(text.stdout).toMatch(
      new RegExp(`convert +${short} +dlq +v1 +dm +5 +2026-.* +TransientError: the store is away`),
    )
    expect(text.stdout).toContain(`dlq redrive --data `)
    expect(text.code).toBe(0)

    const shown = await studylake('show', 'convert-dlq', short, '--data', folder)
    for (const line of [
      /function +convert/,
      /dataset +dm/,
      /last try +2026-.* UTC, number 5/,
      /because +Error: no answer/,
    ])
      expect(shown.stdout).toMatch(line)
    expect(shown.stdout).toContain(messageId)
    const all = await studylake('show', 'convert', '--data', folder, '--json')
    expect(JSON.parse(all.stdout)).toEqual(letters)
    expect((await studylake('show', 'register.fifo', '--data', folder)).stdout).toBe(
      'No message of register was given up.\n',
    )

    const nobody = await studylake('redrive', '--message', 'ffffffff-0', '--data', folder)
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('no queue has given up a message')])
    state.mended = true
    const redriven = await studylake('redrive', '--data', folder)
    expect(redriven.stdout).toMatch(/convert: \d+ messages? sent again/)
    expect(redriven.stdout).toContain('See that none comes back: npm run -s studylake -- dlq list')
    expect(redriven.code).toBe(0)
    await expectLoaded(platform)
    expect((await studylake('redrive', '--data', folder)).stdout).toBe('No message was given up.\n')
  })

  it('does so where nothing runs, and says that somebody has to', async () => {
    const { folder, platform } = await openStuck()
    const [letter] = await platform.listDeadLetters()
    await platform.close()
    const redriven = await studylake('redrive', 'convert', '--message', letter!.messageId, '--data', folder)
    expect(redriven.stdout).toContain('convert: 1 message sent again')
    expect(redriven.stdout).toContain('Nothing is running: they are worked on by the next')
    const again = await openTestPlatform({ folder })
    cleanUps.push(() => again.close())
    await expectLoaded(again)
  })

  it('says how it is called, and what is missing', async () => {
    const { folder, cleanUp } = await makeTemporaryFolder()
    cleanUps.push(cleanUp)
    const calls: [string[], number, RegExp][] = [
      [[], 2, /dlq: which of list, show, redrive\?/],
      [['lists'], 2, /"lists" is none of list, show, redrive/],
      [['show'], 2, /QUEUE/i],
      [
        ['show', 'nowhere', '--data', folder],
        2,
        /there is no queue "nowhere"; there are landing, convert, register, keys/,
      ],
      [['list', 'convert'], 2, /one argument too many/],
      [['list', '--data', folder], 1, /there is nothing in .* yet/],
      [['list', '--aws'], 1, /LANDING_QUEUE_URL is not set; LANDING_DLQ_URL is not set; LAKE_BUCKET is not set/],
    ]
    for (const [args, code, message] of calls) {
      const result = await studylake(...args)
      expect([result.code, result.stderr], args.join(' ')).toEqual([code, expect.stringMatching(message)])
    }
    expect((await studylake('--help')).stdout).toMatch(/list\|show\|redrive/)
    expect((await studylake('redrive', '--help')).stdout).toMatch(
      /dlq redrive.*\[QUEUE\][\s\S]*--message=<ID>[\s\S]*--aws/,
    )
  })
})
