import { z } from 'zod'

/** The event that Lambda makes of SQS messages, as far as the functions read it. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export const sqsEvent = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      receiptHandle: z.string(),
      body: z.string(),
      attributes: z
        .object({
          ApproximateReceiveCount: z.coerce.number().default(1),
          SentTimestamp: z.string().optional(),
          MessageGroupId: z.string().optional(),
          MessageDeduplicationId: z.string().optional(),
        })
        .loose(),
      eventSource: z.string().optional(),
      eventSourceARN: z.string().optional(),
    }),
  ),
})

export type SqsEvent = z.infer<typeof sqsEvent>
export type SqsRecord = SqsEvent['Records'][number]

/** Which messages of the batch are to come again. */
export interface SqsBatchResponse {
  batchItemFailures: { itemIdentifier: string }[]
}
