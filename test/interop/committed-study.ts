import { createHandlers } from '../../functions/handlers.ts'
import type { Platform } from '../../infra/local/platform.ts'
import { sha256 } from '../../lib/hash.ts'
import { parseTableMetadata, type TableMetadata } from '../../lib/iceberg/metadata.ts'
import { address, metadataKey, parseTablePath, tablesPrefix } from '../../lib/layout.ts'
import { finish, openTestPlatform, upload } from '../support/test-platform.ts'

/** A clock that is set, and stands still for so long that all that lands meanwhile has one time. */
export interface Clock {
  now(): Date
  set(time: string): void
}

export function makeClock({ stillSeconds = 20 }: { stillSeconds?: number } = {}): Clock {
  let start = 0
  let setAt = performance.now()
  return {
    // It goes on in the end: a message that failed waits for its time to come again.
    now: () => new Date(start + Math.max(0, performance.now() - setAt - stillSeconds * 1000)),
    set(time) {
      start = Date.parse(time)
      setAt = performance.now()
    },
  }
}

/** A platform under a clock, by default the real one, with row groups of that many rows. */
export function openStudyPlatform(options: {
  folder: string
  clock?: Clock
  rowGroupRows?: number
}): Promise<Platform> {
  const { folder, clock, rowGroupRows } = options
  return openTestPlatform({
    folder,
    ...(clock && { now: clock.now }),
    createHandlers: environment => {
      if (rowGroupRows !== undefined) environment.config.rowGroupRows = rowGroupRows
      return createHandlers(environment)
    },
  })
}

/** Uploads a version, waits, and returns its commit. Throws where it is not committed, with the report's problems. */
export async function loadVersion(
  platform: Platform,
  { study, version, files }: { study: string; version: string; files: Record<string, Uint8Array> },
): Promise<string> {
  await upload(platform, { study, version, files })
  const { state, report } = await finish(platform, study, version)
  if (state !== 'committed') throw new Error(`${study}/${version} is ${state}: ${JSON.stringify(report.problems)}`)
  return report.commit!
}

/** A table as a ref has it: `raw.dm`. */
export interface CommittedTable {
  name: string
  /** Where the same bytes lie in the lake. */
  metadataAddress: string
  metadata: TableMetadata
}

/** The tables at a ref. Throws where a table object's bytes are not in the lake at the address made of their hash. */
export async function readTables(
  { environment: { lakefs, lake } }: Platform,
  study: string,
  ref: string,
): Promise<CommittedTable[]> {
  const tables: CommittedTable[] = []
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: tablesPrefix })) {
    const { layer, dataset } = parseTablePath(path)!
    const bytes = (await lakefs.getObject(study, ref, path))!
    const key = metadataKey(study, layer, dataset, sha256(bytes))
    if (!Buffer.from(await lake.get(key)).equals(bytes)) throw new Error(`${key} and ${path} at ${ref} differ`)
    const metadata = parseTableMetadata(new TextDecoder().decode(bytes))
    tables.push({ name: `${layer}.${dataset}`, metadataAddress: address(lake.bucket, key), metadata })
  }
  return tables
}

/** What compare_study.py returns. */
export interface StudyComparison {
  problems: string[]
  tables: Record<string, { rows: number; cells: number; rowGroups: number; files: string[] }>
  joins: Record<string, { rows: number; joined: number }>
  ids: Record<string, Record<string, number>>
}
