import { z } from 'zod'
import type { Contents } from '../fields.ts'
import { canonicalJson } from '../hash.ts'
import { parseJson } from '../json.ts'
import { datasetRule } from '../layout.ts'

const simpleKinds = ['string', 'integer', 'bigint', 'double', 'boolean', 'date', 'timestamp', 'time'] as const

const typeSchema = z.union([
  z.strictObject({ kind: z.enum(simpleKinds) }),
  z
    .strictObject({ kind: z.literal('decimal'), precision: z.int().min(1).max(38), scale: z.int().min(0) })
    .refine(({ precision, scale }) => scale <= precision, 'scale is at most precision'),
])

const fieldSchema = z.strictObject({
  id: z.int().min(1).max(2_147_483_447),
  name: z.string().min(1),
  type: typeSchema,
  nullable: z.boolean(),
  label: z.string().optional(),
  format: z.string().optional(),
})

const unique = <T>(items: T[], key: (item: T) => unknown): boolean => new Set(items.map(key)).size === items.length

const contentsSchema = z.strictObject({
  datasets: z
    .array(
      z.strictObject({
        name: z.string().regex(datasetRule.pattern, datasetRule.rule),
        fields: z
          .array(fieldSchema)
          .min(1)
          .refine(fields => unique(fields, field => field.name.toLowerCase()), 'column names are unique without case')
          .refine(fields => unique(fields, field => field.id), 'field ids are unique'),
      }),
    )
    .refine(datasets => unique(datasets, dataset => dataset.name), 'dataset names are unique'),
})

/** The contents as canonical JSON (keys in order, no white space): equal contents give equal bytes. */
export function serializeContents(contents: Contents): string {
  return canonicalJson(contents)
}

/** Reads what `serializeContents` wrote. Throws JsonError where it is no JSON, Error that names the places where it is no contents. */
export function parseSerializedContents(text: string): Contents {
  const parsed = contentsSchema.safeParse(parseJson(text, 'the serialized contents'))
  if (parsed.success) return parsed.data as Contents
  const places = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`the serialized contents is not one: ${places.join('; ')}`, { cause: parsed.error })
}
