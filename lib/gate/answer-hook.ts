import type { HookPayload } from '../../events/gate.ts'
import type { Environment } from '../environment.ts'
import { attest, findParent } from './attest.ts'
import { checkRef } from './check-ref.ts'
import type { GateProblem } from './codes.ts'
import { profileOf } from './profile.ts'

/** The gate's answer to one hook: no problems = lakeFS may go on. */
export interface HookAnswer {
  /** What was judged; absent where the event as such is refused. */
  ref?: string
  problems: GateProblem[]
}

/** What lakeFS notes on commits that it made by merging. */
const mergeMark = '.lakefs.merge.strategy'

const refuse = (message: string): HookAnswer => ({ problems: [{ code: 'event-refused', message }] })

/**
 * Judges what a hook announces: before a commit the branch with its staged changes, before a merge the candidate commit by the rules of
 * its destination, which is attested when it is good. Events whose result no hook can see are refused, but for a revert on a branch of people's
 * own: nothing of it is attested, so that who serves the branch judges its head. lakeFS may call again with the same payload.
 */
export async function answerHook(
  environment: Pick<Environment, 'lake' | 'lakefs' | 'now' | 'engine'>,
  payload: HookPayload,
): Promise<HookAnswer> {
  const {
    event_type: event,
    repository_id: study,
    source_ref: source,
    commit_id: commit,
    branch_id: destination,
  } = payload
  if (event === 'pre-commit') {
    if (!source) return refuse('the payload names no branch')
    // An import asks before its commit as if what is staged were all of it, and shows nothing of what it brings (seen). Protection does not stop it.
    if (payload.commit_metadata && mergeMark in payload.commit_metadata)
      return refuse('an import changes a branch without showing the result: upload the files to a branch of your own')
    const head = await environment.lakefs.getBranch(study, source)
    const { problems } = await checkRef(environment, study, source, { parent: head?.commitId, isCandidate: true })
    return { ref: source, problems }
  }
  if (event === 'pre-merge') {
    if (!commit) return refuse('the payload names no commit')
    if (!destination) return refuse('the payload names no branch to merge into')
    const parent = await findParent(environment, study, commit)
    const judged = { destination, parent, isCandidate: true }
    const { profile, problems } = await checkRef(environment, study, commit, judged)
    if (problems.length === 0) await attest(environment, { study, commit, profile, destination })
    return { ref: commit, problems }
  }
  // Nobody is shown what comes of it before it is judged as the head of its branch, which is not enough where the pipeline goes on from a head.
  if (
    event === 'pre-revert' &&
    destination &&
    (await profileOf(environment, { study, branch: destination })) === 'structure'
  )
    return { ref: destination, problems: [] }
  return refuse(`${event} changes tables without showing the result: load the version again, or merge a branch`)
}
