import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../bin/support/session.ts'
import { inspectVersion, type VersionStatus } from '../../lib/pipeline/status.ts'
import type { Stack } from './stack.ts'

/** ms between two looks. */
const pollMs = 250

/**
 * Resolves with what became of a version once it is committed or rejected. Throws an Error with what is on the queues where that takes too
 * long, or at once where a server ends meanwhile.
 */
export async function waitForVersion(
  { environment, depths, crashed }: Pick<Stack, 'environment' | 'depths' | 'crashed'>,
  { study, version, timeoutSeconds = 300 }: { study: string; version: string; timeoutSeconds?: number },
): Promise<VersionStatus> {
  const end = performance.now() + timeoutSeconds * 1000
  for (;;) {
    const status = await inspectVersion(environment, study, version)
    if (status.state === 'committed' || status.state === 'rejected') return status
    if (performance.now() > end) {
      const waiting = (await depths()).filter(({ count }) => count > 0).map(({ queue, count }) => `${queue}: ${count}`)
      throw new Error(
        `${study} ${version} is ${status.state} after ${timeoutSeconds} s; messages: ${waiting.join(', ') || 'none'}`,
      )
    }
    const crash = await Promise.race([sleep(pollMs), crashed])
    if (crash) throw crash
  }
}

/** The stack as commands see a platform: files go in, and `finish` waits until each version that they belong to is judged. */
export function createStackSession(stack: Stack): Session {
  const touched = new Map<string, { study: string; version: string }>()
  return {
    attached: true,
    environment: stack.environment,
    async upload(key, path) {
      await stack.environment.landing.put(key, createReadStream(path))
      const [study, version, file] = key.split('/')
      if (study && version && file) touched.set(`${study}/${version}`, { study, version })
    },
    async finish() {
      for (const [key, name] of touched) {
        await waitForVersion(stack, name)
        touched.delete(key)
      }
      return (await stack.depths()).filter(({ count, isDeadLetter }) => isDeadLetter && count > 0)
    },
  }
}
