import { NotFoundError, PreconditionError, TransientError } from '../errors.ts'

/** What errors of the AWS SDK have in common, as far as it matters here. */
interface SdkError extends Error {
  code?: string
  $metadata?: { httpStatusCode?: number }
}

/** SQS names some errors in two ways, by the protocol of the client: with its old prefix and without. */
const plainName = (name: string): string => name.replace(/^(AWS\.SimpleQueueService\.|com\.amazonaws\.sqs#)/, '')

const missingNames = new Set(['QueueDoesNotExist', 'NonExistentQueue'])
const handleNames = new Set(['ReceiptHandleIsInvalid', 'MessageNotInflight'])
const passingNames = new Set([
  'OverLimit',
  'RequestThrottled',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'KmsThrottled',
  'TimeoutError',
])
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
])

/**
 * The project's own error for one of the SDK: PreconditionError for a receipt handle that no longer counts, NotFoundError for a missing
 * queue, TransientError for what passes, otherwise the error itself. The SDK has made its retries by then.
 */
export function translateSqsError(error: unknown, queue: string): unknown {
  if (!(error instanceof Error)) return error
  const { code, message, $metadata } = error as SdkError
  const name = plainName(error.name)
  const status = $metadata?.httpStatusCode
  if (missingNames.has(name)) return new NotFoundError(`queue ${queue} does not exist`, { cause: error })
  // An expired handle of a FIFO queue is reported as a wrong parameter.
  if (handleNames.has(name) || (name.startsWith('InvalidParameterValue') && /receipt ?handle/i.test(message))) {
    return new PreconditionError(`receipt handle of queue ${queue} has expired`, { cause: error })
  }
  const passes =
    (status !== undefined && (status >= 500 || status === 429)) ||
    passingNames.has(name) ||
    (code !== undefined && networkCodes.has(code))
  if (passes)
    return new TransientError(`queue ${queue} answered ${name}${status ? ` (${status})` : ''}`, { cause: error })
  return error
}
