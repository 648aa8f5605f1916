import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ServerError } from '../../../infra/stack/processes.ts'
import { createStackSession, waitForVersion } from '../../../infra/stack/session.ts'
import type { Stack } from '../../../infra/stack/stack.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy } from '../../support/small-study.ts'

let platform: TestEnvironment
let stack: Pick<Stack, 'environment' | 'depths' | 'crashed'>
let crash: (error: ServerError) => void
let folder: string

beforeAll(async () => {
  platform = await makeEnvironment({ settleSeconds: 0 })
  folder = await mkdtemp(join(tmpdir(), 'studylake-session-'))
  const { promise: crashed, resolve } = Promise.withResolvers<ServerError>()
  crash = resolve
  stack = {
    environment: platform.environment,
    depths: async () => [
      { queue: 'convert', count: 2, isDeadLetter: false },
      { queue: 'landing', count: 0, isDeadLetter: false },
      { queue: 'convert-dlq', count: 1, isDeadLetter: true },
    ],
    crashed,
  }
})
afterAll(async () => {
  await platform.close()
  await rm(folder, { recursive: true })
})

test('a version that is not judged in time is said to be waited for, with what is on the queues', async () => {
  const waiting = waitForVersion(stack, { study: 'small', version: 'v9', timeoutSeconds: 0 })
  await expect(waiting).rejects.toThrow('small v9 is waiting after 0 s; messages: convert: 2, convert-dlq: 1')
})

test('what is uploaded is waited for until it is committed; what was given up is told', async () => {
  const session = createStackSession(stack as Stack)
  for (const [name, text] of Object.entries(smallStudy)) {
    const path = join(folder, name)
    await writeFile(path, text)
    await session.upload(`small/v1/${name}`, path)
  }
  const finished = session.finish()
  await platform.upload({ study: 'small', version: 'v1', files: smallStudy })
  await platform.drain()
  expect(await finished).toEqual([{ queue: 'convert-dlq', count: 1, isDeadLetter: true }])
  expect((await waitForVersion(stack, { study: 'small', version: 'v1' })).state).toBe('committed')
})

test('a server that ends meanwhile ends the waiting', async () => {
  const waiting = waitForVersion(stack, { study: 'small', version: 'v9' })
  crash(new ServerError('MinIO ended with SIGKILL'))
  await expect(waiting).rejects.toThrow('MinIO ended with SIGKILL')
})
