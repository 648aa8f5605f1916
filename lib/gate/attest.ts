import type { Environment } from '../environment.ts'
import { attestationKey, keysBranch, mainBranch, versionMarkerKey } from '../layout.ts'
import { putOnce } from '../store/put-once.ts'
import { checkRef } from './check-ref.ts'
import type { GateProblem } from './codes.ts'
import { covers, type Profile, profileOf } from './profile.ts'
import { readAttestation } from './read-attestation.ts'
import { rulesVersion } from './verdicts.ts'

export { readAttestation, rulesVersion }

type Judging = Pick<Environment, 'lake' | 'lakefs' | 'now' | 'engine'>

/** True where the commit was judged by that profile, or a stricter one, and found good by the present rules. */
export async function isAttested(
  environment: Pick<Environment, 'lake'>,
  { study, commit, profile = 'full' }: { study: string; commit: string; profile?: Profile },
): Promise<boolean> {
  const found = await readAttestation(environment, { study, commit })
  return found !== undefined && covers(found, profile)
}

const isVersion = (branch: string): boolean => !branch.startsWith('_') && branch !== mainBranch && branch !== keysBranch

const contentType = 'application/json'

/**
 * Records that a commit was judged by a profile and found good. The first record stays, unless it is of older rules or says less. With the
 * `destination` that it was judged for, a version's branch is remembered as such.
 */
export async function attest(
  { lake, now }: Judging,
  {
    study,
    commit,
    profile = 'full',
    destination,
  }: { study: string; commit: string; profile?: Profile; destination?: string },
): Promise<void> {
  const key = attestationKey(study, commit)
  const bytes = new TextEncoder().encode(JSON.stringify({ commit, rulesVersion, profile, time: now().toISOString() }))
  if (!(await putOnce(lake, key, bytes, { contentType })) && !(await isAttested({ lake }, { study, commit, profile })))
    await lake.put(key, bytes, { contentType })
  if (profile === 'full' && destination !== undefined && isVersion(destination))
    await putOnce(lake, versionMarkerKey(study, destination), new TextEncoder().encode('{}'), { contentType })
}

/** The commit that a commit goes on from: of a merge, the destination as it was. */
export async function findParent(
  { lakefs }: Pick<Environment, 'lakefs'>,
  study: string,
  commit: string,
): Promise<string | undefined> {
  return (await lakefs.getCommit(study, commit))?.parents[0]
}

/**
 * Judges a commit unless that was done, and attests it if it is good. Resolves with its problems: none = it may be served. `destination` is the branch
 * that it is the head of, or is to become; without one – a tag, a commit id – the rules of structure are enough.
 */
export async function judgeCommit(
  environment: Judging,
  { study, commit, destination }: { study: string; commit: string; destination?: string },
): Promise<GateProblem[]> {
  const known = await readAttestation(environment, { study, commit })
  if (known === 'full') return []
  const profile = await profileOf(environment, { study, branch: destination, commit })
  if (known !== undefined && covers(known, profile)) return []
  // Without a branch nothing says which of the parents it has to go on from.
  const parent = destination === undefined ? undefined : await findParent(environment, study, commit)
  const { problems } = await checkRef(environment, study, commit, { destination, profile, parent })
  if (problems.length === 0) await attest(environment, { study, commit, profile, destination })
  return problems
}
