import { z } from 'zod'
import type { Environment } from '../environment.ts'
import { attestationKey } from '../layout.ts'
import type { Profile } from './profile.ts'
import { readRecord } from './read-record.ts'

const attestation = z.object({
  commit: z.string(),
  rulesVersion: z.number(),
  // There was one profile once.
  profile: z.enum(['full', 'structure']).default('full'),
  time: z.string(),
})

/** The profile by which the commit was judged and found good under the present rules, or undefined. */
export async function readAttestation(
  environment: Pick<Environment, 'lake'>,
  { study, commit }: { study: string; commit: string },
): Promise<Profile | undefined> {
  return (await readRecord(environment, { key: attestationKey(study, commit), commit, schema: attestation }))?.profile
}
