import { type FunctionUrlResult, functionUrlEvent } from '../events/gate.ts'
import { objectEvent } from '../events/landing.ts'
import { readBridgeConfig } from '../lib/config.ts'
import type { Log } from '../lib/log.ts'
import type { Queue } from '../lib/queue/queue.ts'
import { maxMessageBytes } from '../lib/queue/rules.ts'
import { createOnFirstUse, createProcessLog, readQueues } from './from-process.ts'
import { describeError } from './middleware/describe-error.ts'
import { answer, isToken, readBody, readHeader } from './middleware/function-url.ts'
import type { FunctionContext } from './middleware/queue-function.ts'

/** All that the bridge may touch. */
export interface BridgeEnvironment {
  token: string
  landing: Pick<Queue, 'send'>
  log: Log
}

export type BridgeHandler = (event: unknown, context: FunctionContext) => Promise<FunctionUrlResult>

/**
 * The function URL that MinIO's webhook calls with object events: it puts them on the queue `landing`. MinIO keeps an event until it is answered with
 * 2xx and sends it again every few seconds, the ones behind it waiting: so 5xx where the queue does not answer, 401 until the tokens agree, and 400
 * only for what is no object event at all. https://min.io/docs/minio/linux/administration/monitoring/publish-events-to-webhook.html
 */
export function createBridge({ token, landing, log }: BridgeEnvironment): BridgeHandler {
  return async (event, context) => {
    const named = log.with({ function: 'bridge', requestId: context.awsRequestId })
    const request = functionUrlEvent.parse(event)
    const given = /^Bearer +(\S+)$/i.exec(readHeader(request, 'authorization') ?? '')?.[1]
    if (!isToken(given, token)) {
      named.warn('a request without the token')
      return answer(401, { accepted: false, reason: 'the token is missing or wrong' })
    }
    const objects = readBody(request, { schema: objectEvent, largest: maxMessageBytes })
    if (!objects) {
      named.error('a request that is no object event: MinIO sends nothing else until it is answered otherwise')
      return answer(400, { accepted: false, reason: 'the body is not an object event of MinIO' })
    }
    try {
      await landing.send([{ body: JSON.stringify(objects) }])
    } catch (error) {
      named.error('the queue did not take the event', describeError(error))
      return answer(503, { accepted: false, reason: 'the queue did not take the event: try again' })
    }
    named.info('on the queue', { events: objects.Records.length })
    return answer(200, { accepted: true, events: objects.Records.length })
  }
}

export const handler = createOnFirstUse(
  async (variables): Promise<BridgeEnvironment> => ({
    ...readBridgeConfig(variables),
    landing: (await readQueues(variables)).landing,
    log: createProcessLog(),
  }),
  createBridge,
)
