import type { Environment } from '../environment.ts'
import { hasStatus } from '../lakefs/client.ts'
import { allocationBranch, runBranch } from '../layout.ts'
import { stageGate } from '../study.ts'

/**
 * Opens a hidden branch at a commit id, with the gate as it is now: lakeFS takes the hooks of a merge from its source, and what the commit holds
 * may call a gate that has moved. A branch of that name that is there already is this run's own, from an earlier attempt.
 */
export async function createRunBranch(
  { lakefs, config }: Pick<Environment, 'lakefs' | 'config'>,
  { study, branch, base }: { study: string; branch: string; base: string },
): Promise<void> {
  try {
    await lakefs.createBranch(study, { name: branch, source: base, hidden: true })
  } catch (error) {
    if (!hasStatus(error, 409)) throw error
  }
  await stageGate(lakefs, { study, branch, url: config.gate.url })
}

/** Deletes the allocation branches that interrupted attempts left behind; not the runs of a version whose name begins with `keys-`. */
export async function dropAllocations({ lakefs }: Pick<Environment, 'lakefs'>, study: string): Promise<void> {
  const found: string[] = []
  const prefix = allocationBranch('')
  for await (const { id } of lakefs.listBranches(study, { prefix, hidden: true })) {
    if (/^[0-9a-f]{12}$/.test(id.slice(prefix.length))) found.push(id)
  }
  for (const branch of found) await lakefs.deleteBranch(study, branch)
}

/** Deletes the run branches that earlier inputs of a version left behind. */
export async function dropOtherRuns(
  { lakefs }: Pick<Environment, 'lakefs'>,
  { study, version, run }: { study: string; version: string; run: string },
): Promise<void> {
  const prefix = runBranch(version, '')
  const own = runBranch(version, run)
  const others: string[] = []
  for await (const { id } of lakefs.listBranches(study, { prefix, hidden: true })) {
    if (id !== own && /^[0-9a-f]{12}$/.test(id.slice(prefix.length))) others.push(id)
  }
  for (const branch of others) await lakefs.deleteBranch(study, branch)
}

/** Does work on a run branch. False where the branch went away under it: another message has finished or replaced the run. */
export async function whileRunStands(
  { lakefs }: Pick<Environment, 'lakefs'>,
  { study, branch }: { study: string; branch: string },
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (await lakefs.getBranch(study, branch)) throw error
    return false
  }
}
