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
  const cause = error.cause instanceof Error ? { cause: describeCause(error.cause) } : {}
  const stack = error.stack
    ?.split('\n')
    .filter(line => /^\s+at /.test(line))
    .slice(0, 5)
    .join('\n')
  // The parser of JSON quotes what it could not read.
  return { error: error.name, ...(error instanceof SyntaxError ? {} : { reason: error.message }), ...cause, stack }
}

function describeCause(cause: Error): string {
  if (cause instanceof z.ZodError || cause instanceof SyntaxError) return cause.name
  return `${cause.name}: ${cause.message}`
}
