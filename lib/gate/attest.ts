import { z } from 'zod'
import type { Environment } from '../environment.ts'
import { NotFoundError, PreconditionError, type Problem } from '../errors.ts'
import { JsonError, parseJson } from '../json.ts'
import { attestationKey } from '../layout.ts'
import { checkRef } from './check-ref.ts'
import { rulesVersion } from './verdicts.ts'

export { rulesVersion }

const attestation = z.object({ commit: z.string(), rulesVersion: z.number(), time: z.string() })

type Judging = Pick<Environment, 'lake' | 'lakefs' | 'now'>

/** True where the commit was judged and found good by the present rules. */
export async function isAttested(
  { lake }: Pick<Environment, 'lake'>,
  { study, commit }: { study: string; commit: string },
): Promise<boolean> {
  const key = attestationKey(study, commit)
  try {
    const record = attestation.safeParse(parseJson(new TextDecoder().decode(await lake.get(key)), key))
    return record.success && record.data.commit === commit && record.data.rulesVersion === rulesVersion
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof JsonError) return false
    throw error
  }
}

/** Records that a commit was judged and found good. The first record stays, unless it is of older rules. */
export async function attest(
  { lake, now }: Judging,
  { study, commit }: { study: string; commit: string },
): Promise<void> {
  const key = attestationKey(study, commit)
  const bytes = new TextEncoder().encode(JSON.stringify({ commit, rulesVersion, time: now().toISOString() }))
  const contentType = 'application/json'
  try {
    await lake.put(key, bytes, { ifAbsent: true, contentType })
  } catch (error) {
    if (!(error instanceof PreconditionError)) throw error
    if (!(await isAttested({ lake }, { study, commit }))) await lake.put(key, bytes, { contentType })
  }
}

/** Judges a commit unless that was done, and attests it if it is good. Resolves with its problems: none = it may be served. */
export async function judgeCommit(
  environment: Judging,
  { study, commit, destination }: { study: string; commit: string; destination?: string },
): Promise<Problem[]> {
  if (await isAttested(environment, { study, commit })) return []
  const { problems } = await checkRef(environment, study, commit, { destination })
  if (problems.length === 0) await attest(environment, { study, commit })
  return problems
}
