import type { Environment } from './environment.ts'
import { TransientError } from './errors.ts'
import { checkRef } from './gate/check-ref.ts'
import { formatGateAction } from './gate-action.ts'
import { hasStatus, LakefsError } from './lakefs/client.ts'
import {
  address,
  gatePath,
  installBranch,
  keysBranch,
  keyTablesPrefix,
  mainBranch,
  storageNamespaceKey,
} from './layout.ts'

type Needed = Pick<Environment, 'lakefs' | 'lake' | 'config'>

/** Branches that only a gated merge may change: all but the hidden ones of runs. */
const protectedBranches = '[!_]*'

/** Runs a call whose refusal with one of the given statuses means that the work was done already. */
async function unless(statuses: number[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!hasStatus(error, ...statuses)) throw error
  }
}

/** Namespaces that are tried for one repository. */
const namespaceAttempts = 20

/**
 * Creates the repository. lakeFS marks a namespace before it knows the repository, so a creation that is cut off there leaves the mark behind and
 * every later one into that namespace is refused (400): then the next namespace is taken.
 */
async function createRepository({ lakefs, config }: Needed, study: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const storageNamespace = address(config.lakeBucket, storageNamespaceKey(study, attempt))
    try {
      await lakefs.createRepository({ name: study, storageNamespace, defaultBranch: mainBranch })
      return
    } catch (error) {
      if (!(error instanceof LakefsError)) throw error
      if (error.status === 409) return
      if (error.status !== 400 || attempt === namespaceAttempts) throw error
    }
  }
}

/** Protects all visible branches. True where they were not protected before. */
export async function protectBranches({ lakefs }: Pick<Environment, 'lakefs'>, study: string): Promise<boolean> {
  const { patterns } = await lakefs.getBranchProtection(study)
  if (patterns.includes(protectedBranches)) return false
  await lakefs.setBranchProtection(study, [...patterns, protectedBranches])
  return true
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
 * Brings the gate to `main` by way of a hidden branch: `main` takes no direct writes, not even the first. Where what is on `main` already does not
 * pass the gate, that is for a person to mend, and keeps no version from being loaded. Throws TransientError where the gate does not answer.
 */
async function installGate(environment: Needed, study: string): Promise<void> {
  const { lakefs, config } = environment
  const branch = installBranch
  const message = 'Install the gate'
  await unless([409], () => lakefs.createBranch(study, { name: branch, source: mainBranch, hidden: true }))
  await stageGate(lakefs, { study, branch, url: config.gate.url })
  try {
    await unless([400], () => lakefs.commit(study, branch, { message }))
    await unless([400], () => lakefs.merge(study, branch, mainBranch, { message }))
  } catch (error) {
    if (!hasStatus(error, 412)) throw error
    const { problems } = await checkRef(environment, study, branch)
    if (problems.length === 0)
      throw new TransientError('the gate did not answer for its installation', { cause: error })
  }
}

/** Keys that were given must stay given: a lost branch `keys` is not begun anew. Throws an Error that says what to do. */
async function expectNoKeys({ lakefs }: Needed, study: string): Promise<void> {
  for await (const _ of lakefs.listObjects(study, mainBranch, { prefix: keyTablesPrefix })) {
    throw new Error(
      `the branch ${keysBranch} of ${study} is gone though keys were assigned: restore it from its last commit`,
    )
  }
}

/**
 * Makes what a study needs in lakeFS: the repository, branch protection, the gate on `main`, the branch `keys`. Each step looks first and does only
 * what is missing, so it may run again at any time, and goes on where an earlier call was cut off. Protection comes before any write, because
 * lakeFS heeds it only seconds later once a write has asked for it.
 */
export async function ensureStudy(environment: Needed, study: string): Promise<void> {
  const { lakefs } = environment
  if (!(await lakefs.getRepository(study))) await createRepository(environment, study)
  await protectBranches(environment, study)
  if (!(await lakefs.statObject(study, mainBranch, gatePath))) await installGate(environment, study)
  if (!(await lakefs.getBranch(study, keysBranch))) {
    // An installation that was cut off after its merge has left its branch.
    await lakefs.deleteBranch(study, installBranch)
    await expectNoKeys(environment, study)
    await unless([409], () => lakefs.createBranch(study, { name: keysBranch, source: mainBranch }))
  }
}
