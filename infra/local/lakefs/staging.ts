import type { Database } from './database.ts'
import { comparePaths, type Entry, isSame } from './entries.ts'
import type { BranchRecord } from './repository.ts'
import type { Change, Changes, Trees } from './trees.ts'

/** What is uncommitted on branches: for each token, paths with their new entry, or none where the path was deleted. */
export function createStaging(database: Database, trees: Trees) {
  const tokensOf = ({ token, sealed }: BranchRecord): number[] => [token, ...sealed]
  const parse = (text: string | null): Entry | undefined => (text === null ? undefined : (JSON.parse(text) as Entry))

  function setStaged(token: number, path: string, entry: Entry | undefined): void {
    const text = entry ? JSON.stringify(entry) : null
    database.run('insert or replace into staging (token, path, entry) values (?, ?, ?)', token, path, text)
  }

  /** What the newest of the tokens says of a path; undefined where none says anything. */
  function findStaged(tokens: number[], path: string): { entry: Entry | undefined } | undefined {
    for (const token of tokens) {
      const sql = 'select entry from staging where token = ? and path = ?'
      const row = database.get<{ entry: string | null }>(sql, token, path)
      if (row) return { entry: parse(row.entry) }
    }
    return undefined
  }

  /** All that the tokens, newest first, say of paths that start with `prefix`. */
  function changesOf(tokens: number[], prefix = ''): Changes {
    const changes: Changes = new Map()
    for (const token of tokens) {
      const sql = 'select path, entry from staging where token = ? and path >= ?'
      for (const { path, entry } of database.iterate<{ path: string; entry: string | null }>(sql, token, prefix)) {
        if (!path.startsWith(prefix)) break
        if (!changes.has(path)) changes.set(path, parse(entry))
      }
    }
    return changes
  }

  /** Those of the tokens' changes that make a difference to the tree, by path. */
  function diffStaged(tree: string, tokens: number[], prefix = ''): Change[] {
    return [...changesOf(tokens, prefix)]
      .map(([path, right]) => ({ path, left: trees.getEntry(tree, path), right }))
      .filter(({ left, right }) => !isSame(left, right))
      .sort((a, b) => comparePaths(a.path, b.path))
  }

  /** The tree with the tokens' changes laid over it, from `from` on. */
  function* listOverlaid(tree: string, tokens: number[], from: string, prefix: string): Generator<Entry> {
    const changes = [...changesOf(tokens, prefix)]
      .filter(([path]) => comparePaths(path, from) >= 0)
      .sort(([a], [b]) => comparePaths(a, b))
    let next = 0
    for (const entry of trees.listEntries(tree, from)) {
      for (; next < changes.length && comparePaths(changes[next]![0], entry.path) < 0; next++) {
        if (changes[next]![1]) yield changes[next]![1]!
      }
      if (changes[next]?.[0] !== entry.path) yield entry
      else if (changes[next++]![1]) yield changes[next - 1]![1]!
    }
    for (; next < changes.length; next++) if (changes[next]![1]) yield changes[next]![1]!
  }

  function dropTokens(tokens: number[]): void {
    for (const token of tokens) database.run('delete from staging where token = ?', token)
  }

  return { tokensOf, setStaged, findStaged, changesOf, diffStaged, listOverlaid, dropTokens }
}

export type Staging = ReturnType<typeof createStaging>
