import type { Entry } from './entries.ts'
import { isSame } from './entries.ts'
import { conflictFound, noChanges } from './errors.ts'
import type { Change, Changes, Trees } from './trees.ts'

export type Strategy = 'default' | 'dest-wins' | 'source-wins'

/** A difference as the diff calls give it. `entry` is the object that they show: the right one, or the one that goes. */
export interface Difference {
  path: string
  type: 'added' | 'removed' | 'changed' | 'conflict'
  entry: Entry | undefined
}

/**
 * Three-way merge of trees, path by path: what only the source changed is taken, what both changed alike stays, all else is a conflict, which
 * the strategy may decide. Throws 409, and 400 where the source has changed nothing.
 */
export function mergeTrees(
  trees: Trees,
  { destination, source, base }: { destination: string; source: string; base: string },
  { strategy = 'default', allowEmpty = false }: { strategy?: Strategy; allowEmpty?: boolean } = {},
): string {
  if (source === base && !allowEmpty) throw noChanges()
  if (destination === base) return source
  const changes: Changes = new Map()
  for (const { path, left: before, right: wanted } of trees.diffTrees(base, source)) {
    const present = trees.getEntry(destination, path)
    const takeSource = isSame(present, before) || isSame(present, wanted) || strategy === 'source-wins'
    if (takeSource) changes.set(path, wanted)
    else if (strategy === 'default') throw conflictFound()
  }
  return trees.applyChanges(destination, changes)
}

const differenceOf = ({ path, left, right }: Change): Difference => ({
  path,
  type: !left ? 'added' : !right ? 'removed' : 'changed',
  entry: right ?? left,
})

/** What the right tree has otherwise than the left. */
export function* compareTwo(trees: Trees, left: string, right: string): Generator<Difference> {
  for (const change of trees.diffTrees(left, right)) yield differenceOf(change)
}

/** What merging `source` into `destination` would change. */
export function* compareThree(
  trees: Trees,
  { destination, source, base }: { destination: string; source: string; base: string },
): Generator<Difference> {
  for (const change of trees.diffTrees(destination, source)) {
    const before = trees.getEntry(base, change.path)
    if (isSame(before, change.right)) continue
    const difference = differenceOf(change)
    yield isSame(before, change.left) ? difference : { ...difference, type: 'conflict' }
  }
}
