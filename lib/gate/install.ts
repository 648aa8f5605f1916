import type { Environment } from '../environment.ts'
import { describeProblem, Rejection, TransientError } from '../errors.ts'
import { formatGateAction } from '../gate-action.ts'
import { hashValue } from '../hash.ts'
import { LakefsError } from '../lakefs/client.ts'
import { gatePath } from '../layout.ts'
import { onHiddenBranch } from '../pipeline/hidden-branch.ts'
import { mergeGated } from '../pipeline/merge.ts'
import { protectBranches, stageGate } from '../study.ts'

/** What became of the action file on a branch. */
export interface GateInstallation {
  branch: string
  /** `current`: it was as it should be. `failed`: it is not, and `reason` says why. */
  state: 'current' | 'updated' | 'added' | 'failed'
  reason?: string
}

/** What was done for a study. */
export interface StudyInstallation {
  protection: 'current' | 'updated'
  /** In the order of their names: all but hidden ones. */
  branches: GateInstallation[]
}

function reasonOf(error: unknown): string {
  if (error instanceof Rejection) return error.problems.map(describeProblem).join('; ')
  if (error instanceof LakefsError || error instanceof TransientError) return error.message
  throw error
}

/**
 * Brings one branch's action file up to date by a merge that the gate judges, from a hidden branch which the sweep of cut-off commits clears away
 * should this be cut off.
 */
async function installOn(
  environment: Environment,
  { study, branch, base }: { study: string; branch: string; base: string },
): Promise<GateInstallation> {
  const { lakefs, config, now } = environment
  const wanted = formatGateAction({ url: config.gate.url })
  const found = await lakefs.getObject(study, base, gatePath)
  if (found && new TextDecoder().decode(found) === wanted) return { branch, state: 'current' }
  const suffix = hashValue({ study, branch, time: now().toISOString() }).slice(0, 8)
  try {
    const merged = await onHiddenBranch(environment, { study, base, suffix }, async hidden => {
      await stageGate(lakefs, { study, branch: hidden, url: config.gate.url })
      const message = 'Install the gate'
      return mergeGated(environment, { study, branch: hidden, destination: branch, message, metadata: {} })
    })
    if (merged === undefined) return { branch, state: 'failed', reason: 'the branch was written to meanwhile' }
    return { branch, state: found ? 'updated' : 'added' }
  } catch (error) {
    return { branch, state: 'failed', reason: reasonOf(error) }
  }
}

/**
 * Makes all branches of a study call the gate that the configuration names, and protects them. Does only what is missing, so it may run again at any
 * time; a branch that cannot be brought up to date keeps no other from it. Resolves with undefined where there is no such study.
 */
export async function installGates(environment: Environment, study: string): Promise<StudyInstallation | undefined> {
  const { lakefs } = environment
  if (!(await lakefs.getRepository(study))) return undefined
  const isNew = await protectBranches(environment, study)
  const heads: { branch: string; base: string }[] = []
  for await (const { id, commitId } of lakefs.listBranches(study)) heads.push({ branch: id, base: commitId })
  const branches: GateInstallation[] = []
  for (const head of heads) branches.push(await installOn(environment, { study, ...head }))
  return { protection: isNew ? 'updated' : 'current', branches }
}
