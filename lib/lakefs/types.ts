/** What the lakeFS client hands out. Times are seconds since 1970 where lakeFS gives seconds, ISO 8601 text where it gives text. */

export interface Repository {
  id: string
  /** `s3://<bucket>/<prefix>` */
  storageNamespace: string
  defaultBranch: string
  /** Seconds since 1970. */
  creationDate: number
  readOnly: boolean
}

/** A branch or a tag, and the commit that it names. */
export interface Ref {
  id: string
  commitId: string
}

export interface Commit {
  /** 64 hex digits. */
  id: string
  parents: string[]
  committer: string
  message: string
  /** Seconds since 1970. */
  creationDate: number
  metaRangeId: string
  metadata: Record<string, string>
  generation: number
}

/** An object on a ref, without its bytes. */
export interface ObjectStats {
  type: 'object'
  path: string
  /** `s3://…`: where the bytes lie. They are never written again. */
  physicalAddress: string
  /** MD5 in hex: the ETag without quotes. */
  checksum: string
  /** Bytes. */
  size: number
  /** Seconds since 1970. */
  mtime: number
  contentType: string
  metadata: Record<string, string>
}

/** All objects below one "folder" of a listing with a delimiter; `path` ends with the delimiter. */
export interface CommonPrefix {
  type: 'common_prefix'
  path: string
}

export interface Difference {
  type: 'added' | 'removed' | 'changed' | 'conflict' | 'prefix_changed'
  path: string
  pathType: 'object' | 'common_prefix'
  /** Bytes, of the object on the right; undefined for a common prefix. */
  size: number | undefined
}

/** One event's run of all its actions. */
export interface ActionRun {
  runId: string
  branch: string
  commitId: string
  eventType: string
  status: 'completed' | 'failed'
  startTime: string
  endTime: string | undefined
}

export interface HookRun {
  hookRunId: string
  action: string
  hookId: string
  status: 'completed' | 'failed' | 'skipped'
  startTime: string
  endTime: string | undefined
}

export interface MergeBase {
  sourceCommitId: string
  destinationCommitId: string
  /** The best common ancestor. */
  baseCommitId: string
}

export interface BranchProtection {
  /** Glob patterns of branch names: `[!_]*`. */
  patterns: string[]
  /** Passed back on a write, makes it conditional. Empty where there never were rules. */
  etag: string
}
