import type { Environment } from '../environment.ts'
import { Rejection, TransientError } from '../errors.ts'
import { checkRef } from '../gate/check-ref.ts'
import { hasStatus, type LakefsError } from '../lakefs/client.ts'

/**
 * What a hook's refusal means. The same rules are applied here, at the same ref: what they find is final, and where they find nothing the
 * hook refused because it could not judge, which passes. Throws Rejection or TransientError.
 */
export async function explainRefusal(
  environment: Environment,
  { study, ref, destination }: { study: string; ref: string; destination?: string },
  refusal: LakefsError,
): Promise<never> {
  const parent = (await environment.lakefs.getBranch(study, destination ?? ref))?.commitId
  const { problems } = await checkRef(environment, study, ref, { destination, parent, isCandidate: true })
  if (problems.length > 0) throw new Rejection(problems, { cause: refusal })
  throw new TransientError('lakeFS refused because the gate did not answer for it', { cause: refusal })
}

/**
 * Commits what is staged on a hidden branch. Resolves with the branch's head, also where there was nothing left to commit because an earlier
 * attempt had done it. Throws Rejection with the gate's list.
 */
export async function commitStaged(
  environment: Environment,
  {
    study,
    branch,
    message,
    metadata,
  }: { study: string; branch: string; message: string; metadata: Record<string, string> },
): Promise<string> {
  const { lakefs } = environment
  try {
    return (await lakefs.commit(study, branch, { message, metadata })).id
  } catch (error) {
    if (hasStatus(error, 412)) return explainRefusal(environment, { study, ref: branch }, error)
    if (!hasStatus(error, 400)) throw error
    const head = await lakefs.getBranch(study, branch)
    if (!head) throw error
    return head.commitId
  }
}

/**
 * Commits a hidden branch and merges it: the compare-and-swap by which all that is visible changes. Resolves with the destination's commit, or
 * with undefined where the destination has changed in the same places since the branch was taken. Throws Rejection with the gate's list.
 */
export async function mergeGated(
  environment: Environment,
  {
    study,
    branch,
    destination,
    message,
    metadata,
  }: { study: string; branch: string; destination: string; message: string; metadata: Record<string, string> },
): Promise<string | undefined> {
  const { lakefs } = environment
  const head = await commitStaged(environment, { study, branch, message, metadata })
  try {
    return (await lakefs.merge(study, branch, destination, { message, metadata })).reference
  } catch (error) {
    if (hasStatus(error, 409)) return undefined
    if (hasStatus(error, 412)) return explainRefusal(environment, { study, ref: head, destination }, error)
    if (!hasStatus(error, 400)) throw error
    // Nothing to merge: done by an earlier attempt, if the destination holds this commit.
    const base = await lakefs.findMergeBase(study, head, destination)
    if (base?.baseCommitId === head) return base.destinationCommitId
    throw error
  }
}
