import { z } from 'zod'
import type { Problem } from './errors.ts'

/** A Problem as it is kept in reports, outcomes and attestations. */
export const problemSchema = z.object({
  code: z.string(),
  message: z.string(),
  file: z.string().optional(),
  row: z.number().optional(),
  column: z.string().optional(),
  table: z.string().optional(),
  expected: z.string().optional(),
  found: z.string().optional(),
  more: z.number().optional(),
}) satisfies z.ZodType<Problem>
