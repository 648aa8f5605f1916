import { afterEach, expect, it } from 'vitest'
import { landingKey } from '../../lib/layout.ts'
import { smallStudy } from '../support/small-study.ts'
import {
  finish,
  fixedClock,
  makeTemporaryFolder,
  openTestPlatform,
  readCommitted,
  upload,
} from '../support/test-platform.ts'

const study = 'order'
const version = 'v1'
const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** A platform that is not started yet, in a time that stands still: the bytes of all that it commits are the same. */
async function openFresh() {
  const { folder, cleanUp } = await makeTemporaryFolder()
  const platform = await openTestPlatform({ folder, now: fixedClock(), start: false })
  cleanUps.push(cleanUp, platform.close)
  return platform
}

async function load(order: string[]): Promise<Map<string, string>> {
  const platform = await openFresh()
  platform.start()
  await upload(platform, { study, version, files: smallStudy, order })
  expect((await finish(platform, study, version)).state).toBe('committed')
  return readCommitted(platform, study, `${version}@`)
}

it('commits the same bytes in another order, and though every file comes twice', async () => {
  const files = Object.keys(smallStudy)
  const expected = await load(files)
  expect([...expected.keys()]).toContain('tables/base/dm.json')
  expect(await load([...files, ...files].reverse())).toEqual(expected)
})

it('picks up by its schedule what no event announced', async () => {
  const expected = await load(Object.keys(smallStudy))
  const platform = await openFresh()
  await upload(platform, { study, version, files: smallStudy })
  const { landing } = platform.environment.queues
  for (const message of await landing.receive({ max: 10 })) await landing.delete(message.receiptHandle)
  platform.start()
  await platform.rescan()
  expect((await finish(platform, study, version)).state).toBe('committed')
  expect(await readCommitted(platform, study, `${version}@`)).toEqual(expected)
  expect(await platform.environment.landing.head(landingKey(study, version, '_report.json'))).toBeDefined()
})
