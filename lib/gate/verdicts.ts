import type { Environment } from '../environment.ts'
import { hashValue } from '../hash.ts'
import { keyOfAddress, verdictKey } from '../layout.ts'
import { putOnce } from '../store/put-once.ts'
import type { GateProblem } from './codes.ts'
import type { TableView } from './view.ts'

/** Raised when the rules change so that an older verdict no longer counts. */
export const rulesVersion = 2

type Lake = Pick<Environment, 'lake'>

/** What the files of a table are, so that one that was exchanged under its address is another: address and ETag of each. */
export async function nameFiles({ lake }: Lake, { files }: TableView): Promise<string[][]> {
  return Promise.all(
    files.map(async ({ address }) => {
      const key = keyOfAddress(lake.bucket, address)
      const info = key === undefined ? undefined : await lake.head(key)
      return [address, info?.etag ?? 'absent']
    }),
  )
}

/**
 * Judges a subject once: a good verdict is kept in the lake and found there the next time, by any process. `subject` names all that the judgement
 * depends on. Problems are not kept, they are found again. So what `commit` has judged without a time limit costs the hook next to nothing.
 */
export async function judgeOnce(
  { lake }: Lake,
  { study, subject }: { study: string; subject: unknown },
  judge: () => Promise<GateProblem[]>,
): Promise<GateProblem[]> {
  const key = verdictKey(study, hashValue({ rulesVersion, subject }))
  if (await lake.head(key)) return []
  const problems = await judge()
  if (problems.length > 0) return problems
  await putOnce(lake, key, new TextEncoder().encode('{}'), { contentType: 'application/json' })
  return []
}
