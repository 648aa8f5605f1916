import type { z } from 'zod'
import type { Environment } from '../environment.ts'
import { NotFoundError } from '../errors.ts'
import { JsonError, parseJson } from '../json.ts'
import { rulesVersion } from './verdicts.ts'

/** What the gate writes down about one commit, whatever else it says. */
interface CommitRecord {
  commit: string
  rulesVersion: number
}

/** A record of the gate about a commit; undefined where there is none that can be read, is of that commit, and is by the present rules. */
export async function readRecord<Written extends CommitRecord>(
  { lake }: Pick<Environment, 'lake'>,
  { key, commit, schema }: { key: string; commit: string; schema: z.ZodType<Written> },
): Promise<Written | undefined> {
  try {
    const { data } = schema.safeParse(parseJson(new TextDecoder().decode(await lake.get(key)), key))
    return data?.commit === commit && data.rulesVersion === rulesVersion ? data : undefined
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof JsonError) return undefined
    throw error
  }
}
