import { describeProblem, Rejection, TransientError } from '../../errors.ts'
import { hasStatus } from '../../lakefs/client.ts'
import { CatalogError } from '../error.ts'

/** Nothing was changed, and the same request may go well: a client that sends it again does no harm. */
export const tryAgain = (cause: Error): CatalogError =>
  new CatalogError('ServiceUnavailableException', `nothing was changed, try again: ${cause.message}`, { cause })

export const branchGone = (study: string, branch: string, cause?: unknown): CatalogError =>
  new CatalogError('NoSuchNamespaceException', `${study} has no branch ${branch}`, { cause })

/** The gate's refusal with its list. */
const refusedByGate = (rejection: Rejection): CatalogError =>
  new CatalogError(
    'BadRequestException',
    `the gate refuses the commit:\n${rejection.problems.map(describeProblem).join('\n')}`,
    { cause: rejection, problems: rejection.problems },
  )

/**
 * What failed before anything could be seen, in the protocol's terms. An error that is no refusal and does not pass by itself is given back as it
 * is.
 */
export function explainEarly(error: unknown): unknown {
  if (error instanceof Rejection) return refusedByGate(error)
  // The hidden branch is gone, or its name taken: only a sweep with a wrong clock or an odd chance does that.
  const hiddenLost = hasStatus(error, 404, 409)
  return error instanceof TransientError || hiddenLost ? tryAgain(error) : error
}
