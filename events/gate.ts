import { z } from 'zod'

/** What lakeFS posts to a webhook. https://docs.lakefs.io/howto/hooks/webhooks/ */
export const hookPayload = z.object({
  event_type: z.string(),
  event_time: z.string().optional(),
  action_name: z.string().optional(),
  hook_id: z.string().optional(),
  repository_id: z.string(),
  branch_id: z.string().optional(),
  source_ref: z.string().optional(),
  commit_id: z.string().optional(),
  commit_message: z.string().optional(),
  committer: z.string().optional(),
  commit_metadata: z.record(z.string(), z.string()).nullish(),
  merge_source: z.string().optional(),
})

export type HookPayload = z.infer<typeof hookPayload>

/** A function URL's request. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
export const functionUrlEvent = z.object({
  rawPath: z.string().default('/'),
  rawQueryString: z.string().default(''),
  headers: z.record(z.string(), z.string().optional()).default({}),
  requestContext: z.object({ http: z.object({ method: z.string() }).loose() }).loose(),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().default(false),
})

export type FunctionUrlEvent = z.infer<typeof functionUrlEvent>

export interface FunctionUrlResult {
  statusCode: number
  headers?: Record<string, string>
  body: string
}
