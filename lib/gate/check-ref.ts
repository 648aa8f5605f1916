import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { type Profile, profileOf } from './profile.ts'
import { checkBase } from './rule-base.ts'
import { checkDeclared } from './rule-declared.ts'
import { checkDestination } from './rule-destination.ts'
import { checkFiles } from './rule-files.ts'
import { checkIdentity } from './rule-identity.ts'
import { checkKeys } from './rule-keys.ts'
import { checkRecord } from './rule-record.ts'
import { checkStructure } from './rule-structure.ts'
import { readStudyView, readVersionView } from './view.ts'

/** What the gate found at a ref. No problems = schema and data agree, as far as the profile asks. */
export interface Verdict {
  profile: Profile
  /** Tables judged. */
  tables: number
  problems: Problem[]
}

/**
 * Judges a ref from itself alone: a branch with its staged changes, or a commit; with `destination` also whether it may go to that branch. The profile
 * is that of the destination or, without one, of the branch that `ref` names; see profileOf. Idempotent. Throws TransientError when a server
 * does not answer: what cannot be judged is not accepted.
 */
export async function checkRef(
  environment: Pick<Environment, 'lakefs' | 'lake'>,
  study: string,
  ref: string,
  { destination, profile: given }: { destination?: string; profile?: Profile } = {},
): Promise<Verdict> {
  const profile = given ?? (await profileOf(environment, { study, branch: destination ?? ref, commit: ref }))
  const view = await readStudyView(environment, study, ref)
  const structure = [...view.problems, ...checkStructure(view)]
  if (profile === 'structure') {
    const problems = [...structure, ...(await checkFiles(environment, view))]
    return { profile, tables: view.tables.length, problems }
  }
  const version = await readVersionView(environment, view, ref)
  const problems = [
    ...structure,
    ...version.problems,
    ...checkIdentity(version),
    ...checkDeclared(version),
    ...checkRecord(version),
    ...checkBase(version),
    ...(await checkFiles(environment, view, version.tables)),
  ]
  if (destination !== undefined)
    problems.push(...(await checkDestination(environment, version, { commit: ref, destination })))
  // Keys are read from the files: only where those are what the tables say of them.
  if (problems.length === 0) problems.push(...(await checkKeys(environment, version)))
  return { profile, tables: view.tables.length, problems }
}
