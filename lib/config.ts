import { z } from 'zod'

const address = z.url({ protocol: /^https?$/ })
const count = (initial: number) => z.coerce.number().int().min(0).default(initial)

const schema = z.object({
  LANDING_BUCKET: z.string().min(1),
  LAKE_BUCKET: z.string().min(1),
  LAKEFS_ENDPOINT: address,
  LAKEFS_ACCESS_KEY_ID: z.string().min(1),
  LAKEFS_SECRET_ACCESS_KEY: z.string().min(1),
  /** Where lakeFS reaches the gate: the `check` function's URL. */
  GATE_URL: address,
  /** Shared by lakeFS (as LAKEFSACTION_GATE_TOKEN) and `check`. */
  GATE_TOKEN: z.string().min(16),
  /** Seconds for which no landing object of a version may have changed before it is registered. */
  SETTLE_SECONDS: count(5),
  /** Seconds after the last upload when an incomplete version gets a report that says what is missing. */
  WAIT_REPORT_SECONDS: count(900),
  /** Seconds between two looks of the schedule. */
  SCHEDULE_SECONDS: z.coerce.number().int().min(1).default(300),
  ROW_GROUP_ROWS: z.coerce.number().int().min(1).default(131_072),
  /** Bytes of typed columns, estimated. */
  ROW_GROUP_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(64 * 2 ** 20),
  /** Bytes of the largest lawful CSV cell. */
  MAX_CELL_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(16 * 2 ** 20),
})

export interface Config {
  landingBucket: string
  lakeBucket: string
  lakefs: { endpoint: string; accessKeyId: string; secretAccessKey: string }
  gate: { url: string; token: string }
  settleSeconds: number
  waitReportSeconds: number
  scheduleSeconds: number
  rowGroupRows: number
  rowGroupBytes: number
  maxCellBytes: number
}

/**
 * The project's configuration from environment variables: the one place that knows their names.
 * Throws an Error that names every variable that is missing or does not fit, never its value.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  // An empty variable is one that was not set: as a number it would pass for 0.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(set)
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      const name = path.join('.')
      return set[name] === undefined ? `${name} is not set` : `${name}: ${message}`
    })
    throw new Error(`configuration: ${lines.join('; ')}`)
  }
  const values = parsed.data
  return {
    landingBucket: values.LANDING_BUCKET,
    lakeBucket: values.LAKE_BUCKET,
    lakefs: {
      endpoint: values.LAKEFS_ENDPOINT,
      accessKeyId: values.LAKEFS_ACCESS_KEY_ID,
      secretAccessKey: values.LAKEFS_SECRET_ACCESS_KEY,
    },
    gate: { url: values.GATE_URL, token: values.GATE_TOKEN },
    settleSeconds: values.SETTLE_SECONDS,
    waitReportSeconds: values.WAIT_REPORT_SECONDS,
    scheduleSeconds: values.SCHEDULE_SECONDS,
    rowGroupRows: values.ROW_GROUP_ROWS,
    rowGroupBytes: values.ROW_GROUP_BYTES,
    maxCellBytes: values.MAX_CELL_BYTES,
  }
}
