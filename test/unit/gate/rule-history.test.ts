import { beforeAll, describe, expect, it } from 'vitest'
import type { Changes } from '../../../lib/gate/changes.ts'
import type { Profile } from '../../../lib/gate/profile.ts'
import { checkHistory } from '../../../lib/gate/rule-history.ts'
import type { Snapshot, TableMetadata } from '../../../lib/iceberg/metadata.ts'
import { formatTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { tablePath } from '../../../lib/layout.ts'
import { type GateBed, makeGateBed, tableOf } from '../../support/gate-bed.ts'
import { memoryLakefs } from '../../support/memory-lakefs.ts'

let bed: GateBed
beforeAll(async () => {
  bed = await makeGateBed()
})

/** A table whose snapshots have these numbers, each its tenfold as its id; the last is current. `ids` are other ids. */
function metadataOf(numbers: number[], { ids = {} }: { ids?: Record<number, number> } = {}): TableMetadata {
  const { metadata } = tableOf(bed.view(), 'raw.dm')
  const idOf = (number: number) => ids[number] ?? number * 10
  const snapshots: Snapshot[] = numbers.map(number => ({
    ...metadata.snapshots![0]!,
    'snapshot-id': idOf(number),
    'sequence-number': number,
  }))
  const last = Math.max(0, ...numbers)
  return {
    ...metadata,
    snapshots,
    'last-sequence-number': last,
    'current-snapshot-id': numbers.length > 0 ? idOf(numbers.at(-1)!) : undefined,
  }
}

interface Case {
  profile?: Profile
  layer?: 'raw' | 'work'
  type?: 'added' | 'removed' | 'changed'
  /** What the parent has at the table's path. */
  text?: string
}

async function compare(
  before: TableMetadata,
  after: TableMetadata,
  { profile = 'full', layer = 'raw', type = 'changed', text }: Case = {},
) {
  const path = tablePath(layer, 'dm')
  const { lakefs, commit } = memoryLakefs('bed')
  const parentRef = commit({ [path]: text ?? formatTableMetadata(before) })
  const view = bed.view()
  const table = { ...tableOf(view, 'raw.dm'), layer, name: `${layer}.dm`, metadata: after }
  const changes: Changes = new Map([[path, type]])
  return checkHistory({ lakefs }, { ...view, tables: [table] }, { parentRef, changes, profile })
}
const codes = async (...given: Parameters<typeof compare>) => (await compare(...given)).map(({ code }) => code)

describe('a table goes on', () => {
  it.each<[string, number[], number[]]>([
    ['as it was', [1, 2], [1, 2]],
    ['by a snapshot', [1, 2], [1, 2, 3]],
    ['with its oldest ones expired', [1, 2], [2, 3]],
    ['with all before expired', [1, 2], [3]],
    ['from none', [], [1]],
    ['to none, having had none', [], []],
  ])('%s: %j to %j', async (_what, before, after) => {
    expect(await compare(metadataOf(before), metadataOf(after))).toEqual([])
  })

  it('back to a snapshot that it had', async () => {
    expect(await compare(metadataOf([1, 2]), metadataOf([1]))).toEqual([])
    expect(await compare(metadataOf([1, 2, 3]), metadataOf([1, 3, 2]))).toEqual([])
  })

  it('to a state without a snapshot, where its number stays', async () => {
    const emptied = { ...metadataOf([1, 2]), 'current-snapshot-id': -1 }
    expect(await compare(metadataOf([1, 2]), emptied)).toEqual([])
    const never = { ...metadataOf([]), 'last-sequence-number': 2 }
    expect(await compare(metadataOf([1, 2]), never)).toEqual([])
  })
})

describe('a table does not', () => {
  it('have other snapshots of the numbers that it had', async () => {
    const message = 'its snapshot of sequence number 2 is another than before: what was written in the meantime is lost'
    expect(await compare(metadataOf([1, 2]), metadataOf([1, 2, 3], { ids: { 2: 77 } }))).toEqual([
      { code: 'snapshot-rewritten', table: 'raw.dm', message },
    ])
    // Ids are numbers, however they are spelled.
    const large = { ...metadataOf([1]), 'current-snapshot-id': 10n }
    large.snapshots![0]!['snapshot-id'] = 10n
    expect(await compare(metadataOf([1]), large)).toEqual([])
  })

  it('lose its newest snapshots for one that it never had', async () => {
    const lost = {
      code: 'snapshot-lost',
      table: 'raw.dm',
      message: 'its last sequence number went back, and its current snapshot is none that it had',
    }
    expect(await compare(metadataOf([2, 3]), metadataOf([1]))).toEqual([lost])
    expect(await compare(metadataOf([1, 2]), metadataOf([]))).toEqual([lost])
  })

  it('leave out the one that was current before', async () => {
    const skipped = {
      code: 'snapshot-skipped',
      table: 'raw.dm',
      message: 'its snapshots leave out the one that was current before',
    }
    expect(await compare(metadataOf([1, 2]), metadataOf([1, 3]))).toEqual([skipped])
    expect(await compare(metadataOf([2, 3]), metadataOf([1, 4]))).toEqual([skipped])
  })

  it('become another one', async () => {
    const uuid = 'ABCDEF01-0000-5000-8000-000000000000'
    const [before, after] = [metadataOf([1]), { ...metadataOf([1]), 'table-uuid': uuid }]
    expect(await compare(before, after)).toEqual([
      {
        code: 'table-replaced',
        table: 'raw.dm',
        message: 'is another table than before at this place: its uuid is not the one that it had',
        expected: before['table-uuid'],
        found: uuid,
      },
    ])
    expect(await compare({ ...before, 'table-uuid': uuid.toLowerCase() }, after)).toEqual([])
    expect(await compare(after, { ...before, 'table-uuid': uuid.toLowerCase() })).toEqual([])
  })
})

describe('is compared', () => {
  const [before, after] = [
    [1, 2],
    [1, 3],
  ]
  const of = (options: Case) => codes(metadataOf(before!), metadataOf(after!), options)

  it('only where the table was there and is', async () => {
    expect(await of({ type: 'changed' })).toEqual(['snapshot-skipped'])
    expect(await of({ type: 'added' })).toEqual([])
    expect(await of({ type: 'removed' })).toEqual([])
  })

  it('on people’s own branches only where the table is theirs', async () => {
    expect(await of({ profile: 'structure', layer: 'work' })).toEqual(['snapshot-skipped'])
    expect(await of({ profile: 'structure', layer: 'raw' })).toEqual([])
    expect(await of({ profile: 'full', layer: 'work' })).toEqual(['snapshot-skipped'])
  })

  it('not where what was there could not be read', async () => {
    expect(await of({ text: '{' })).toEqual([])
  })
})
