import { NotFoundError, PreconditionError, TransientError } from '../errors.ts'

/** What errors of the AWS SDK have in common, as far as it matters here. */
interface SdkError extends Error {
  code?: string
  $metadata?: { httpStatusCode?: number }
}

const statusOf = (error: unknown): number | undefined => (error as SdkError | undefined)?.$metadata?.httpStatusCode

/** Failures that pass though S3 answers with a status below 500: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const passingNames = new Set([
  'RequestTimeout',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'OperationAborted',
  'ConditionalRequestConflict',
  // The upload was completed by a try whose answer was lost, or aborted by a lifecycle rule: only the whole put can be tried again.
  'NoSuchUpload',
  'TimeoutError',
])
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
])

/** True for S3's 409 to a conditional write that ran into another write of the same key: neither has been decided. */
export const isConflict = (error: unknown): boolean =>
  (error as SdkError | undefined)?.name === 'ConditionalRequestConflict'

/** True where the requested range has no byte of the object. */
export const isBeyondEnd = (error: unknown): boolean => statusOf(error) === 416

/** True where the object is not there; a bucket that is not there is another failure. */
export function isMissing(error: unknown): boolean {
  const { name } = error as SdkError
  return statusOf(error) === 404 && name !== 'NoSuchBucket' && name !== 'NoSuchUpload'
}

/**
 * The project's own error for one of the SDK, or the error itself where it is neither a missing object, nor a failed condition, nor one
 * that passes. The SDK has made its retries by then. `subject` is the address that the message names.
 */
export function translateS3Error(error: unknown, subject: string): unknown {
  if (!(error instanceof Error)) return error
  const { name, code } = error as SdkError
  const status = statusOf(error)
  if (status === 412) return new PreconditionError(`${subject} does not meet the condition`, { cause: error })
  if (isMissing(error)) return new NotFoundError(`${subject} does not exist`, { cause: error })
  const passes =
    (status !== undefined && (status >= 500 || status === 429)) ||
    passingNames.has(name) ||
    (code !== undefined && networkCodes.has(code))
  if (passes)
    return new TransientError(`S3 answered ${name}${status ? ` (${status})` : ''}: ${subject}`, { cause: error })
  return error
}

/** Resolves as the work does, and throws what `translateS3Error` makes of its failure. */
export async function translating<T>(subject: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw translateS3Error(error, subject)
  }
}
