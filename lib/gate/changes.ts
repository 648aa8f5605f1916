import type { Environment } from '../environment.ts'
import { TransientError } from '../errors.ts'

type Change = 'added' | 'removed' | 'changed'

/** What a ref has otherwise than a commit, by path. */
export type Changes = ReadonlyMap<string, Change>

const isChange = (type: string): type is Change => type === 'added' || type === 'removed' || type === 'changed'

/** Where the bytes of a commit's objects lie, by path. */
async function readPlaces(
  { lakefs }: Pick<Environment, 'lakefs'>,
  study: string,
  commit: string,
): Promise<Map<string, string>> {
  const places = new Map<string, string>()
  for await (const item of lakefs.listObjects(study, commit))
    if (item.type === 'object') places.set(item.path, item.physicalAddress)
  return places
}

/**
 * The paths at which two commits hold other bytes. lakeFS takes objects of one checksum, size, type and metadata for the same, and clients may name
 * all of them as they like: an object that is deleted in one commit and put back in the next under its old checksum is no change to it, whatever
 * its bytes are (seen), and a merge carries it over. Equal bytes at another place are among them, and are judged for nothing.
 */
async function findMoved(
  environment: Pick<Environment, 'lakefs'>,
  { study, from, to }: { study: string; from: string; to: string },
): Promise<string[]> {
  const [before, after] = await Promise.all([from, to].map(commit => readPlaces(environment, study, commit)))
  return [...after!].filter(([path, place]) => (before!.get(path) ?? place) !== place).map(([path]) => path)
}

/** Looks at a branch that others write to meanwhile. */
const attempts = 3

/**
 * What a ref has otherwise than a commit: what lakeFS tells by comparing the two, and what lies elsewhere than there, for which two commits are listed. Of
 * a branch staged changes count; what is staged under the checksum of what is there, lakeFS does not commit. Throws TransientError where the branch
 * does not stand still while it is looked at: what is found would be of no one state.
 */
export async function findChanges(
  { lakefs }: Pick<Environment, 'lakefs'>,
  { study, ref, parentRef }: { study: string; ref: string; parentRef: string },
): Promise<Changes> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const branch = await lakefs.getBranch(study, ref)
    const head = branch?.commitId ?? ref
    const changes = new Map<string, Change>()
    if (head !== parentRef) {
      const moved = findMoved({ lakefs }, { study, from: parentRef, to: head })
      // Waited for below: a failure of the comparison comes first.
      moved.catch(() => {})
      for await (const { path, type } of lakefs.diffRefs(study, parentRef, head, { type: 'two_dot' }))
        if (isChange(type)) changes.set(path, type)
      for (const path of await moved) changes.set(path, 'changed')
    }
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
