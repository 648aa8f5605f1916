import type { Environment } from '../environment.ts'
import { mainBranch, runBranch } from '../layout.ts'
import { findChanges } from './changes.ts'
import type { GateProblem } from './codes.ts'
import { covers, type Profile, profileOf } from './profile.ts'
import { readAttestation } from './read-attestation.ts'
import { checkAction } from './rule-action.ts'
import { checkAddresses } from './rule-addresses.ts'
import { checkBase } from './rule-base.ts'
import { checkDeclared } from './rule-declared.ts'
import { checkDestination } from './rule-destination.ts'
import { checkEngine } from './rule-engine.ts'
import { checkFiles } from './rule-files.ts'
import { checkHistory } from './rule-history.ts'
import { checkIdentity } from './rule-identity.ts'
import { checkKeyTables } from './rule-key-tables.ts'
import { checkKeys } from './rule-keys.ts'
import { checkMetadata } from './rule-metadata.ts'
import { checkPaths } from './rule-paths.ts'
import { checkRecord } from './rule-record.ts'
import { checkUuids } from './rule-uuid.ts'
import { type Comparison, findScope, listRef, listScope } from './scope.ts'
import { type Listing, readStudyView, readVersionView, type StudyView } from './view.ts'

/** What the gate found at a ref. No problems = schema and data agree, as far as the profile asks. */
export interface Verdict {
  profile: Profile
  /** Tables judged. */
  tables: number
  problems: GateProblem[]
}

export interface CheckOptions {
  /** The branch that the ref is to be merged into, or is the head of. */
  destination?: string
  /** Where left out, that of the destination or, without one, of the branch that the ref names; see profileOf. */
  profile?: Profile
  /**
   * The commit that the ref goes on from: a branch's committed head, a candidate's first parent. Tables have to go on from what they were there
   * and, where it is attested, only those are judged that it has otherwise, with their counterparts. Without it, all are judged.
   */
  parent?: string
  /** True where lakeFS asks before it makes the ref's content a commit: then that has to go on calling the gate. */
  isCandidate?: boolean
}

type Reading = Pick<Environment, 'lakefs' | 'lake' | 'engine'>

/** Promotion puts tables in place of others; everywhere else a table goes on from what it was. */
const isPromotion = (target: string): boolean => target === mainBranch || target.startsWith(runBranch(mainBranch, ''))

function checkStructure(view: StudyView, profile: Profile): GateProblem[] {
  return [
    ...view.problems,
    ...checkPaths(view, profile),
    ...checkMetadata(view),
    ...checkUuids(view),
    ...checkAddresses(view),
  ]
}

/** What is judged, of what, and by what. */
interface Subject {
  study: string
  ref: string
  target: string
  profile: Profile
  comparison?: Comparison
  /** Where not all is judged. */
  scope?: Set<string>
  listing: Listing
}

/** The paths that have to be judged where the ref goes on from a good parent, or undefined for all. */
async function scopeOf(
  environment: Reading,
  profile: Profile,
  comparison?: Comparison,
): Promise<Set<string> | undefined> {
  if (!comparison) return undefined
  const known = await readAttestation(environment, { study: comparison.study, commit: comparison.parentRef })
  return known !== undefined && covers(known, profile) ? findScope(environment, comparison, profile) : undefined
}

/**
 * Judges a ref from itself alone: a branch with its staged changes, or a commit; with `destination` also whether it may go to that branch.
 * Idempotent. Throws TransientError when a server does not answer: what cannot be judged is not accepted.
 */
export async function checkRef(
  environment: Reading,
  study: string,
  ref: string,
  { destination, profile: given, parent: parentRef, isCandidate = false }: CheckOptions = {},
): Promise<Verdict> {
  const target = destination ?? ref
  const profile = given ?? (await profileOf(environment, { study, branch: target, commit: ref }))
  const comparison =
    parentRef === undefined
      ? undefined
      : { study, ref, parentRef, changes: await findChanges(environment, { study, ref, parentRef }) }
  const scope = await scopeOf(environment, profile, comparison)
  const options = { destination, isCandidate }
  const subject = { study, ref, target, profile, comparison, scope }
  if (comparison && scope) {
    const placed = { scope, profile, isPromotion: isPromotion(target) }
    const listing = await listScope(environment, comparison, placed)
    const verdict = listing && (await judge(environment, { ...subject, listing }, options))
    // Who is refused is told all that there is to say: what a table is a copy of, only the whole listing knows.
    if (verdict?.problems.length === 0) return verdict
  }
  return judge(environment, { ...subject, listing: await listRef(environment, study, ref) }, options)
}

async function judge(
  environment: Reading,
  { study, ref, target, profile, comparison, scope, listing }: Subject,
  { destination, isCandidate }: Pick<CheckOptions, 'destination' | 'isCandidate'>,
): Promise<Verdict> {
  const view = await readStudyView(environment, { study, ref, listing, scope, isVersion: profile === 'full' })
  const problems = checkStructure(view, profile)
  if (isCandidate) problems.push(...(await checkAction(environment, view, ref)))
  if (comparison && !isPromotion(target))
    problems.push(...(await checkHistory(environment, view, { ...comparison, profile })))
  const tables = view.tables.length
  if (profile === 'structure')
    return { profile, tables, problems: [...problems, ...(await checkFiles(environment, view))] }

  const version = await readVersionView(environment, view, ref)
  problems.push(
    ...version.problems,
    ...checkIdentity(version),
    ...checkDeclared(version),
    ...checkRecord(version),
    ...checkBase(version),
    ...checkKeyTables(version),
    ...(await checkFiles(environment, view, version.tables)),
  )
  if (destination !== undefined)
    problems.push(...(await checkDestination(environment, version, { commit: ref, destination })))
  const except = new Set(problems.flatMap(({ table }) => table ?? []))
  problems.push(...(await checkKeys(environment, version, { except })))
  // A commit that is wrong in itself is refused whether or not the engine answers, and says nothing of what is registered there.
  if (problems.length === 0) problems.push(...(await checkEngine(environment, version, target)))
  return { profile, tables, problems }
}
