import type { Environment } from '../../lib/environment.ts'
import type { Problem } from '../../lib/errors.ts'
import { judgeCommit } from '../../lib/gate/attest.ts'
import { readUnattested } from '../../lib/gate/unattested.ts'
import type { Output } from './output.ts'
import { formatProblems } from './print-report.ts'

/** What the schedule found wrong with the head of a version's branch, which came about without the gate; undefined where nothing is. */
export async function findUnattested(
  environment: Pick<Environment, 'lake' | 'lakefs'>,
  { study, version }: { study: string; version: string },
): Promise<Problem[] | undefined> {
  const head = await environment.lakefs.getBranch(study, version)
  return head && readUnattested(environment, { study, commit: head.commitId })
}

/** The same, found out now where nobody has judged the head: what passes is attested, as where it is first served. */
export async function judgeUnattested(
  environment: Pick<Environment, 'lake' | 'lakefs' | 'now'>,
  { study, version }: { study: string; version: string },
): Promise<Problem[] | undefined> {
  const head = await environment.lakefs.getBranch(study, version)
  if (!head) return undefined
  const problems = await judgeCommit(environment, { study, commit: head.commitId, destination: version })
  return problems.length > 0 ? problems : undefined
}

/** Says that a head is not served, and why. */
export function printUnattested(output: Output, problems: Problem[]): void {
  output.line()
  output.line('UNATTESTED: what is there now came about without the gate and does not pass it. It is not served.')
  for (const line of formatProblems(problems)) output.line(line)
}
