import { setTimeout as sleep } from 'node:timers/promises'
import { type FunctionUrlResult, functionUrlEvent, hookPayload } from '../events/gate.ts'
import { EngineError } from '../lib/engine/engine.ts'
import type { Environment } from '../lib/environment.ts'
import { describeProblem } from '../lib/errors.ts'
import { answerHook } from '../lib/gate/answer-hook.ts'
import { gateTokenHeader } from '../lib/gate-action.ts'
import { createFromProcess } from './from-process.ts'
import { describeError } from './middleware/describe-error.ts'
import { answer, isToken, readBody, readHeader } from './middleware/function-url.ts'
import type { FunctionContext } from './middleware/queue-function.ts'
import { openEngine } from './open-engine.ts'

export type CheckHandler = (event: unknown, context: FunctionContext) => Promise<FunctionUrlResult>

/** Characters of the largest payload that is read: lakeFS's own are below 10,000. */
const largestBody = 262_144

/** ms that the gate leaves between its own answer and the end of its time, or of lakeFS's patience (55 s in gate.yaml). */
const margin = 3000
const longest = 50_000

/** The work's result, or undefined where it takes longer than that (ms). What it had found good by then is kept, so that another try gets further. */
async function within<Result>(time: number, work: Promise<Result>): Promise<Result | undefined> {
  const waiting = new AbortController()
  const late = sleep(time, undefined, { signal: waiting.signal }).catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    waiting.abort()
    work.catch(() => {})
  }
}

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
      const time = Math.max(0, Math.min(longest, context.getRemainingTimeInMillis() - margin))
      const verdict = await within(time, answerHook(environment, payload))
      if (!verdict) {
        named.error('the gate ran out of time')
        return answer(503, { accepted: false, reason: 'the gate could not judge all of it in time: try again' })
      }
      const { ref, problems } = verdict
      const accepted = problems.length === 0
      named.info(accepted ? 'accepted' : 'refused', { problems: problems.length })
      return answer(accepted ? 200 : 422, { accepted, ref, summary: problems.map(describeProblem), problems })
    } catch (error) {
      named.error('the gate could not judge', describeError(error))
      const reason = error instanceof EngineError ? error.message : 'the gate could not read all that it has to judge'
      return answer(503, { accepted: false, reason: `${reason}: try again` })
    }
  }
}

export const handler = createFromProcess(createCheck, { sections: ['lakefs', 'gateToken'], openEngine })
