import { z } from 'zod'
import { problemSchema } from './problem-schema.ts'

const dataset = z.object({
  dataset: z.string(),
  file: z.string(),
  columns: z.number(),
  rowsIn: z.number(),
  rowsOut: z.number(),
  rowsRejected: z.number(),
  /** Values that did not fit and were stored as null because the study asks for it. */
  valuesNulled: z.number(),
  /** Rows whose key is null because a part of the natural key is, by entity. */
  nullKeys: z.record(z.string(), z.number()).default({}),
})

const entity = z.object({
  entity: z.string(),
  /** Distinct natural keys in this version. */
  distinct: z.number(),
  /** Of these, the ones first seen in this version. */
  new: z.number(),
})

/** What became of a version, for the person who uploaded it: `<study>/<version>/_report.json`. Holds no cell value. */
export const reportSchema = z.object({
  study: z.string(),
  version: z.string(),
  status: z.enum(['committed', 'rejected', 'waiting']),
  /** Of the landing objects and options that were judged. */
  fingerprint: z.string().optional(),
  /** Of the landing objects alone. */
  landing: z.string().optional(),
  /** The lakeFS commit of the version's branch. */
  commit: z.string().optional(),
  promoted: z.boolean().optional(),
  run: z.string().optional(),
  datasets: z.array(dataset).default([]),
  entities: z.array(entity).default([]),
  /** Files that are declared, or needed, and not there. */
  waitingFor: z.array(z.string()).default([]),
  /** Why it was rejected. */
  problems: z.array(problemSchema).default([]),
  /** What a person should know though the version was accepted. */
  warnings: z.array(problemSchema).default([]),
  /** Seconds from the newest upload to this report. */
  seconds: z.number().optional(),
  time: z.string(),
})

export type Report = z.infer<typeof reportSchema>
export type DatasetReport = z.infer<typeof dataset>
export type EntityReport = z.infer<typeof entity>
