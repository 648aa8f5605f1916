import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { checkBase } from './rule-base.ts'
import { checkDeclared } from './rule-declared.ts'
import { checkDestination } from './rule-destination.ts'
import { checkFiles } from './rule-files.ts'
import { checkIdentity } from './rule-identity.ts'
import { checkKeys } from './rule-keys.ts'
import { checkRecord } from './rule-record.ts'
import { readStudyView } from './view.ts'

/** What the gate found at a ref. No problems = schema and data agree. */
export interface Verdict {
  /** Tables judged. */
  tables: number
  problems: Problem[]
}

/**
 * Judges a ref from itself alone: a branch with its staged changes, or a commit; with `destination` also whether it may go to that branch.
 * Idempotent. Throws TransientError when a server does not answer: what cannot be judged is not accepted.
 */
export async function checkRef(
  environment: Pick<Environment, 'lakefs' | 'lake'>,
  study: string,
  ref: string,
  { destination }: { destination?: string } = {},
): Promise<Verdict> {
  const view = await readStudyView(environment, study, ref)
  const problems = [
    ...view.problems,
    ...checkIdentity(view),
    ...checkDeclared(view),
    ...checkRecord(view),
    ...checkBase(view),
    ...(await checkFiles(environment, view)),
  ]
  if (destination !== undefined)
    problems.push(...(await checkDestination(environment, view, { commit: ref, destination })))
  // Keys are read from the files: only where those are what the tables say of them.
  if (problems.length === 0) problems.push(...(await checkKeys(environment, view)))
  return { tables: view.tables.length, problems }
}
