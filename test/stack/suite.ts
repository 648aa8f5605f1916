import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Platform } from '../../infra/local/platform.ts'
import type { Landing } from '../../infra/stack/servers.ts'
import { waitForVersion } from '../../infra/stack/session.ts'
import type { Stack } from '../../infra/stack/stack.ts'
import { landingKey } from '../../lib/layout.ts'
import { smallStudy } from '../support/small-study.ts'
import { finish, makeTemporaryFolder, openTestPlatform, upload } from '../support/test-platform.ts'
import { readContent, type TableContent } from './committed-content.ts'

export interface SuiteOptions {
  landing: Landing
  /** The stack, once it is up. */
  stack: () => Stack
}

export type Files = Record<string, Uint8Array | string>

/** Uploads the files of a version, contents last unless the files are in another order. */
export async function land({ environment }: Stack, study: string, version: string, files: Files): Promise<void> {
  for (const [file, text] of Object.entries(files))
    await environment.landing.put(landingKey(study, version, file), Buffer.from(text))
}

/** Waits until a version is judged, and expects it to be committed and nothing to be given up. */
export async function expectCommitted(
  stack: Stack,
  study: string,
  version: string,
  { timeoutSeconds = 120 }: { timeoutSeconds?: number } = {},
): Promise<void> {
  const { state, report } = await waitForVersion(stack, { study, version, timeoutSeconds })
  expect(state, JSON.stringify(report.problems)).toBe('committed')
  await expectNothingGivenUp(stack)
}

export async function expectNothingGivenUp(stack: Stack): Promise<void> {
  const given = (await stack.depths()).filter(({ isDeadLetter, count }) => isDeadLetter && count > 0)
  expect(given).toEqual([])
}

/** Opens an embedded platform, hands it to `work`, and closes it. */
export async function withEmbedded<Result>(work: (platform: Platform) => Promise<Result>): Promise<Result> {
  const { folder, cleanUp } = await makeTemporaryFolder()
  try {
    const platform = await openTestPlatform({ folder })
    try {
      return await work(platform)
    } finally {
      await platform.close()
    }
  } finally {
    await cleanUp()
  }
}

/** What the embedded platform makes of versions that come one after another. */
export function loadEmbedded(
  study: string,
  versions: Record<string, Files>,
): Promise<Record<string, Record<string, TableContent>>> {
  return withEmbedded(async platform => {
    const contents: Record<string, Record<string, TableContent>> = {}
    for (const [version, files] of Object.entries(versions)) {
      await upload(platform, { study, version, files })
      expect((await finish(platform, study, version)).state).toBe('committed')
      contents[version] = await readContent(platform.environment, study, `${version}@`)
    }
    return contents
  })
}

/** What a stack must hold of the small study, whatever has happened to it. */
export async function expectSmallStudy(
  stack: Stack,
  study: string,
  version: string,
  options: { timeoutSeconds?: number } = {},
): Promise<void> {
  await expectCommitted(stack, study, version, options)
  const embedded = await loadEmbedded(study, { [version]: smallStudy })
  expect(await readContent(stack.environment, study, `${version}@`)).toEqual(embedded[version])
}

export type FunctionName = 'Receive' | 'Convert' | 'Register' | 'AssignKeys' | 'AddKeys' | 'Commit'

/** The messages of the queue that feeds a function, or of its dead-letter queue: waiting, delayed and in flight. */
export async function countMessages(
  stack: Stack,
  name: FunctionName,
  kind: 'Queue' | 'DeadLetterQueue' = 'Queue',
): Promise<number> {
  const queue = new URL(stack.outputs[`${name}${kind}Url`]!).pathname.split('/').at(-1)
  return (await stack.depths()).find(depth => depth.queue === queue)!.count
}

/** Looks until it is so. Throws an Error where that takes too long. */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  { timeoutSeconds = 60, pollMs = 200 }: { timeoutSeconds?: number; pollMs?: number } = {},
): Promise<void> {
  const end = performance.now() + timeoutSeconds * 1000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`was not so after ${timeoutSeconds} s: ${isSo}`)
    await sleep(pollMs)
  }
}
