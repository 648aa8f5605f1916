import { type FunctionUrlResult, functionUrlEvent, hookPayload } from '../events/gate.ts'
import type { Environment } from '../lib/environment.ts'
import { describeProblem } from '../lib/errors.ts'
import { answerHook } from '../lib/gate/answer-hook.ts'
import { gateTokenHeader } from '../lib/gate-action.ts'
import { createFromProcess } from './from-process.ts'
import { describeError } from './middleware/describe-error.ts'
import { answer, isToken, readBody, readHeader } from './middleware/function-url.ts'
import type { FunctionContext } from './middleware/queue-function.ts'

export type CheckHandler = (event: unknown, context: FunctionContext) => Promise<FunctionUrlResult>

/** Characters of the largest payload that is read: lakeFS's own are below 10,000. */
const largestBody = 262_144

/** The gate's function URL, called by lakeFS before every commit and merge: 200, or 4xx and 5xx with the reason. Refuses when in doubt. */
export function createCheck(environment: Environment): CheckHandler {
  return async (event, context) => {
    const log = environment.log.with({ function: 'check', requestId: context.awsRequestId })
    const request = functionUrlEvent.parse(event)
    if (!isToken(readHeader(request, gateTokenHeader), environment.config.gate.token))
      return answer(401, { accepted: false, reason: 'the token is missing or wrong' })
    const payload = readBody(request, { schema: hookPayload, largest: largestBody })
    if (!payload) return answer(400, { accepted: false, reason: 'the payload is not a hook event of lakeFS' })
    const named = log.with({ study: payload.repository_id, event: payload.event_type, branch: payload.branch_id })
    try {
      const { ref, problems } = await answerHook(environment, payload)
      const accepted = problems.length === 0
      named.info(accepted ? 'accepted' : 'refused', { problems: problems.length })
      return answer(accepted ? 200 : 422, { accepted, ref, summary: problems.map(describeProblem), problems })
    } catch (error) {
      named.error('the gate could not judge', describeError(error))
      return answer(503, { accepted: false, reason: 'the gate could not read all that it has to judge: try again' })
    }
  }
}

export const handler = createFromProcess(createCheck, { sections: ['lakefs', 'gateToken'] })
