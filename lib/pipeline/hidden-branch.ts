import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../environment.ts'
import { sqlBranch } from '../layout.ts'

/** ms that an answer waits for its hidden branch to go away. */
const farewell = 2000

/** Deletes a branch, if that goes well and soon: a sweep deletes what stays. */
async function dropBranch({ lakefs }: Environment, study: string, branch: string): Promise<void> {
  const waiting = new AbortController()
  const deleted = lakefs.deleteBranch(study, branch).catch(() => {})
  const late = sleep(farewell, undefined, { signal: waiting.signal }).catch(() => {})
  await Promise.race([deleted, late])
  waiting.abort()
}

/** Does work on a hidden branch of its own, made at a commit id. However the work ends, the branch goes. */
export async function onHiddenBranch<Result>(
  environment: Environment,
  { study, base, suffix }: { study: string; base: string; suffix: string },
  work: (branch: string) => Promise<Result>,
): Promise<Result> {
  const branch = sqlBranch(environment.now(), suffix)
  try {
    await environment.lakefs.createBranch(study, { name: branch, source: base, hidden: true })
    return await work(branch)
  } finally {
    await dropBranch(environment, study, branch)
  }
}
