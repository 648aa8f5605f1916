import { z } from 'zod'
import type { AwsAccess } from '../../infra/stack/aws.ts'

const groups = z.object({
  logGroups: z.array(z.object({ logGroupName: z.string() })),
  nextToken: z.string().optional(),
})
const events = z.object({ events: z.array(z.object({ message: z.string() })), nextToken: z.string().optional() })

/** All that the deployed functions have logged, from the emulator's CloudWatch Logs: also those that no queue feeds. */
export async function readFunctionLogs({ endpoint }: AwsAccess): Promise<string[]> {
  async function ask<Answer>(action: string, body: unknown, schema: z.ZodType<Answer>): Promise<Answer> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${action}` },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${action} was answered with ${response.status}`)
    return schema.parse(await response.json())
  }

  const lines: string[] = []
  let nextGroups: string | undefined
  do {
    const { logGroups, nextToken } = await ask('DescribeLogGroups', { nextToken: nextGroups }, groups)
    for (const { logGroupName } of logGroups) {
      let nextEvents: string | undefined
      do {
        const page = await ask('FilterLogEvents', { logGroupName, nextToken: nextEvents }, events)
        lines.push(...page.events.flatMap(({ message }) => message.split('\n')))
        nextEvents = page.nextToken
      } while (nextEvents)
    }
    nextGroups = nextToken
  } while (nextGroups)
  return lines
}
