import { z } from 'zod'
import type { LogFields } from '../../lib/log.ts'

/**
 * An error as it may be logged: its kind, its message, where it was thrown. Messages of this project's errors hold no cell value; what zod says
 * of a message may quote it, so only the places are named.
 */
export function describeError(error: unknown): LogFields {
  if (error instanceof z.ZodError)
    return { error: 'ZodError', reason: error.issues.map(({ path, code }) => `${path.join('.')}: ${code}`).join('; ') }
  if (!(error instanceof Error)) return { error: 'not an Error' }
  const cause = error.cause instanceof Error ? { cause: `${error.cause.name}: ${error.cause.message}` } : {}
  return { error: error.name, reason: error.message, ...cause, stack: error.stack?.split('\n').slice(1, 6).join('\n') }
}
