import type { Environment } from '../environment.ts'
import { TransientError } from '../errors.ts'

type Change = 'added' | 'removed' | 'changed'

/** What a ref has otherwise than a commit, by path. */
export type Changes = ReadonlyMap<string, Change>

const isChange = (type: string): type is Change => type === 'added' || type === 'removed' || type === 'changed'

/** Looks at a branch that others write to meanwhile. */
const attempts = 3

/**
 * What a ref has otherwise than a commit, as lakeFS tells by comparing the two: it skips what both share, so that the cost goes with what changed. Of a
 * branch staged changes count. Throws TransientError where the branch does not stand still while it is looked at: what is found would be of no
 * one state.
 */
export async function findChanges(
  { lakefs }: Pick<Environment, 'lakefs'>,
  { study, ref, parentRef }: { study: string; ref: string; parentRef: string },
): Promise<Changes> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const branch = await lakefs.getBranch(study, ref)
    const head = branch?.commitId ?? ref
    const changes = new Map<string, Change>()
    if (head !== parentRef)
      for await (const { path, type } of lakefs.diffRefs(study, parentRef, head, { type: 'two_dot' }))
        if (isChange(type)) changes.set(path, type)
    if (!branch) return changes
    for await (const { path, type } of lakefs.diffUncommitted(study, ref))
      if (isChange(type)) changes.set(path, addUp(changes.get(path), type))
    if ((await lakefs.getBranch(study, ref))?.commitId === head) return changes
  }
  throw new TransientError(`the branch ${ref} of ${study} was written to while it was judged`)
}

/** Two changes after one another as one against the first state. One that undoes the other stays one: it is judged for nothing. */
function addUp(first: Change | undefined, second: Change): Change {
  if (first === undefined || second === 'removed') return second
  return first === 'removed' ? 'changed' : first
}
