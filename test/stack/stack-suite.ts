import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Landing } from '../../infra/stack/servers.ts'
import { type Stack, startStack } from '../../infra/stack/stack.ts'
import { badInputSuite } from '../e2e/suites/bad-input.ts'
import { oddNamesSuite } from '../e2e/suites/odd-names.ts'
import { orderSuite } from '../e2e/suites/order.ts'
import { privacySuite } from '../e2e/suites/privacy.ts'
import { realStudySuite } from '../e2e/suites/real-study.ts'
import { uploadSuite } from '../e2e/suites/uploads.ts'
import type { Subject } from '../support/subject.ts'
import { makeTemporaryFolder } from '../support/test-platform.ts'
import { consumerSuite } from './consumer-suite.ts'
import { faultSuite } from './fault-suite.ts'
import { createStackSubject } from './stack-subject.ts'

/** Starts and deploys a stack, runs the end-to-end suites of the embedded platform over it and those of its own, and takes it away again. */
export function stackSuite(landing: Landing): void {
  describe(`the deployed stack, files landing in ${landing}`, () => {
    let stack: Stack
    let subject: Subject
    const cleanUps: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      const { folder, cleanUp } = await makeTemporaryFolder()
      cleanUps.push(cleanUp)
      // A lakeFS of its own has to know the stack's ports and keys before it is started.
      const settings = process.env.STUDYLAKE_STACK_SETTINGS
      if (settings) await copyFile(settings, join(folder, 'stack-settings.json'))
      stack = await startStack({
        folder,
        landing,
        containers: false,
        sql: false,
        settleSeconds: 1,
        // Each is a process of its own.
        context: { convertConcurrency: '4' },
      })
      cleanUps.push(() => stack.close())
      subject = createStackSubject(stack)
    })
    afterAll(async () => {
      for (const cleanUp of cleanUps.reverse()) await cleanUp()
    })

    const options = { landing, stack: () => stack, subject: () => subject }
    uploadSuite(options)
    orderSuite({ ...options, runs: 2 })
    oddNamesSuite(options)
    badInputSuite(options)
    privacySuite(options)
    realStudySuite(options)

    faultSuite(options)
    consumerSuite(options)

    it('is taken away again, and leaves no queue', async () => {
      expect(await stack.depths()).not.toEqual([])
      await stack.destroy()
      expect(await stack.depths()).toEqual([])
    })
  })
}
