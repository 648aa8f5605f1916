import { z } from 'zod'
import { NotFoundError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { outcomeKey } from '../layout.ts'
import { problemSchema } from '../problem-schema.ts'
import type { ObjectStore } from '../store/object-store.ts'

const schema = z.object({
  status: z.enum(['converted', 'rejected']),
  contentKey: z.string(),
  /** The landing file's name. */
  file: z.string(),
  rowsIn: z.number(),
  rowsOut: z.number(),
  rowsRejected: z.number(),
  valuesNulled: z.number(),
  problems: z.array(problemSchema),
  /** Of the CSV's bytes; absent where they were not read to the end. */
  sha256: z.string().optional(),
  csvBytes: z.number(),
  /** Bytes of the Parquet file; 0 where there is none. */
  parquetBytes: z.number(),
  entities: z.array(
    z.object({
      entity: z.string(),
      distinct: z.number(),
      /** Rows whose natural key has a null part. */
      nullRows: z.number(),
    }),
  ),
})

/**
 * What a conversion came to. It lies beside the Parquet file, under the same content key, and is written last: where it is, the conversion is
 * done. A rejected conversion has one too, with reasons and places and without any value.
 */
export type Outcome = z.infer<typeof schema>

/** The outcome at a content key, or undefined where there is none yet. Throws an Error that names the object when it is unreadable. */
export async function readOutcome(
  lake: ObjectStore,
  { study, dataset, contentKey }: { study: string; dataset: string; contentKey: string },
): Promise<Outcome | undefined> {
  const key = outcomeKey(study, 'raw', dataset, contentKey)
  try {
    return schema.parse(parseJson(new TextDecoder().decode(await lake.get(key)), key))
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

/** Writes an outcome. The same content key always has the same outcome, so writing it twice does no harm. */
export async function writeOutcome(
  lake: ObjectStore,
  { study, dataset, outcome }: { study: string; dataset: string; outcome: Outcome },
): Promise<void> {
  const key = outcomeKey(study, 'raw', dataset, outcome.contentKey)
  await lake.put(key, new TextEncoder().encode(JSON.stringify(outcome, undefined, 1)), {
    contentType: 'application/json',
  })
}
