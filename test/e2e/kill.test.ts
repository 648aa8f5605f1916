import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Platform } from '../../infra/local/platform.ts'
import { smallStudy } from '../support/small-study.ts'
import {
  finish,
  fixedClock,
  listLake,
  makeTemporaryFolder,
  openTestPlatform,
  readCommitted,
  upload,
} from '../support/test-platform.ts'

const study = 'kill'
const version = 'v1'
const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function openFresh(options: { start?: boolean } = {}) {
  const { folder, cleanUp } = await makeTemporaryFolder()
  cleanUps.push(cleanUp)
  const platform = await openTestPlatform({ folder, now: fixedClock(), ...options })
  cleanUps.push(() => platform.close())
  return { folder, platform }
}

async function readAll(platform: Platform) {
  return {
    committed: await readCommitted(platform, study, `${version}@`),
    keys: await readCommitted(platform, study, 'keys@'),
    data: await listLake(platform, 'data/'),
    branches: await listBranches(platform),
  }
}

async function listBranches({ environment: { lakefs } }: Platform): Promise<string[]> {
  const names: string[] = []
  for await (const { id } of lakefs.listBranches(study, { hidden: true })) names.push(id)
  return names
}

/** What an undisturbed platform makes of the study. */
async function loadUndisturbed() {
  const { platform } = await openFresh()
  await upload(platform, { study, version, files: smallStudy })
  await finish(platform, study, version)
  return readAll(platform)
}

describe('a stop after any message', () => {
  it('ends in the same content, however often the platform is opened again', async () => {
    const undisturbed = await loadUndisturbed()
    const { folder, cleanUp } = await makeTemporaryFolder()
    cleanUps.push(cleanUp)
    const now = fixedClock()
    const uploading = await openTestPlatform({ folder, now, start: false })
    await upload(uploading, { study, version, files: smallStudy })
    await uploading.kill()
    const steps: string[] = []
    for (;;) {
      const platform = await openTestPlatform({ folder, now, start: false })
      const step = await platform.step()
      await platform.kill()
      if (!step) break
      steps.push(step.queue)
      expect(steps.length).toBeLessThan(200)
    }
    for (const source of ['landing', 'convert', 'register.fifo', 'keys.fifo', 'add-keys', 'commit.fifo'])
      expect(steps).toContain(source)
    const platform = await openTestPlatform({ folder, now })
    cleanUps.push(() => platform.close())
    expect((await finish(platform, study, version)).state).toBe('committed')
    expect(await readAll(platform)).toEqual(undisturbed)
  })

  it('ends in the same content when it comes in the middle of each message', async () => {
    const undisturbed = await loadUndisturbed()
    const { folder, cleanUp } = await makeTemporaryFolder()
    cleanUps.push(cleanUp)
    const uploading = await openTestPlatform({ folder, now: fixedClock(), start: false })
    await upload(uploading, { study, version, files: smallStudy })
    await uploading.kill()
    // Three times later with every try at the same message, so that it is cut at several points; and not for a fourth time in a row, so that it is
    // worked on to its end before it is given up, however slow the machine is.
    let interrupted = 0
    let inRow = 0
    for (let pause = 9, beginning = 9; ; ) {
      const platform = await openTestPlatform({ folder, start: false })
      const step = platform.step().catch(() => 'interrupted' as const)
      const killed = inRow < 3 ? sleep(pause).then(() => 'killed' as const) : step
      const first = await Promise.race([step, killed])
      await platform.kill()
      if (first === undefined) break
      const cut = first === 'killed' || first === 'interrupted'
      if (cut) interrupted++
      inRow = cut ? inRow + 1 : 0
      if (!cut) beginning = 5 + ((beginning + 4) % 11)
      pause = cut ? pause * 3 : beginning
    }
    expect(interrupted).toBeGreaterThan(5)
    // The landing times are fixed; from here time goes on, because what was cut short comes again after a pause.
    const platform = await openTestPlatform({ folder })
    cleanUps.push(() => platform.close())
    expect((await finish(platform, study, version)).state).toBe('committed')
    expect(await readAll(platform)).toEqual(undisturbed)
  })
})
