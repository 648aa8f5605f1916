import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../../environment.ts'
import { TransientError } from '../../errors.ts'
import { hasStatus, LakefsError } from '../../lakefs/client.ts'
import { explainRefusal } from '../../pipeline/merge.ts'
import { CatalogError } from '../error.ts'
import { branchGone, explainEarly, tryAgain } from './refuse.ts'

/** What is merged: a hidden branch and the commit that is its head, into a branch that people see. */
export interface MergeWork {
  study: string
  branch: string
  head: string
  destination: string
  message: string
  metadata: Record<string, string>
}

/** Times that a merge is sent while no answer comes. */
const attempts = 3
/** ms after the first sending in which it is sent again. */
const patience = 30_000
/** ms before the second sending; doubles. */
const pause = 100

/** Codes by which a connection says that it was never made. */
const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/** False where a merge is sure not to be done by this sending: it did not arrive, or was refused. */
function mayBeDone(error: unknown): boolean {
  if (error instanceof LakefsError) return false
  if (!(error instanceof TransientError)) return true
  const inner = error.cause instanceof Error ? error.cause.cause : undefined
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : ''
  return error.status !== 429 && !neverConnected.has(code)
}

/** What came of sending a merge: its commit, or the last failure, and whether it may be done all the same. */
type Sent = { commit: string } | { failure: unknown; inDoubt: boolean }

async function sendMerge({ lakefs, now }: Environment, work: MergeWork): Promise<Sent> {
  const { study, branch, destination, message, metadata } = work
  const begun = now().getTime()
  let inDoubt = false
  for (let attempt = 1; ; attempt++) {
    try {
      return { commit: (await lakefs.merge(study, branch, destination, { message, metadata })).reference }
    } catch (failure) {
      inDoubt ||= mayBeDone(failure)
      const last = attempt === attempts || now().getTime() - begun > patience
      if (last || failure instanceof LakefsError) return { failure, inDoubt }
      await sleep(pause * 2 ** (attempt - 1))
    }
  }
}

/** The destination's commit where it holds ours. */
async function findDone({ lakefs }: Environment, { study, head, destination }: MergeWork): Promise<string | undefined> {
  const base = await lakefs.findMergeBase(study, head, destination)
  return base?.baseCommitId === head ? base.destinationCommitId : undefined
}

/** Why the destination does not hold the commit. */
async function explainLate(environment: Environment, work: MergeWork, failure: unknown): Promise<unknown> {
  if (!(failure instanceof LakefsError)) return explainEarly(failure)
  const { study, head, destination } = work
  if (failure.status === 412)
    return explainRefusal(environment, { study, ref: head, destination }, failure).catch(explainEarly)
  if (failure.status === 404) {
    const there = await environment.lakefs.getBranch(study, destination)
    return there ? tryAgain(failure) : branchGone(study, destination, failure)
  }
  if (failure.status !== 400) return failure
  return new CatalogError('BadRequestException', `lakeFS refuses the merge: ${failure.detail}`, { cause: failure })
}

/** True for reasons that hold for a merge that is still under way as well. */
const holdsAnyway = (reason: unknown): boolean =>
  reason instanceof CatalogError && (reason.problems.length > 0 || reason.type === 'NoSuchNamespaceException')

/**
 * Merges a hidden branch, once: by this everybody sees the commit, or nobody. Resolves with a commit of the destination that holds it. A merge
 * whose answer is lost is sent again: lakeFS has nothing to do for it where it was done, and does one of two.
 *
 * Throws CatalogError: CommitFailed where the same tables were changed meanwhile, BadRequest with the gate's list, NoSuchNamespace where the
 * destination is gone, ServiceUnavailable where it is sure that nothing was done, CommitStateUnknown where a merge that was sent may still be
 * done.
 */
export async function mergeOnce(environment: Environment, work: MergeWork): Promise<string> {
  const sent = await sendMerge(environment, work)
  if ('commit' in sent) return sent.commit
  const { failure, inDoubt } = sent
  // Never said of a merge that was done: then there is nothing to merge.
  if (hasStatus(failure, 409)) {
    const meanwhile = `${work.destination} was changed meanwhile, in a table of this commit: read it again`
    throw new CatalogError('CommitFailedException', meanwhile, { cause: failure })
  }
  const unknown = `lakeFS did not say whether the commit is in ${work.destination}: look before you repeat it`
  let reason: unknown
  try {
    const done = await findDone(environment, work)
    if (done !== undefined) return done
    reason = await explainLate(environment, work, failure)
  } catch (error) {
    // A refusal is one also where its reason cannot be read, but "nothing to merge" may be an answer to what was done.
    const refused = !inDoubt && !hasStatus(failure, 400)
    if (refused && error instanceof TransientError) throw tryAgain(error)
    throw new CatalogError('CommitStateUnknownException', unknown, { cause: error })
  }
  if (!inDoubt || holdsAnyway(reason)) throw reason
  throw new CatalogError('CommitStateUnknownException', unknown, { cause: failure })
}
