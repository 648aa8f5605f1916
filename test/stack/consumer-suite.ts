import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSqsClient, toVariables } from '../../infra/stack/aws.ts'
import { plainEnvironment } from '../../infra/stack/processes.ts'
import type { Stack } from '../../infra/stack/stack.ts'
import type { DeadLetter } from '../../lib/queue/dead-letters.ts'
import { expectCommitted } from '../e2e/suites/expect-version.ts'
import { readContent } from '../support/committed-content.ts'
import { loadExpected } from '../support/embedded-subject.ts'
import { smallStudy } from '../support/small-study.ts'
import { upload } from '../support/subject.ts'
import { waitUntil } from './stack-subject.ts'
import {
  countMessages,
  expectSmallStudy,
  type FunctionName,
  landSmallStudy,
  type StackSuiteOptions,
  version,
} from './suite.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
/** Of the functions, and of what a function that died held: a bit longer. */
const timeoutSeconds = 15
const visibilitySeconds = 20
/** One that is given cannot be stopped. */
const givenLakefs = Boolean(process.env.LAKEFS_ENDPOINT)

/** Takes some seconds to be converted. */
function makeLongDataset(): string {
  const rows = Array.from({ length: 600_000 }, (_, index) => `P${index % 4},Term ${index},${index}`)
  return ['USUBJID,AETERM,AESEQ', ...rows, ''].join('\n')
}

/** Ends the processes that run a function, and resolves with how many there were. */
async function killFunction({ outputs, servers }: Stack, name: FunctionName): Promise<number> {
  const emulator = servers.processes.emulator!.pid()
  const { stdout } = await execute('ps', ['-A', '-o', 'pid=,ppid=,args='])
  const processes = stdout
    .split('\n')
    .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter(found => found !== null)
    .filter(([, , parent, args]) => Number(parent) === emulator && args!.includes(outputs[`${name}FunctionName`]!))
  for (const [, pid] of processes) process.kill(Number(pid), 'SIGKILL')
  return processes.length
}

/** Runs `studylake dlq` against the deployment, and resolves with what it prints. */
async function dlq({ environment, outputs, servers }: Stack, ...args: string[]): Promise<string> {
  const variables: Record<string, string> = {
    LANDING: 'Receive',
    CONVERT: 'Convert',
    REGISTER: 'Register',
    KEYS: 'AssignKeys',
    ADD_KEYS: 'AddKeys',
    COMMIT: 'Commit',
  }
  const urls = Object.entries(variables).flatMap(([variable, name]) => [
    [`${variable}_QUEUE_URL`, outputs[`${name}QueueUrl`]!],
    [`${variable}_DLQ_URL`, outputs[`${name}DeadLetterQueueUrl`]!],
  ])
  const { stdout } = await execute(process.execPath, [join(root, 'bin', 'studylake.mjs'), 'dlq', ...args, '--aws'], {
    cwd: root,
    env: {
      ...plainEnvironment(),
      ...toVariables(servers.emulator),
      ...Object.fromEntries(urls),
      LAKE_BUCKET: environment.lake.bucket,
      OBJECT_STORE_ENDPOINT: servers.objectStore.endpoint,
      OBJECT_STORE_ACCESS_KEY_ID: servers.objectStore.accessKeyId,
      OBJECT_STORE_SECRET_ACCESS_KEY: servers.objectStore.secretAccessKey,
    },
  })
  return stdout
}

/** Lets a queue hand out sooner again what a function that died held: the deployment's own time is six times the function's. */
async function shortenVisibility({ outputs, servers }: Stack, name: FunctionName): Promise<void> {
  const client = createSqsClient(servers.emulator)
  try {
    const QueueUrl = new URL(new URL(outputs[`${name}QueueUrl`]!).pathname, servers.emulator.endpoint).href
    const Attributes = { VisibilityTimeout: String(visibilitySeconds) }
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }))
  } finally {
    client.destroy()
  }
}

/**
 * An update of the deployment, and what becomes of messages whose consumer fails: it is updated to give up sooner, so that this can be waited for.
 * What takes its time and does not depend on the object store is looked at over one.
 */
export function consumerSuite(options: StackSuiteOptions): void {
  const { landing, stack, subject } = options

  it('after an update of the deployment an upload becomes a committed version, too', async () => {
    const before = stack().outputs
    const after = await stack().deploy({ maxTimeoutSeconds: String(timeoutSeconds), maxReceiveCount: '2' })
    expect(after).toEqual(before)
    await landSmallStudy(options, 'updated')
    await expectSmallStudy(options, 'updated')
  })

  describe('a consumer', () => {
    beforeAll(async () => {
      for (const name of ['Convert', 'Register'] as const) await shortenVisibility(stack(), name)
    })

    it.runIf(landing === 's3')('killed in the middle of converting a file: the message comes again', async () => {
      const study = 'killed'
      const files = { ...smallStudy, 'ae.csv': makeLongDataset() }
      const expected = await loadExpected(study, [{ version, files }])
      await upload(subject(), { study, version, files })
      await waitUntil(async () => (await countMessages(stack(), 'Convert')) > 0, { everyMs: 10 })
      await sleep(500)
      expect(await killFunction(stack(), 'Convert')).toBeGreaterThan(0)
      const killed = performance.now()
      await expectCommitted(subject(), study, version)
      // Nobody had the message to itself before: it was in the hands of what was killed.
      expect(performance.now() - killed).toBeGreaterThan((visibilitySeconds / 2) * 1000)
      expect(await readContent(subject().environment, study, `${version}@`)).toEqual(expected[version])
    })

    it.skipIf(landing === 's3' || givenLakefs)(
      'killed in the middle of a batch that nothing else stands in for: it is worked on anew',
      async () => {
        const lakefs = stack().servers.processes.lakefs!
        // It is asked, and does not answer: whoever asks is in the middle of the work.
        process.kill(-lakefs.pid()!, 'SIGSTOP')
        try {
          await landSmallStudy(options, 'killed-alone')
          await waitUntil(async () => (await countMessages(stack(), 'Register')) > 0)
          await sleep(3000)
          expect(await killFunction(stack(), 'Register')).toBeGreaterThan(0)
        } finally {
          process.kill(-lakefs.pid()!, 'SIGCONT')
        }
        expect(await countMessages(stack(), 'Register')).toBeGreaterThan(0)
        await expectSmallStudy(options, 'killed-alone')
      },
    )

    it.skipIf(givenLakefs)(
      'that cannot do its work: the message is given up with the reason, and goes back when that is mended',
      async () => {
        const { lakefs } = stack().servers.processes
        await lakefs!.kill()
        await landSmallStudy(options, 'given-up')
        await waitUntil(async () => (await countMessages(stack(), 'Register', 'DeadLetterQueue')) > 0, {
          timeoutSeconds: 120,
        })
        const letters = JSON.parse(await dlq(stack(), 'list', '--json')) as DeadLetter[]
        expect(letters[0]).toMatchObject({
          queue: 'register',
          work: { study: 'given-up', version },
          failure: { tries: 2, error: 'TransientError' },
        })
        expect(await dlq(stack(), 'show', 'register')).toContain(letters[0]!.messageId)
        await lakefs!.start()
        expect(await dlq(stack(), 'redrive', 'register')).toMatch(/messages? sent again/)
        // What stood behind it in the group may have failed as often before lakeFS was back.
        const isWorkedOff = async () => {
          const given = await countMessages(stack(), 'Register', 'DeadLetterQueue')
          if (given > 0) await dlq(stack(), 'redrive', 'register')
          return given + (await countMessages(stack(), 'Register')) === 0
        }
        await waitUntil(isWorkedOff, { timeoutSeconds: 120 })
        await expectSmallStudy(options, 'given-up')
      },
    )

    it.runIf(landing === 's3')(
      'that cannot read a message: it is given up with the reason, and can be sent again',
      async () => {
        await subject().settle()
        await stack().environment.queues.landing.send([{ body: '{"nobody": "knows this"}' }])
        await waitUntil(async () => (await countMessages(stack(), 'Receive', 'DeadLetterQueue')) === 1)
        const [letter] = JSON.parse(await dlq(stack(), 'list', '--json')) as DeadLetter[]
        expect(letter).toMatchObject({ queue: 'landing', failure: { tries: 2, error: 'ZodError' } })
        expect(await dlq(stack(), 'show', 'landing', letter!.messageId.slice(0, 8))).toContain(letter!.failure!.error)
        expect(await dlq(stack(), 'redrive', 'landing')).toContain('1 message sent again')
        expect(await countMessages(stack(), 'Receive', 'DeadLetterQueue')).toBe(0)
      },
    )
  })
}
