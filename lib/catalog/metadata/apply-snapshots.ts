import { canonicalJson } from '../../hash.ts'
import { findSnapshot, type Id, type Snapshot } from '../../iceberg/metadata.ts'
import type { StatisticsFile } from './body-parts.ts'
import { withoutNulls } from './check-schema.ts'
import { type Draft, type UpdateContext, withMetadata } from './draft.ts'
import { mainRef, type Ref, refsOf } from './refs.ts'
import { badRequest, conflict, quote } from './refuse.ts'
import type { UpdateOf } from './updates.ts'

/** Updates of snapshots, of the branches and tags that name them, and of their statistics. */
export const snapshotUpdates = {
  'add-snapshot'(draft: Draft, update: UpdateOf<'add-snapshot'>, { isAllowedLocation }: UpdateContext): Draft {
    const { metadata } = draft
    if (
      metadata.schemas.length === 0 ||
      metadata['partition-specs'].length === 0 ||
      metadata['sort-orders'].length === 0
    )
      throw badRequest('a snapshot cannot come before a schema, a partition spec and a sort order')
    const { 'parent-snapshot-id': parent, ...rest } = withoutNulls(
      update.snapshot,
    ) as UpdateOf<'add-snapshot'>['snapshot']
    const hasParent = parent !== undefined && parent !== null && parent !== -1
    const snapshot = { ...rest, ...(hasParent ? { 'parent-snapshot-id': parent } : {}) } as Snapshot
    const id = snapshot['snapshot-id']
    const refuse = (reason: string) => badRequest(`snapshot ${id}: ${reason}`)

    if (findSnapshot(metadata, id)) throw refuse('there is one of that id already')
    if (snapshot['sequence-number'] === undefined) throw refuse('a table of format version 2 needs its sequence-number')
    if (snapshot['sequence-number'] <= metadata['last-sequence-number']) {
      const found = `found ${snapshot['sequence-number']}`
      throw conflict(`snapshot ${id}: expected a sequence number above ${metadata['last-sequence-number']}, ${found}`)
    }
    if (hasParent && !findSnapshot(metadata, parent))
      throw conflict(`snapshot ${id}: its parent ${parent} is not there`)
    const schemaId = snapshot['schema-id']
    if (schemaId !== undefined && !metadata.schemas.some(schema => schema['schema-id'] === schemaId))
      throw refuse(`there is no schema ${schemaId}`)
    if (!isAllowedLocation(snapshot['manifest-list'])) throw refuse(outside('manifest-list'))
    return {
      ...withMetadata(draft, {
        snapshots: [...(metadata.snapshots ?? []), snapshot],
        'last-sequence-number': snapshot['sequence-number'],
      }),
      addedSnapshots: [...draft.addedSnapshots, snapshot],
    }
  },

  'set-snapshot-ref'(draft: Draft, update: UpdateOf<'set-snapshot-ref'>, { now }: UpdateContext): Draft {
    const { action: _, 'ref-name': name, ...members } = update
    const ref = withoutNulls(members) as typeof members
    const id = ref['snapshot-id']
    const { metadata } = draft
    const snapshot = findSnapshot(metadata, id)
    if (!snapshot) throw badRequest(`${quote(name)} cannot be set: there is no snapshot ${id}`)
    if (name === mainRef && ref.type !== 'branch') throw badRequest('main is a branch and cannot be a tag')
    if (ref.type === 'tag' && (ref['min-snapshots-to-keep'] ?? ref['max-snapshot-age-ms']) !== undefined)
      throw badRequest(`${quote(name)} is a tag: how many snapshots to keep, and how long, is said of branches`)

    const refs = refsOf(metadata)
    const present = refs.get(name)
    if (present && canonicalJson(withoutNulls(present)) === canonicalJson(ref)) return draft
    const changed = withMetadata(draft, { refs: Object.fromEntries(refs.set(name, ref)) })
    if (name !== mainRef) return changed
    const added = draft.addedSnapshots.includes(snapshot)
    const log = metadata['snapshot-log'] ?? []
    // Clocks of engines differ: readers refuse a log that goes back in time.
    const time = Math.max(added ? snapshot['timestamp-ms'] : now, log.at(-1)?.['timestamp-ms'] ?? 0)
    return {
      ...withMetadata(changed, {
        'current-snapshot-id': id,
        'snapshot-log': [...log, { 'snapshot-id': id, 'timestamp-ms': time }],
      }),
      mainSnapshots: [...draft.mainSnapshots, id],
    }
  },

  'remove-snapshot-ref': (draft: Draft, update: UpdateOf<'remove-snapshot-ref'>): Draft =>
    removeRefs(draft, name => name === update['ref-name']),

  'remove-snapshots'(draft: Draft, update: UpdateOf<'remove-snapshots'>): Draft {
    const gone = new Set(update['snapshot-ids'].map(String))
    const isGone = (entry: { 'snapshot-id': Id }) => gone.has(String(entry['snapshot-id']))
    const snapshots = draft.metadata.snapshots?.filter(snapshot => !isGone(snapshot))
    if (snapshots?.length === draft.metadata.snapshots?.length) return draft
    const lists = statisticsLists.filter(list => draft.metadata[list] !== undefined)
    const statistics = lists.map(list => [list, statisticsOf(draft, list).filter(file => !isGone(file))])
    const kept = withMetadata(
      removeRefs(draft, (_name, ref) => isGone(ref)),
      { snapshots, ...Object.fromEntries(statistics) },
    )
    return { ...kept, removedSnapshots: true }
  },

  'set-statistics': (draft: Draft, update: UpdateOf<'set-statistics'>, context: UpdateContext): Draft =>
    setStatistics(draft, 'statistics', update.statistics, context),
  'remove-statistics': (draft: Draft, update: UpdateOf<'remove-statistics'>): Draft =>
    removeStatistics(draft, 'statistics', update['snapshot-id']),
  'set-partition-statistics': (
    draft: Draft,
    update: UpdateOf<'set-partition-statistics'>,
    context: UpdateContext,
  ): Draft => setStatistics(draft, 'partition-statistics', update['partition-statistics'], context),
  'remove-partition-statistics': (draft: Draft, update: UpdateOf<'remove-partition-statistics'>): Draft =>
    removeStatistics(draft, 'partition-statistics', update['snapshot-id']),
}

const statisticsLists = ['statistics', 'partition-statistics'] as const
type StatisticsList = (typeof statisticsLists)[number]

const outside = (member: string) => `its ${member} must lie inside the table's own folders`

function removeRefs(draft: Draft, isGone: (name: string, ref: Ref) => boolean): Draft {
  const refs = refsOf(draft.metadata)
  const kept = [...refs].filter(([name, ref]) => !isGone(name, ref))
  if (kept.length === refs.size) return draft
  const { 'current-snapshot-id': current, ...metadata } = { ...draft.metadata, refs: Object.fromEntries(kept) }
  // Without main a table has no current snapshot.
  const keepsCurrent = current !== undefined && kept.some(([name]) => name === mainRef)
  return { ...draft, metadata: keepsCurrent ? { ...metadata, 'current-snapshot-id': current } : metadata }
}

// Metadata is read without looking into these.
const statisticsOf = ({ metadata }: Draft, list: StatisticsList): StatisticsFile[] =>
  (metadata[list] ?? []) as StatisticsFile[]

function setStatistics(
  draft: Draft,
  list: StatisticsList,
  file: StatisticsFile,
  { isAllowedLocation }: UpdateContext,
): Draft {
  const id = file['snapshot-id']
  if (!findSnapshot(draft.metadata, id)) throw badRequest(`${list} cannot be set: there is no snapshot ${id}`)
  if (!isAllowedLocation(file['statistics-path']))
    throw badRequest(`${list} of snapshot ${id}: ${outside('statistics-path')}`)
  const others = statisticsOf(removeStatistics(draft, list, id), list)
  return withMetadata(draft, { [list]: [...others, withoutNulls(file)] })
}

function removeStatistics(draft: Draft, list: StatisticsList, id: Id): Draft {
  const files = statisticsOf(draft, list)
  const kept = files.filter(file => String(file['snapshot-id']) !== String(id))
  return kept.length === files.length ? draft : withMetadata(draft, { [list]: kept })
}
