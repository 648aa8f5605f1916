import type { Problem } from '../errors.ts'

/** Names of the protocol's errors, with the status that each is answered with. Iceberg REST catalog specification, "ErrorModel". */
export const errorStatus = {
  BadRequestException: 400,
  NotAuthorizedException: 401,
  ForbiddenException: 403,
  NotFoundException: 404,
  NoSuchWarehouseException: 404,
  NoSuchNamespaceException: 404,
  NoSuchTableException: 404,
  NoSuchViewException: 404,
  UnsupportedOperationException: 406,
  AlreadyExistsException: 409,
  CommitFailedException: 409,
  RequestTooLargeException: 413,
  InternalServerError: 500,
  CommitStateUnknownException: 500,
  ServiceUnavailableException: 503,
} as const

export type ErrorType = keyof typeof errorStatus

/** A refusal in the protocol's terms. Its message is for the client: names and rules, never a cell value. */
export class CatalogError extends Error {
  override name = 'CatalogError'
  readonly type: ErrorType
  /** The gate's list, where the gate refused. */
  readonly problems: Problem[]

  constructor(
    type: ErrorType,
    message: string,
    { cause, problems = [] }: { cause?: unknown; problems?: Problem[] } = {},
  ) {
    super(message, { cause })
    this.type = type
    this.problems = problems
  }

  get status(): number {
    return errorStatus[this.type]
  }
}
