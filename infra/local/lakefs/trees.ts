import { createHash } from 'node:crypto'
import { createCache } from './cache.ts'
import type { Database } from './database.ts'
import { comparePaths, type Entry, isSame } from './entries.ts'

/** A run of neighbouring entries, named by its content. Trees that differ in one entry share all ranges but one. */
interface Range {
  id: string
  first: string
  last: string
}

/** A change of one path: what it becomes, or undefined where it goes. */
export type Changes = Map<string, Entry | undefined>

/** One path in which two trees differ. */
export interface Change {
  path: string
  left: Entry | undefined
  right: Entry | undefined
}

/** The tree of a repository's first commit. lakeFS too tells it from a tree that has become empty. */
export const noTree = ''

/** Entries a range, on average. */
const rangeSize = 64

/** A range ends after such a path. Hanging on the path alone, it makes equal trees of equal ranges, whatever their history. */
function endsRange(path: string): boolean {
  let hash = 0x811c9dc5
  for (let index = 0; index < path.length; index++) hash = Math.imul(hash ^ path.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % rangeSize === 0
}

const contentId = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Trees, that is the committed states of a repository's objects: immutable, content-addressed, sharing what is equal. */
export function createTrees(database: Database) {
  const cachedRanges = createCache<Entry[]>(2048)
  const cachedTrees = createCache<Range[]>(1024)

  function rangesOf(tree: string): Range[] {
    if (tree === noTree) return []
    return cachedTrees(tree, () => {
      const row = database.get<{ ranges: string }>('select ranges from trees where id = ?', tree)
      if (!row) throw new Error(`tree ${tree} is missing in the database`)
      return JSON.parse(row.ranges) as Range[]
    })
  }

  function entriesOf({ id }: Range): Entry[] {
    return cachedRanges(id, () => {
      const row = database.get<{ entries: string }>('select entries from ranges where id = ?', id)
      if (!row) throw new Error(`range ${id} is missing in the database`)
      return JSON.parse(row.entries) as Entry[]
    })
  }

  /** Index of the first item of which `before` is false; the items are sorted so that it is true first. */
  function firstIndex<T>(items: T[], before: (item: T) => boolean): number {
    let low = 0
    let high = items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (before(items[middle]!)) low = middle + 1
      else high = middle
    }
    return low
  }

  function getEntry(tree: string, path: string): Entry | undefined {
    const ranges = rangesOf(tree)
    const range = ranges[firstIndex(ranges, ({ last }) => comparePaths(last, path) < 0)]
    if (!range || comparePaths(range.first, path) > 0) return undefined
    const entries = entriesOf(range)
    const entry = entries[firstIndex(entries, other => comparePaths(other.path, path) < 0)]
    return entry?.path === path ? entry : undefined
  }

  /** The entries at `from` and after it, in order. */
  function* listEntries(tree: string, from = ''): Generator<Entry> {
    const ranges = rangesOf(tree)
    for (let index = firstIndex(ranges, ({ last }) => comparePaths(last, from) < 0); index < ranges.length; index++) {
      const entries = entriesOf(ranges[index]!)
      const start = firstIndex(entries, ({ path }) => comparePaths(path, from) < 0)
      for (let at = start; at < entries.length; at++) yield entries[at]!
    }
  }

  function createWriter() {
    const ranges: Range[] = []
    let pending: Entry[] = []

    function flush(): void {
      if (pending.length === 0) return
      const text = JSON.stringify(pending)
      const range = { id: contentId(text), first: pending[0]!.path, last: pending.at(-1)!.path }
      database.run('insert or ignore into ranges (id, entries) values (?, ?)', range.id, text)
      ranges.push(range)
      pending = []
    }

    function addEntry(entry: Entry): void {
      pending.push(entry)
      if (endsRange(entry.path)) flush()
    }

    return {
      addEntry,
      addRange(range: Range): void {
        if (pending.length === 0 && endsRange(range.last)) ranges.push(range)
        else for (const entry of entriesOf(range)) addEntry(entry)
      },
      close(): string {
        flush()
        const text = JSON.stringify(ranges)
        const id = contentId(text)
        database.run('insert or ignore into trees (id, ranges) values (?, ?)', id, text)
        return id
      },
    }
  }

  /** The tree with the changes made. */
  const applyChanges = (tree: string, changes: Changes): string => database.transaction(() => rebuild(tree, changes))

  function rebuild(tree: string, changes: Changes): string {
    const paths = [...changes.keys()].sort(comparePaths)
    const writer = createWriter()
    let next = 0
    const addChange = (): void => {
      const entry = changes.get(paths[next++]!)
      if (entry) writer.addEntry(entry)
    }
    for (const range of rangesOf(tree)) {
      if (next === paths.length || comparePaths(paths[next]!, range.last) > 0) {
        writer.addRange(range)
        continue
      }
      for (const entry of entriesOf(range)) {
        while (next < paths.length && comparePaths(paths[next]!, entry.path) < 0) addChange()
        if (paths[next] === entry.path) addChange()
        else writer.addEntry(entry)
      }
    }
    while (next < paths.length) addChange()
    return writer.close()
  }

  /** The paths in which two trees differ, in order. Ranges that both have are not looked into. */
  function* diffTrees(left: string, right: string): Generator<Change> {
    const ids = (ranges: Range[]) => new Set(ranges.map(({ id }) => id))
    const ofLeft = rangesOf(left)
    const ofRight = rangesOf(right)
    const inLeft = ids(ofLeft)
    const inRight = ids(ofRight)
    const lefts = ofLeft.filter(({ id }) => !inRight.has(id)).flatMap(entriesOf)
    const rights = ofRight.filter(({ id }) => !inLeft.has(id)).flatMap(entriesOf)
    for (let l = 0, r = 0; l < lefts.length || r < rights.length; ) {
      const a = lefts[l]
      const b = rights[r]
      const order = !a ? 1 : !b ? -1 : comparePaths(a.path, b.path)
      if (order < 0) yield { path: a!.path, left: lefts[l++], right: undefined }
      else if (order > 0) yield { path: b!.path, left: undefined, right: rights[r++] }
      else {
        if (!isSame(a, b)) yield { path: a!.path, left: a, right: b }
        l++
        r++
      }
    }
  }

  return { getEntry, listEntries, applyChanges, diffTrees }
}

export type Trees = ReturnType<typeof createTrees>
