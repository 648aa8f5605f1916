import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitForVersion } from '../../infra/stack/session.ts'
import type { Stack } from '../../infra/stack/stack.ts'
import { readReport } from '../../lib/pipeline/version-report.ts'
import type { Subject } from '../support/subject.ts'
import { readFunctionLogs } from './function-logs.ts'

/** ms between two looks, and how many in a row have to find nothing: an event may be on its way from the store to a queue. */
const pollMs = 250
const quietLooks = 4

/** Looks until it is so. Throws an Error where that takes too long. */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  { timeoutSeconds = 60, everyMs = 200 }: { timeoutSeconds?: number; everyMs?: number } = {},
): Promise<void> {
  const end = performance.now() + timeoutSeconds * 1000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`was not so after ${timeoutSeconds} s: ${isSo}`)
    await sleep(everyMs)
  }
}

/** Events that MinIO has not delivered yet; 0 over another store. */
export async function countUndelivered({ folder }: Pick<Stack, 'folder'>): Promise<number> {
  const names = await readdir(join(folder, 'minio', 'undelivered-events'), { recursive: true }).catch(() => [])
  return names.filter(name => name.endsWith('.event')).length
}

/** Throws where a message was given up. */
async function refuseGivenUp({ depths }: Stack): Promise<void> {
  const given = (await depths()).filter(({ isDeadLetter, count }) => isDeadLetter && count > 0)
  if (given.length > 0) throw new Error(`messages were given up: ${JSON.stringify(given)}`)
}

/** The deployed stack as a subject. */
export function createStackSubject(stack: Stack): Subject {
  return {
    environment: stack.environment,
    async settle({ timeoutSeconds = 120 } = {}) {
      let quiet = 0
      let busy: unknown[] = []
      const isQuiet = async () => {
        const undelivered = await countUndelivered(stack)
        busy = (await stack.depths()).filter(({ isDeadLetter, count }) => !isDeadLetter && count > 0)
        if (undelivered > 0) busy.push({ undelivered })
        quiet = busy.length > 0 ? 0 : quiet + 1
        return quiet >= quietLooks
      }
      await waitUntil(isQuiet, { timeoutSeconds, everyMs: pollMs }).catch((cause: unknown) => {
        throw new Error(`there is work left: ${JSON.stringify(busy)}`, { cause })
      })
      await refuseGivenUp(stack)
    },
    async judge(study, version, { timeoutSeconds = 120 } = {}) {
      const judged = await waitForVersion(stack, { study, version, timeoutSeconds })
      // A rejection can be seen before it is written down.
      const isWritten = async () => {
        const written = await readReport(stack.environment, study, version)
        return written?.status === judged.state && written.landing === judged.report.landing
      }
      await waitUntil(isWritten, { timeoutSeconds })
      await refuseGivenUp(stack)
      return judged
    },
    async readLogs() {
      const folder = join(stack.folder, 'logs')
      const texts = await Promise.all((await readdir(folder)).map(name => readFile(join(folder, name), 'utf8')))
      return [...texts.flatMap(text => text.split('\n')), ...(await readFunctionLogs(stack.servers.emulator))]
    },
  }
}
