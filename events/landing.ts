import { z } from 'zod'

/**
 * Object events as S3 sends them, and as MinIO's webhook does (`eventSource` `minio:s3`, names with an `s3:` prefix, keys with %2F).
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
export const objectEvent = z.object({
  Records: z.array(
    z.object({
      eventName: z.string(),
      eventTime: z.string().optional(),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({
          /** URL-encoded, spaces as `+`. */
          key: z.string(),
          eTag: z.string().optional(),
          size: z.number().optional(),
          sequencer: z.string().optional(),
        }),
      }),
    }),
  ),
})

/** S3 sends one of these to a queue when a notification is set up; it announces nothing. */
export const testEvent = z.object({ Event: z.literal('s3:TestEvent') })

/** Asks for a second look at one version, or at all: from the schedule, a replay, or a version that had not settled. */
export const rescan = z.object({
  rescan: z.object({
    study: z.string().optional(),
    version: z.string().optional(),
    /** Names what caused it; part of the deduplication ids that follow from it. */
    cause: z.string(),
    /** True for a version that had not settled: the first look at a finished upload, and no repetition of one. */
    settling: z.boolean().optional(),
  }),
})

/** What the landing queue carries. */
export const landingMessage = z.union([objectEvent, rescan, testEvent])

/** What the schedule invokes `receive` with. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
export const scheduleEvent = z.object({
  source: z.literal('aws.events'),
  id: z.string(),
  time: z.string().optional(),
  /** `everything` asks to look also at versions that are not due. */
  detail: z.object({ everything: z.boolean().default(false) }).default({ everything: false }),
})

export type ObjectEvent = z.infer<typeof objectEvent>
export type Rescan = z.infer<typeof rescan>
export type LandingMessage = z.infer<typeof landingMessage>
export type ScheduleEvent = z.input<typeof scheduleEvent>

/** The object's key in clear. */
export function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
