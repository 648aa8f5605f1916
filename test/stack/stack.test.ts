import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../../infra/stack/stack.ts'
import { makeTemporaryFolder } from '../support/test-platform.ts'
import { consumerSuite } from './consumer-suite.ts'
import { faultSuite } from './fault-suite.ts'
import { chooseLandings } from './landings.ts'
import { realStudySuite } from './real-study-suite.ts'
import { uploadSuite } from './upload-suite.ts'

describe.each(chooseLandings())('the deployed stack, files landing in %s', landing => {
  let stack: Stack
  const cleanUps: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    const { folder, cleanUp } = await makeTemporaryFolder()
    cleanUps.push(cleanUp)
    stack = await startStack({ folder, landing, containers: false, sql: false, settleSeconds: 1 })
    cleanUps.push(() => stack.close())
  })
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  })

  const options = { landing, stack: () => stack }
  uploadSuite(options)
  realStudySuite(options)
  faultSuite(options)
  consumerSuite(options)

  it('is taken away again, and leaves no queue', async () => {
    expect(await stack.depths()).not.toEqual([])
    await stack.destroy()
    expect(await stack.depths()).toEqual([])
  })
})
