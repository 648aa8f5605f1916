import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPlatform, type Platform, type PlatformOptions } from '../../infra/local/platform.ts'
import { parseTableMetadata } from '../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../lib/iceberg/read-table.ts'
import { tablesPrefix } from '../../lib/layout.ts'
import { silentLog } from '../../lib/log.ts'
import { inspectVersion } from '../../lib/pipeline/status.ts'
import { listObjects } from './committed-content.ts'

export { upload } from './subject.ts'

/** A folder that `cleanUp` removes. */
export async function makeTemporaryFolder(): Promise<{ folder: string; cleanUp(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'studylake-test-'))
  return { folder, cleanUp: () => rm(folder, { recursive: true, force: true }) }
}

/** A clock that stands still: landing times, and with them all committed bytes, are the same in every run of a test. */
export const fixedClock = (time = '2026-01-02T03:04:05.678Z') => {
  const at = new Date(time)
  return () => at
}

/** An embedded platform that takes uploads at once. Nothing is logged. */
export function openTestPlatform(options: PlatformOptions): Promise<Platform> {
  return openPlatform({ settleSeconds: 0, scheduleSeconds: 3600, log: silentLog, ...options })
}

/** The files of a folder by name. */
export async function readFolder(folder: string): Promise<Record<string, Uint8Array>> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.csv')).sort()
  return Object.fromEntries(await Promise.all(names.map(async name => [name, await readFile(join(folder, name))])))
}

/** Waits until there is nothing left to do. Throws where that takes too long, or a message was given up. */
export async function settle(
  platform: Platform,
  { timeoutSeconds = 120 }: { timeoutSeconds?: number } = {},
): Promise<void> {
  if (!(await platform.idle({ timeoutMs: timeoutSeconds * 1000 })))
    throw new Error(`the platform was not idle after ${timeoutSeconds} s`)
  const dead = platform.deadLetters()
  if (dead.length > 0) throw new Error(`messages were given up: ${JSON.stringify(dead)}`)
}

/** Waits until there is nothing left to do, and looks where the version stands. Throws like `settle`. */
export async function finish(
  platform: Platform,
  study: string,
  version: string,
  options?: { timeoutSeconds?: number },
) {
  await settle(platform, options)
  return inspectVersion(platform.environment, study, version)
}

/**
 * All that a ref holds, without what is a name of an event: the bytes of every object, and of every table the addresses of its data files. Equal
 * maps = equal content.
 */
export async function readCommitted(
  { environment: { lakefs, lake } }: Platform,
  study: string,
  ref: string,
): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for await (const { path } of lakefs.listObjects(study, ref)) {
    const text = new TextDecoder().decode(await lakefs.getObject(study, ref, path))
    content.set(path, path.startsWith('_lakefs_actions/') ? 'the gate' : text)
    if (!path.startsWith(tablesPrefix)) continue
    for (const { address, rows } of await readDataFiles(lake, parseTableMetadata(text)))
      content.set(`${path} ${address}`, `${rows}`)
  }
  return content
}

/** Keys of the lake's objects below a prefix. */
export const listLake = ({ environment: { lake } }: Platform, prefix: string): Promise<string[]> =>
  listObjects(lake, prefix)
