/** An answer of the API that is not a success. `message` is lakeFS's own wording: clients and people look for it. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }

  /** The same error with words in front, as lakeFS wraps its errors. */
  prefixed(prefix: string): ApiError {
    return new ApiError(this.status, `${prefix}: ${this.message}`)
  }
}

/** Runs `work`; an ApiError out of it gets `prefix: ` in front. */
export function withPrefix<T>(prefix: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof ApiError ? error.prefixed(prefix) : error
  }
}

export const notFound = (what?: string) => new ApiError(404, what ? `${what} not found` : 'not found')
export const invalidRef = () => new ApiError(400, 'ref: invalid value: validation error')
export const noChanges = () => new ApiError(400, 'no changes')
export const dirtyBranch = () => new ApiError(400, 'uncommitted changes (dirty branch)')
export const conflictFound = () => new ApiError(409, 'conflict found')
export const notUnique = (what: string) => new ApiError(409, `${what}: not unique`)
export const notImplemented = () => new ApiError(501, 'Not Implemented')
export const tooManyTries = () => new ApiError(429, 'Too many attempts, try again later')
export const pathExists = () => new ApiError(412, 'path already exists')
