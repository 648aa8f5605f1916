import { randomUUID } from 'node:crypto'

/** What a function learns of its invocation, as far as the handlers read it. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface FunctionContext {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** Thrown when a function did not return within its time. */
export class FunctionTimeout extends Error {
  override name = 'FunctionTimeout'
}

/**
 * Calls a handler as Lambda does: with a context of its own and a time limit. A handler that takes longer counts as failed; it
 * cannot be ended in this process, so what it still does must be as harmless as what a second invocation does.
 */
export async function invokeFunction<Event, Result>(
  handler: (event: Event, context: FunctionContext) => Promise<Result>,
  event: Event,
  { name, timeoutSeconds }: { name: string; timeoutSeconds: number },
): Promise<Result> {
  const deadline = performance.now() + timeoutSeconds * 1000
  const context: FunctionContext = {
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => Math.max(0, Math.round(deadline - performance.now())),
  }
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new FunctionTimeout(`${name} did not return within ${timeoutSeconds} s`)),
    timeoutSeconds * 1000,
  )
  try {
    return await Promise.race([handler(event, context), late])
  } finally {
    clearTimeout(timer)
  }
}
