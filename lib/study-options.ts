import { z } from 'zod'
import { Rejection } from './errors.ts'
import { parseJson } from './json.ts'
import type { Entity } from './keys/entities.ts'
import { firstVersionColumn, studyFile } from './layout.ts'

const entityName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,59}$/, 'an entity is up to 60 lower-case letters, digits and underscores, a letter first')

const schema = z.strictObject({
  entities: z
    .record(
      entityName,
      z.strictObject({
        naturalKey: z
          .array(z.string().min(1))
          .min(1)
          .refine(
            names => new Set(names.map(name => name.toLowerCase())).size === names.length,
            'a column is named twice',
          )
          .refine(
            names => names.every(name => name.toLowerCase() !== firstVersionColumn),
            `a key table has a column ${firstVersionColumn} of its own`,
          ),
        required: z.boolean().default(false),
      }),
    )
    .optional(),
  onBadValue: z.enum(['reject', 'null']).default('reject'),
  encoding: z.enum(['utf-8', 'latin1']).default('utf-8'),
  promote: z.boolean().default(false),
})

/** How a study wants to be loaded: `<study>/study.json` in the landing bucket. */
export interface StudyOptions {
  /** Undefined = the usual ones, by column names. */
  entities?: Entity[]
  /** `reject`: a value that does not fit refuses the version. `null`: it is stored as null and counted. */
  onBadValue: 'reject' | 'null'
  /** Of CSV files without a byte-order mark. */
  encoding: 'utf-8' | 'latin1'
  /** True: an accepted version becomes the content of `main`. */
  promote: boolean
}

function decode(source: Uint8Array | string): unknown {
  const text = typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source)
  return parseJson(text, studyFile)
}

/** Reads `study.json`; undefined = all defaults. Throws Rejection with every problem, each naming the member. */
export function parseStudyOptions(source: Uint8Array | string | undefined): StudyOptions {
  if (source === undefined) return { onBadValue: 'reject', encoding: 'utf-8', promote: false }
  let value: unknown
  try {
    value = decode(source)
  } catch (cause) {
    throw new Rejection(
      { code: 'options-unreadable', file: studyFile, message: 'is not valid JSON in UTF-8' },
      { cause },
    )
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    throw new Rejection(
      parsed.error.issues.map(({ path, message }) => ({
        code: 'options-invalid',
        file: studyFile,
        message: `${path.join('.') || 'the document'}: ${message}`,
      })),
    )
  }
  const { entities, ...options } = parsed.data
  return {
    ...options,
    ...(entities && { entities: Object.entries(entities).map(([name, entity]) => ({ name, ...entity })) }),
  }
}
