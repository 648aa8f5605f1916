import type { Environment } from './environment.ts'
import { formatGateAction } from './gate-action.ts'
import { LakefsError } from './lakefs/client.ts'
import { address, gatePath, installBranch, keysBranch, mainBranch, storageNamespaceKey } from './layout.ts'

type Needed = Pick<Environment, 'lakefs' | 'config'>

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

/** Brings the gate to `main` by way of a hidden branch: `main` takes no direct writes, not even the first. */
async function installGate({ lakefs, config }: Needed, study: string): Promise<void> {
  const branch = installBranch
  await unless([409], () => lakefs.createBranch(study, { name: branch, source: mainBranch, hidden: true }))
  await stageGate(lakefs, { study, branch, url: config.gate.url })
  const message = 'Install the gate'
  await unless([400], () => lakefs.commit(study, branch, { message }))
  await unless([400], () => lakefs.merge(study, branch, mainBranch, { message }))
  await lakefs.deleteBranch(study, branch)
}

/**
 * Makes what a study needs in lakeFS: the repository, branch protection, the gate on `main`, the branch `keys`. Each step looks first and does only
 * what is missing, so it may run again at any time, and goes on where an earlier call was cut off. Protection comes before any write, because
 * lakeFS heeds it only seconds later once a write has asked for it.
 */
export async function ensureStudy(environment: Needed, study: string): Promise<void> {
  const { lakefs, config } = environment
  if (!(await lakefs.getRepository(study))) {
    const storageNamespace = address(config.lakeBucket, storageNamespaceKey(study))
    await unless([409], () => lakefs.createRepository({ name: study, storageNamespace, defaultBranch: mainBranch }))
  }
  const { patterns } = await lakefs.getBranchProtection(study)
  if (!patterns.includes(protectedBranches)) await lakefs.setBranchProtection(study, [...patterns, protectedBranches])
  if (!(await lakefs.statObject(study, mainBranch, gatePath))) await installGate(environment, study)
  if (!(await lakefs.getBranch(study, keysBranch))) {
    await unless([409], () => lakefs.createBranch(study, { name: keysBranch, source: mainBranch }))
  }
}
