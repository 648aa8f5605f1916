import type { Environment } from '../environment.ts'
import { currentSnapshot, parseTableMetadata, type Snapshot, type TableMetadata } from '../iceberg/metadata.ts'
import { tablePath } from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { Changes } from './changes.ts'
import type { GateProblem } from './codes.ts'
import type { Profile } from './profile.ts'
import type { StudyView, TableView } from './view.ts'

/** Reads at once, at most. */
const readsAtOnce = 8

const name = (snapshot: Snapshot): string => BigInt(snapshot['snapshot-id']).toString()
const numbers = ({ snapshots = [] }: TableMetadata) =>
  new Map(snapshots.map(item => [item['sequence-number'], name(item)]))

/** How a table's snapshots go on from those that it had. */
function compareSnapshots(
  before: TableMetadata,
  after: TableMetadata,
): { code: GateProblem['code']; message: string }[] {
  const [was, is] = [numbers(before), numbers(after)]
  const changed = [...is].find(([number, id]) => was.has(number) && was.get(number) !== id)
  if (changed) {
    const message = `its snapshot of sequence number ${changed[0]} is another than before: what was written in the meantime is lost`
    return [{ code: 'snapshot-rewritten', message }]
  }
  const [old, current] = [currentSnapshot(before), currentSnapshot(after)]
  const isBack = current !== undefined && [...was.values()].includes(name(current))
  if (!isBack && after['last-sequence-number'] < before['last-sequence-number'])
    return [
      {
        code: 'snapshot-lost',
        message: 'its last sequence number went back, and its current snapshot is none that it had',
      },
    ]
  if (!old || !current || isBack || [...is.values()].includes(name(old))) return []
  // Expired from its oldest end: one that is older and still there says that it was left out.
  const older = [...is.keys()].some(number => number < old['sequence-number'])
  if (!older) return []
  return [{ code: 'snapshot-skipped', message: 'its snapshots leave out the one that was current before' }]
}

/**
 * Tables that are otherwise than at the parent: each is still the table that it was, and its snapshots go on from there. Those of versions that people
 * merge into branches of their own have histories of their own; so do those that a promotion puts in place of others, which is not judged here.
 */
export async function checkHistory(
  { lakefs }: Pick<Environment, 'lakefs'>,
  view: StudyView,
  { parentRef, changes, profile }: { parentRef: string; changes: Changes; profile: Profile },
): Promise<GateProblem[]> {
  const isCompared = ({ layer, dataset }: TableView) => {
    const isChanged = changes.get(tablePath(layer, dataset)) === 'changed'
    return isChanged && (profile === 'full' || layer === 'work')
  }
  const found = await mapConcurrently(view.tables.filter(isCompared), readsAtOnce, async table => {
    const path = tablePath(table.layer, table.dataset)
    const bytes = await lakefs.getObject(view.study, parentRef, path)
    let before: TableMetadata
    try {
      before = parseTableMetadata(new TextDecoder().decode(bytes), path)
    } catch {
      // What was broken is mended by any table that is whole.
      return []
    }
    const { metadata, name: of } = table
    if (before['table-uuid'].toLowerCase() !== metadata['table-uuid'].toLowerCase()) {
      const difference = { expected: before['table-uuid'], found: metadata['table-uuid'] }
      const message = 'is another table than before at this place: its uuid is not the one that it had'
      return [{ code: 'table-replaced' as const, table: of, message, ...difference }]
    }
    return compareSnapshots(before, metadata).map(problem => ({ ...problem, table: of }))
  })
  return found.flat()
}
