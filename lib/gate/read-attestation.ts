import { z } from 'zod'
import type { Environment } from '../environment.ts'
import { NotFoundError } from '../errors.ts'
import { JsonError, parseJson } from '../json.ts'
import { attestationKey } from '../layout.ts'
import type { Profile } from './profile.ts'
import { rulesVersion } from './verdicts.ts'

const attestation = z.object({
  commit: z.string(),
  rulesVersion: z.number(),
  // There was one profile once.
  profile: z.enum(['full', 'structure']).default('full'),
  time: z.string(),
})

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
