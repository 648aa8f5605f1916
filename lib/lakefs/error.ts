/**
 * lakeFS refused a request for good: an answer of 4xx (or 501) that does not just mean "there is no such thing". Callers branch on
 * `status`: 400 nothing to commit or merge, dirty branch, bad name; 401 credentials; 403 protected branch; 404 a repository, branch or ref
 * that the request needs; 409 conflict or already there; 410 the bytes are gone; 412 a hook refused (`runId` is set), or the object exists.
 */
export class LakefsError extends Error {
  override name = 'LakefsError'
  readonly status: number
  /** lakeFS's own words; empty where it gave none (a merge conflict). */
  readonly detail: string
  /** The action run that refused, where a hook did: its hooks and their outputs say why. */
  readonly runId: string | undefined

  constructor(operation: string, { status, detail }: { status: number; detail: string }) {
    super(`lakeFS answered ${status} to ${operation}${detail ? `: ${detail}` : ''}`)
    this.status = status
    this.detail = detail
    this.runId = status === 412 ? hookRunId(detail) : undefined
  }
}

/** True for a refusal of lakeFS with one of these statuses. */
export const hasStatus = (error: unknown, ...statuses: number[]): error is LakefsError =>
  error instanceof LakefsError && statuses.includes(error.status)

/** The run id in `pre-merge hook aborted, run id '…': …`, or undefined. */
function hookRunId(detail: string): string | undefined {
  return /hook aborted, run id '([^']+)'/.exec(detail)?.[1]
}

/** lakeFS's words in an error answer: its `message`, or nothing where the body is no such JSON. */
export function readDetail(body: string): string {
  try {
    const message: unknown = (JSON.parse(body) as { message?: unknown } | null)?.message
    return typeof message === 'string' ? message.trim() : ''
  } catch {
    return ''
  }
}
