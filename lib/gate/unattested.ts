import { z } from 'zod'
import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { unattestedKey } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { problemSchema } from '../problem-schema.ts'
import { judgeCommit, readAttestation } from './attest.ts'
import { covers, profileOf } from './profile.ts'
import { readRecord } from './read-record.ts'
import { rulesVersion } from './verdicts.ts'

/** A head that came about without the gate and does not pass it. */
export interface UnattestedHead {
  study: string
  branch: string
  commit: string
  problems: Problem[]
}

const marker = z.object({ commit: z.string(), rulesVersion: z.number(), problems: z.array(problemSchema) })

/** Problems that are kept of one head. `studylake check` finds them all. */
const mostKept = 100

async function readMarker(
  environment: Pick<Environment, 'lake'>,
  { study, commit }: { study: string; commit: string },
): Promise<Problem[] | undefined> {
  return (await readRecord(environment, { key: unattestedKey(study, commit), commit, schema: marker }))?.problems
}

/** What was found wrong with a head that nobody had judged; undefined where nothing was, or it has passed since. */
export async function readUnattested(
  environment: Pick<Environment, 'lake'>,
  { study, commit }: { study: string; commit: string },
): Promise<Problem[] | undefined> {
  const problems = await readMarker(environment, { study, commit })
  return problems && (await readAttestation(environment, { study, commit })) === undefined ? problems : undefined
}

/** Attestations that are looked for at once. */
const looksAtOnce = 8

interface Head {
  study: string
  branch: string
  commit: string
  /** What was found the last time, where it did not pass. */
  known?: Problem[]
}

/** The visible heads of a study that nobody found good. */
async function findHeads(environment: Pick<Environment, 'lake' | 'lakefs'>, study: string): Promise<Head[]> {
  const branches: { id: string; commitId: string }[] = []
  for await (const branch of environment.lakefs.listBranches(study)) branches.push(branch)
  const heads = await mapConcurrently(branches, looksAtOnce, async ({ id: branch, commitId: commit }) => {
    const attested = await readAttestation(environment, { study, commit })
    if (attested === 'full') return undefined
    if (attested !== undefined && covers(attested, await profileOf(environment, { study, branch, commit })))
      return undefined
    return { study, branch, commit, known: await readMarker(environment, { study, commit }) }
  })
  return heads.filter(head => head !== undefined)
}

/** What one round of the schedule found. */
export interface HeadsJudged {
  /** Heads that were judged now. */
  judged: number
  /** Heads that are left for the next round. */
  left: number
  /** Those that do not pass, judged now or before. */
  unattested: UnattestedHead[]
}

/**
 * Judges the visible heads that nobody has judged, of all studies: at most so many, begun within so many seconds, those first that were never looked at.
 * What passes is attested; what does not is remembered for `status` and `show`, and stays unserved. A head that cannot be judged keeps no other from it;
 * the first error is thrown at the end, with the rest done.
 */
export async function judgeHeads(
  environment: Pick<Environment, 'lake' | 'lakefs' | 'now'>,
  { most, seconds, report }: { most: number; seconds: number; report: (found: HeadsJudged) => void },
): Promise<void> {
  const { lake, lakefs, now } = environment
  const end = now().getTime() + seconds * 1000
  const failures: unknown[] = []
  const heads: Head[] = []
  for await (const { id } of lakefs.listRepositories())
    await findHeads(environment, id).then(
      found => heads.push(...found),
      error => failures.push(error),
    )
  const found: HeadsJudged = { judged: 0, left: 0, unattested: [] }
  for (const { study, branch, commit, known } of heads.toSorted((a, b) => Number(!!a.known) - Number(!!b.known))) {
    if (found.judged >= most || now().getTime() > end) {
      found.left++
      if (known) found.unattested.push({ study, branch, commit, problems: known })
      continue
    }
    found.judged++
    try {
      const problems = await judgeCommit(environment, { study, commit, destination: branch })
      if (problems.length === 0) continue
      found.unattested.push({ study, branch, commit, problems })
      const bytes = JSON.stringify({ commit, rulesVersion, problems: problems.slice(0, mostKept) })
      await lake.put(unattestedKey(study, commit), new TextEncoder().encode(bytes), { contentType: 'application/json' })
    } catch (error) {
      failures.push(error)
    }
  }
  report(found)
  if (failures.length > 0) throw failures[0]
}
