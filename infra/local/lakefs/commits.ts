import { createHash, type Hash } from 'node:crypto'
import { createCache } from './cache.ts'
import type { Database } from './database.ts'
import { notFound } from './errors.ts'

export interface CommitRecord {
  id: string
  committer: string
  message: string
  /** The tree; lakeFS calls it the metarange. */
  metaRangeId: string
  /** ms since 1970, with a fraction; only the seconds count for the id. */
  created: number
  metadata: Record<string, string>
  parents: string[]
  generation: number
}

export type NewCommit = Omit<CommitRecord, 'id'>

const typeMarks = { bytes: 0, string: 1, integer: 2, list: 3, map: 4, nested: 5 }

/** Writes a value as lakeFS does for its content addresses (its package `ident`): a mark for the type, the length, the value. */
function writeValue(hash: Hash, value: string | number | string[] | Record<string, string> | Buffer): void {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(value))
    hash.update(Buffer.from([typeMarks.integer, bytes.length])).update(bytes)
  } else if (typeof value === 'string' || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value as string)
    hash.update(Buffer.from([typeof value === 'string' ? typeMarks.string : typeMarks.bytes]))
    writeValue(hash, bytes.length)
    hash.update(bytes)
  } else if (Array.isArray(value)) {
    hash.update(Buffer.from([typeMarks.list]))
    writeValue(hash, value.length)
    for (const item of value) writeValue(hash, item)
  } else {
    const names = Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    hash.update(Buffer.from([typeMarks.map]))
    writeValue(hash, names.length)
    for (const item of names.flatMap(name => [name, value[name]!])) writeValue(hash, item)
  }
}

/** The id that lakeFS gives a commit: 64 hex digits that follow from its content, so two equal commits within a second are one. */
export function commitIdOf({ committer, message, metaRangeId, created, metadata, parents }: NewCommit): string {
  const hashOfParents = createHash('sha256')
  writeValue(hashOfParents, parents)
  const hash = createHash('sha256')
  for (const text of ['commit:v1', committer, message, metaRangeId]) writeValue(hash, text)
  writeValue(hash, Math.floor(created / 1000))
  writeValue(hash, metadata)
  hash.update(Buffer.from([typeMarks.nested]))
  writeValue(hash, hashOfParents.digest())
  return hash.digest('hex')
}

/** The commits of all repositories. */
export function createCommits(database: Database) {
  const cached = createCache<CommitRecord>(4096)
  let latest = 0

  function findCommit(repository: number, id: string): CommitRecord | undefined {
    const row = database.get<{ body: string }>(
      'select body from commits where repository = ? and id = ?',
      repository,
      id,
    )
    return row && (JSON.parse(row.body) as CommitRecord)
  }

  /** Throws 404. */
  function getCommit(repository: number, id: string): CommitRecord {
    return cached(`${repository}/${id}`, () => {
      const commit = findCommit(repository, id)
      if (!commit) throw notFound('commit')
      return commit
    })
  }

  /** Adds a commit, or does nothing where there is an equal one. */
  function addCommit(repository: number, commit: NewCommit): CommitRecord {
    const record = { id: commitIdOf(commit), ...commit }
    database.run(
      'insert or ignore into commits (repository, id, body) values (?, ?, ?)',
      repository,
      record.id,
      JSON.stringify(record),
    )
    return getCommit(repository, record.id)
  }

  /** The time of a commit made now, in ms: never that of an earlier one, so that a log has one order. */
  function nextTime(now: Date): number {
    latest = Math.max(now.getTime(), latest + 0.001)
    return latest
  }

  /** The one commit whose id starts so; undefined where there is none or more than one. */
  function findByPrefix(repository: number, prefix: string): string | undefined {
    const found = database.all<{ id: string }>(
      'select id from commits where repository = ? and id >= ? and id < ? limit 2',
      repository,
      prefix,
      `${prefix}g`,
    )
    return found.length === 1 ? found[0]!.id : undefined
  }

  /** Commits from `start` back by date; of two of the same time the greater id first. */
  function* log(repository: number, start: string, { firstParent = false, since = Number.NEGATIVE_INFINITY } = {}) {
    const queue: CommitRecord[] = []
    const seen = new Set<string>()
    const push = (id: string): void => {
      const commit = getCommit(repository, id)
      if (commit.created >= since) queue.push(commit)
    }
    push(start)
    while (queue.length > 0) {
      queue.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1))
      const commit = queue.pop()!
      for (const parent of firstParent ? commit.parents.slice(0, 1) : commit.parents) {
        if (seen.has(parent)) continue
        seen.add(parent)
        push(parent)
      }
      yield commit
    }
  }

  /** The best common ancestor: going back from both, generation by generation, the first commit that both sides reach. */
  function findMergeBase(repository: number, left: string, right: string): CommitRecord | undefined {
    if (left === right) return getCommit(repository, left)
    const sides = new Map([
      [left, 1],
      [right, 2],
    ])
    const queue = [getCommit(repository, left), getCommit(repository, right)]
    while (queue.length > 0) {
      queue.sort((a, b) => a.generation - b.generation || a.created - b.created)
      const commit = queue.pop()!
      for (const parent of commit.parents) {
        const known = sides.get(parent)
        const reached = (known ?? 0) | sides.get(commit.id)!
        sides.set(parent, reached)
        if (reached === 3) return getCommit(repository, parent)
        if (known === undefined) queue.push(getCommit(repository, parent))
      }
    }
    return undefined
  }

  return { findCommit, getCommit, addCommit, nextTime, findByPrefix, log, findMergeBase }
}

export type Commits = ReturnType<typeof createCommits>
