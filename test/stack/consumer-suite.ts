import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { toVariables } from '../../infra/stack/aws.ts'
import { plainEnvironment } from '../../infra/stack/processes.ts'
import type { Stack } from '../../infra/stack/stack.ts'
import type { DeadLetter } from '../../lib/queue/dead-letters.ts'
import { smallStudy } from '../support/small-study.ts'
import {
  countMessages,
  expectNothingGivenUp,
  expectSmallStudy,
  type FunctionName,
  land,
  type SuiteOptions,
  waitUntil,
} from './suite.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const version = 'v1'
/** One that is given cannot be stopped. */
const givenLakefs = Boolean(process.env.LAKEFS_ENDPOINT)

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

/**
 * What becomes of messages whose consumer fails. The deployment is updated to give up sooner, so that this can be waited for; what takes its time
 * and does not depend on the object store is looked at over one.
 */
export function consumerSuite({ landing, stack }: SuiteOptions): void {
  describe('a consumer', () => {
    beforeAll(async () => {
      await stack().deploy({ maxTimeoutSeconds: '10', maxReceiveCount: '2' })
    })

    it.runIf(landing === 's3')('killed while files are converted: the messages come again', async () => {
      await land(stack(), 'killed', version, smallStudy)
      await waitUntil(async () => (await countMessages(stack(), 'Convert')) > 0, { pollMs: 10 })
      await waitUntil(async () => (await killFunction(stack(), 'Convert')) > 0, { pollMs: 10 })
      await expectSmallStudy(stack(), 'killed', version)
    })

    // The message of a group comes again once its time-out has ended: more than a minute.
    it.skipIf(landing === 's3' || givenLakefs)(
      'killed in the middle of a batch that nothing else stands in for: it is worked on anew',
      async () => {
        const lakefs = stack().servers.processes.lakefs!
        // It is asked, and does not answer: whoever asks is in the middle of the work.
        process.kill(-lakefs.pid()!, 'SIGSTOP')
        try {
          await land(stack(), 'killed-alone', version, smallStudy)
          await waitUntil(async () => (await countMessages(stack(), 'Register')) > 0)
          await sleep(3000)
          expect(await killFunction(stack(), 'Register')).toBeGreaterThan(0)
        } finally {
          process.kill(-lakefs.pid()!, 'SIGCONT')
        }
        expect(await countMessages(stack(), 'Register')).toBeGreaterThan(0)
        await expectSmallStudy(stack(), 'killed-alone', version, { timeoutSeconds: 180 })
      },
    )

    it.skipIf(givenLakefs)(
      'that cannot do its work: the message is given up with the reason, and goes back when that is mended',
      async () => {
        const { lakefs } = stack().servers.processes
        await lakefs!.kill()
        await land(stack(), 'given-up', version, smallStudy)
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
        await dlq(stack(), 'redrive', 'register')
        await expectSmallStudy(stack(), 'given-up', version)
      },
    )

    it.runIf(landing === 's3')(
      'that cannot read a message: it is given up with the reason, and can be sent again',
      async () => {
        await stack().environment.queues.landing.send([{ body: '{"nobody": "knows this"}' }])
        const isGivenUp = async () => (await countMessages(stack(), 'Receive', 'DeadLetterQueue')) === 1
        await expectNothingGivenUp(stack())
        await waitUntil(isGivenUp)
        const [letter] = JSON.parse(await dlq(stack(), 'list', '--json')) as DeadLetter[]
        expect(letter).toMatchObject({ queue: 'landing', failure: { tries: 2, error: 'ZodError' } })
        expect(await dlq(stack(), 'show', 'landing', letter!.messageId.slice(0, 8))).toContain(letter!.failure!.error)
        expect(await dlq(stack(), 'redrive', 'landing')).toContain('1 message sent again')
        await expectNothingGivenUp(stack())
      },
    )
  })
}
