import type { Environment } from './environment.ts'
import { formatGateAction } from './gate-action.ts'
import { LakefsError } from './lakefs/client.ts'
import { address, gatePath, keysBranch, mainBranch, storageNamespaceKey } from './layout.ts'

/** Branches that only a gated merge may change: all but the hidden ones of runs. */
const protectedBranches = '[!_]*'

/** Runs a call whose refusal with one of the given statuses means that the work was done already. */
async function unless(statuses: number[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof LakefsError && statuses.includes(error.status))) throw error
  }
}

/** Puts the gate's action file on a branch, uncommitted. */
export async function stageGate(
  lakefs: Environment['lakefs'],
  { study, branch, url }: { study: string; branch: string; url: string },
): Promise<void> {
  const action = new TextEncoder().encode(formatGateAction({ url }))
  await lakefs.uploadObject(study, branch, gatePath, action, { contentType: 'application/yaml' })
}

/**
 * Makes what a study needs in lakeFS: the repository, the gate on `main`, the branch `keys`, branch protection. Each step looks first and
 * does only what is missing, so it may run again at any time, and goes on where an earlier call was cut off.
 */
export async function ensureStudy(
  { lakefs, config }: Pick<Environment, 'lakefs' | 'config'>,
  study: string,
): Promise<void> {
  if (!(await lakefs.getRepository(study))) {
    const storageNamespace = address(config.lakeBucket, storageNamespaceKey(study))
    await unless([409], () => lakefs.createRepository({ name: study, storageNamespace, defaultBranch: mainBranch }))
  }
  const { patterns } = await lakefs.getBranchProtection(study)
  if (patterns.includes(protectedBranches)) return

  await stageGate(lakefs, { study, branch: mainBranch, url: config.gate.url })
  await unless([400], () => lakefs.commit(study, mainBranch, { message: 'Install the gate' }))
  await unless([409], () => lakefs.createBranch(study, { name: keysBranch, source: mainBranch }))
  await lakefs.setBranchProtection(study, [...patterns, protectedBranches])
}
