import { type Layer, layers } from '../layout.ts'
import { CatalogError } from './error.ts'
import { type Head, isAuthority, type Refs } from './refs.ts'
import type { Caller } from './tokens.ts'

export interface Rights {
  /** The layers of a ref into which tables can be written, whoever asks. */
  writableLayers(head: Head): Promise<readonly Layer[]>
  /** Throws CatalogError with the reason where the caller may not write there. */
  requireWritable(caller: Caller, head: Head, layers: readonly Layer[]): Promise<void>
}

/**
 * Who may write where. What the pipeline answers for is closed: `main`, `keys`, and on the branch of a version all layers but `writable`. Tags and
 * commits cannot change. Every other branch is its owner's; what merges from it is judged then.
 */
export function createRights({
  refs,
  writable,
}: {
  refs: Pick<Refs, 'isVersion'>
  writable: readonly Layer[]
}): Rights {
  async function writableLayers(head: Head): Promise<readonly Layer[]> {
    if (head.kind !== 'branch' || isAuthority(head.ref)) return []
    return (await refs.isVersion(head)) ? writable : layers
  }

  return {
    writableLayers,
    async requireWritable(caller, head, wanted) {
      const refuse = (reason: string): never => {
        throw new CatalogError('ForbiddenException', reason)
      }
      const { study, ref, kind } = head
      if (!caller.mayWrite(study)) refuse(`this token may read ${study} and not write to it`)
      if (kind !== 'branch') refuse(`${study}@${ref} is a ${kind}, which never changes: write to a branch`)
      if (isAuthority(ref))
        refuse(`nothing is written to the branch ${ref} of a study by hand: write to a branch of your own`)
      const allowed = await writableLayers(head)
      const closed = wanted.find(layer => !allowed.includes(layer))
      if (closed === undefined) return
      const open = allowed.length > 0 ? `, only ${allowed.join(', ')}` : ''
      refuse(
        `${ref} is a version of ${study}, as it was delivered: nothing is written to its layer ${closed}${open}; ` +
          'make a branch of your own from it in lakeFS, and write there',
      )
    },
  }
}
