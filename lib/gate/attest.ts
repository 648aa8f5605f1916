import { z } from 'zod'
import type { Environment } from '../environment.ts'
import { NotFoundError, PreconditionError, type Problem } from '../errors.ts'
import { JsonError, parseJson } from '../json.ts'
import { attestationKey, keysBranch, mainBranch, versionMarkerKey } from '../layout.ts'
import { checkRef } from './check-ref.ts'
import { covers, type Profile, profileOf } from './profile.ts'
import { rulesVersion } from './verdicts.ts'

export { rulesVersion }

const attestation = z.object({
  commit: z.string(),
  rulesVersion: z.number(),
  // There was one profile once.
  profile: z.enum(['full', 'structure']).default('full'),
  time: z.string(),
})

type Judging = Pick<Environment, 'lake' | 'lakefs' | 'now'>

/** The profile by which the commit was judged and found good under the present rules, or undefined. */
export async function readAttestation(
  { lake }: Pick<Environment, 'lake'>,
  { study, commit }: { study: string; commit: string },
): Promise<Profile | undefined> {
  const key = attestationKey(study, commit)
  try {
    const record = attestation.safeParse(parseJson(new TextDecoder().decode(await lake.get(key)), key))
    const holds = record.success && record.data.commit === commit && record.data.rulesVersion === rulesVersion
    return holds ? record.data.profile : undefined
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof JsonError) return undefined
    throw error
  }
}

/** True where the commit was judged by that profile, or a stricter one, and found good by the present rules. */
export async function isAttested(
  environment: Pick<Environment, 'lake'>,
  { study, commit, profile = 'full' }: { study: string; commit: string; profile?: Profile },
): Promise<boolean> {
  const found = await readAttestation(environment, { study, commit })
  return found !== undefined && covers(found, profile)
}

const isVersion = (branch: string): boolean => !branch.startsWith('_') && branch !== mainBranch && branch !== keysBranch

async function putOnce({ lake }: Pick<Environment, 'lake'>, key: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await lake.put(key, bytes, { ifAbsent: true, contentType: 'application/json' })
    return true
  } catch (error) {
    if (!(error instanceof PreconditionError)) throw error
    return false
  }
}

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
  if (!(await putOnce({ lake }, key, bytes)) && !(await isAttested({ lake }, { study, commit, profile })))
    await lake.put(key, bytes, { contentType: 'application/json' })
  if (profile === 'full' && destination !== undefined && isVersion(destination))
    await putOnce({ lake }, versionMarkerKey(study, destination), new TextEncoder().encode('{}'))
}

/**
 * Judges a commit unless that was done, and attests it if it is good. Resolves with its problems: none = it may be served. `destination` is the branch
 * that it is the head of, or is to become; without one – a tag, a commit id – the rules of structure are enough.
 */
export async function judgeCommit(
  environment: Judging,
  { study, commit, destination }: { study: string; commit: string; destination?: string },
): Promise<Problem[]> {
  const known = await readAttestation(environment, { study, commit })
  if (known === 'full') return []
  const profile = await profileOf(environment, { study, branch: destination, commit })
  if (known !== undefined && covers(known, profile)) return []
  const { problems } = await checkRef(environment, study, commit, { destination, profile })
  if (problems.length === 0) await attest(environment, { study, commit, profile, destination })
  return problems
}
