/** One thing that is wrong with what a study's uploader delivered. Names places, never cell values. */
export interface Problem {
  /** Stable, machine-readable: `value-does-not-fit`, `column-missing` … */
  code: string
  /** One sentence that says what was found, what was expected, and what to do. Never holds a cell value. */
  message: string
  /** Landing file, without study and version: `dm.csv`. */
  file?: string
  /** 1 is the first line of data records: the record after the header. */
  row?: number
  column?: string
  /** Of a committed table: `raw.dm`. */
  table?: string
  /** What the declaration, or a counterpart, asks for: a type, a name, a count. */
  expected?: string
  found?: string
  /** How many further places of the same file and column are like this one. */
  more?: number
}

/**
 * A failure that passes by itself: a server that does not answer, a lost race. The caller tries again; a queue does so after
 * `retryAfterSeconds` or, without it, after a pause that doubles.
 */
export class TransientError extends Error {
  override name = 'TransientError'
  readonly retryAfterSeconds: number | undefined
  /** Of the HTTP answer, where there was one: 429 is a refusal, 5xx may follow work that was done. */
  readonly status: number | undefined

  constructor(
    message: string,
    { cause, retryAfterSeconds, status }: { cause?: unknown; retryAfterSeconds?: number; status?: number } = {},
  ) {
    super(message, { cause })
    this.retryAfterSeconds = retryAfterSeconds
    this.status = status
  }
}

/** Input that no retry can mend: it is recorded in the report of the version and not tried again until the input changes. */
export class Rejection extends Error {
  override name = 'Rejection'
  readonly problems: Problem[]

  constructor(problems: Problem[] | Problem, { cause }: { cause?: unknown } = {}) {
    const list = Array.isArray(problems) ? problems : [problems]
    super(list.map(describeProblem).join('\n'), { cause })
    this.problems = list
  }
}

/** An object, branch or other thing that is not there. */
export class NotFoundError extends Error {
  override name = 'NotFoundError'
}

/** A condition of a conditional read or write does not hold: another writer was first, or the object has changed. */
export class PreconditionError extends Error {
  override name = 'PreconditionError'
}

/** The problem on one line: `dm.csv, row 7, column AGE: …`. */
export function describeProblem({ file, table, row, column, message, expected, found, more }: Problem): string {
  const place = [
    file,
    table,
    row === undefined ? undefined : `row ${row}`,
    column === undefined ? undefined : `column ${column}`,
  ]
  const prefix = place.filter(part => part !== undefined).join(', ')
  const difference = expected === undefined && found === undefined ? '' : ` (expected ${expected}, found ${found})`
  return `${prefix ? `${prefix}: ` : ''}${message}${difference}${more ? ` (and ${more} more like it)` : ''}`
}
