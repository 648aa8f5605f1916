import { describe, expect, it } from 'vitest'
import type { Id, TableMetadata } from '../../../../lib/iceberg/metadata.ts'
import { addSnapshot, commit, expectRefusal, location, setRef, table, tableWithSnapshots } from './samples.ts'

const logOf = (metadata: TableMetadata) =>
  (metadata['snapshot-log'] ?? []).map(entry => [entry['snapshot-id'], entry['timestamp-ms']])
const remove = (...ids: Id[]) => ({ action: 'remove-snapshots', 'snapshot-ids': ids })
const removeRef = (name: string) => ({ action: 'remove-snapshot-ref', 'ref-name': name })

describe('adding a snapshot', () => {
  it('makes it current once main names it', () => {
    const added = commit(table(), [addSnapshot(11, 1)])
    expect(added['current-snapshot-id']).toBeUndefined()
    const metadata = commit(added, [setRef('main', 11)])
    expect(metadata['current-snapshot-id']).toBe(11)
    expect(metadata.refs).toEqual({ main: { type: 'branch', 'snapshot-id': 11 } })
  })

  it('keeps 63-bit ids exact', () => {
    const [first, second] = [7216895489347201103n, 7216895489347201104n]
    const one = commit(table(), [addSnapshot(first, 1), setRef('main', first)])
    const two = commit(one, [addSnapshot(second, 2, { 'parent-snapshot-id': first }), setRef('main', second)])
    expect(two.snapshots?.map(snapshot => snapshot['snapshot-id'])).toEqual([first, second])
    expect(two.snapshots?.[1]?.['parent-snapshot-id']).toBe(first)
    expect(logOf(two)).toEqual([
      [first, 1000],
      [second, 2000],
    ])
    expect(commit(two, [remove(first)]).snapshots).toHaveLength(1)
  })

  it.each([null, -1])('takes %s for no parent, and says nothing instead', parent => {
    const metadata = commit(table(), [addSnapshot(11, 1, { 'parent-snapshot-id': parent, 'schema-id': null })])
    expect(metadata.snapshots?.[0]).not.toHaveProperty('parent-snapshot-id')
    expect(metadata.snapshots?.[0]).not.toHaveProperty('schema-id')
  })

  it.each([1, 2])('is a conflict where its number, %i, is not above the last', sequence => {
    const update = addSnapshot(50, sequence, { 'parent-snapshot-id': 12 })
    const act = () => commit(tableWithSnapshots(2), [update])
    expectRefusal(act, 'CommitFailedException', `expected a sequence number above 2, found ${sequence}`)
  })

  it('is a conflict where its parent is gone', () => {
    const act = () => commit(tableWithSnapshots(2), [addSnapshot(50, 3, { 'parent-snapshot-id': 49 })])
    expectRefusal(act, 'CommitFailedException', 'its parent 49 is not there')
  })

  it.each([
    [addSnapshot(11, 9), 'there is one of that id already'],
    [addSnapshot(50, 9, { 'sequence-number': undefined }), 'needs its sequence-number'],
    [addSnapshot(50, 9, { 'schema-id': 3 }), 'there is no schema 3'],
    [addSnapshot(50, 9, { 'manifest-list': 's3://elsewhere/list.avro' }), 'its manifest-list must lie inside'],
    [addSnapshot(50, 9, { 'manifest-list': `${location}2/list.avro` }), 'its manifest-list must lie inside'],
  ])('is refused, %#', (update, message) => {
    expectRefusal(() => commit(tableWithSnapshots(2), [update]), 'BadRequestException', message)
  })

  it('does not come before the structure of a new table', () => {
    expectRefusal(() => commit(undefined, [addSnapshot(1, 1)]), 'BadRequestException', 'cannot come before a schema')
  })
})

describe('branches and tags', () => {
  const before = tableWithSnapshots(3)

  it('are set and removed', () => {
    const audit = { 'min-snapshots-to-keep': 2, 'max-snapshot-age-ms': 5, 'max-ref-age-ms': 9 }
    const tagged = commit(before, [setRef('v1', 11, { type: 'tag', 'max-ref-age-ms': 7 }), setRef('audit', 12, audit)])
    expect(tagged.refs).toEqual({
      main: { type: 'branch', 'snapshot-id': 13 },
      v1: { type: 'tag', 'snapshot-id': 11, 'max-ref-age-ms': 7 },
      audit: { type: 'branch', 'snapshot-id': 12, ...audit },
    })
    expect(tagged['current-snapshot-id']).toBe(13)
    expect(logOf(tagged)).toEqual(logOf(before))
    expect(Object.keys(commit(tagged, [removeRef('v1')]).refs ?? {})).toEqual(['main', 'audit'])
  })

  it('may be called like members that every object has', () => {
    const metadata = commit(before, [setRef('constructor', 11), setRef('toString', 12)])
    expect(Object.keys(metadata.refs ?? {})).toEqual(['main', 'constructor', 'toString'])
    expect(commit(before, [removeRef('valueOf')])).toBe(before)
  })

  it('change nothing where they are so already', () => {
    expect(commit(before, [setRef('main', 13, { 'max-ref-age-ms': null })])).toBe(before)
  })

  it.each([
    [setRef('main', 99), 'there is no snapshot 99'],
    [setRef('main', 11, { type: 'tag' }), 'main is a branch'],
    [setRef('v1', 11, { type: 'tag', 'min-snapshots-to-keep': 1 }), '"v1" is a tag'],
    [setRef('v1', 11, { type: 'tag', 'max-snapshot-age-ms': 1 }), '"v1" is a tag'],
    [setRef('a', 11, { 'max-ref-age-ms': 0 }), 'max-ref-age-ms'],
  ])('are refused, %#', (update, message) => {
    expectRefusal(() => commit(before, [update]), 'BadRequestException', message)
  })

  it('without main leave no current snapshot, and main may come back', () => {
    const removed = commit(before, [removeRef('main')])
    expect(removed).not.toHaveProperty('current-snapshot-id')
    expect(removed.snapshots).toHaveLength(3)
    const back = commit(removed, [setRef('main', 12)], { now: 600_000 })
    expect(back['current-snapshot-id']).toBe(12)
    expect(logOf(back).at(-1)).toEqual([12, 600_000])
  })

  it('are replaced as one commit does it that writes a table anew', () => {
    const metadata = commit(before, [removeRef('main'), addSnapshot(50, 4), setRef('main', 50)])
    expect(metadata.snapshots?.at(-1)).not.toHaveProperty('parent-snapshot-id')
    expect(logOf(metadata).map(([id]) => id)).toEqual([11, 12, 13, 50])
  })

  it('know main where a writer left the refs out', () => {
    const { refs: _, ...bare } = before
    expect(commit(bare as TableMetadata, [removeRef('main')])).not.toHaveProperty('current-snapshot-id')
    expect(commit(bare as TableMetadata, [setRef('a', 11)]).refs?.main?.['snapshot-id']).toBe(13)
  })
})

describe('the log of current snapshots', () => {
  it('says when main went back to an older one', () => {
    const metadata = commit(tableWithSnapshots(2), [setRef('main', 11)])
    expect(logOf(metadata)).toEqual([
      [11, 1000],
      [12, 2000],
      [11, 500_000],
    ])
    expect(metadata['last-updated-ms']).toBe(500_000)
  })

  it('leaves out what one commit made current and replaced', () => {
    const metadata = commit(tableWithSnapshots(1), [
      addSnapshot(21, 2, { 'parent-snapshot-id': 11 }),
      setRef('main', 21),
      addSnapshot(22, 3, { 'parent-snapshot-id': 21 }),
      setRef('main', 22),
    ])
    expect(metadata.snapshots).toHaveLength(3)
    expect(logOf(metadata)).toEqual([
      [11, 1000],
      [22, 3000],
    ])
  })

  it('does not go back in time where clocks differ', () => {
    const late = commit(table(), [addSnapshot(11, 1, { 'timestamp-ms': 900_000 }), setRef('main', 11)])
    const metadata = commit(late, [addSnapshot(12, 2, { 'timestamp-ms': 700_000 }), setRef('main', 12)])
    expect(logOf(metadata)).toEqual([
      [11, 900_000],
      [12, 900_000],
    ])
    expect(metadata['last-updated-ms']).toBe(900_000)
    expect(metadata.snapshots?.[1]?.['timestamp-ms']).toBe(700_000)
  })
})

describe('removing snapshots', () => {
  const statistics = (id: Id) => ({
    action: 'set-statistics',
    statistics: {
      'snapshot-id': id,
      'statistics-path': `${location}/metadata/${id}.stats`,
      'file-size-in-bytes': 10,
      'file-footer-size-in-bytes': 5,
      'blob-metadata': [{ type: 'theta', 'snapshot-id': id, 'sequence-number': 1, fields: [1], properties: null }],
    },
  })
  const partitionStatistics = (id: Id, bytes = 10) => ({
    action: 'set-partition-statistics',
    'partition-statistics': {
      'snapshot-id': id,
      'statistics-path': `${location}/metadata/${id}.parts`,
      'file-size-in-bytes': bytes,
    },
  })
  const idsOf = (list: unknown) => (list as { 'snapshot-id': Id }[]).map(file => file['snapshot-id'])
  const before = commit(tableWithSnapshots(3), [
    setRef('old', 11),
    statistics(11),
    statistics(12),
    partitionStatistics(11),
    partitionStatistics(13),
  ])

  it('takes their refs, their statistics and the history before them along', () => {
    const metadata = commit(before, [remove(11, 999)])
    expect(idsOf(metadata.snapshots)).toEqual([12, 13])
    expect(Object.keys(metadata.refs ?? {})).toEqual(['main'])
    expect(idsOf(metadata.statistics)).toEqual([12])
    expect(idsOf(metadata['partition-statistics'])).toEqual([13])
    expect(logOf(metadata).map(([id]) => id)).toEqual([12, 13])
    // Without 12 the log would say that 11 had stayed current.
    expect(logOf(commit(before, [remove(12)])).map(([id]) => id)).toEqual([13])
  })

  it('leaves no current one where that is among them', () => {
    const metadata = commit(before, [remove(13)])
    expect(metadata).not.toHaveProperty('current-snapshot-id')
    expect(metadata.refs).toEqual({ old: { type: 'branch', 'snapshot-id': 11 } })
  })

  it('changes nothing where they are gone already', () => {
    expect(commit(before, [remove(999)])).toBe(before)
  })

  it('sets and removes statistics, one file a snapshot', () => {
    const replaced = commit(before, [partitionStatistics(11, 20), statistics(13)])
    expect(idsOf(replaced['partition-statistics'])).toEqual([13, 11])
    expect(replaced['partition-statistics']).toContainEqual(partitionStatistics(11, 20)['partition-statistics'])
    expect(idsOf(replaced.statistics)).toEqual([11, 12, 13])
    expect(JSON.stringify(replaced.statistics)).not.toContain('null')
    const removed = commit(replaced, [
      { action: 'remove-statistics', 'snapshot-id': 12 },
      { action: 'remove-partition-statistics', 'snapshot-id': 13 },
    ])
    expect(idsOf(removed.statistics)).toEqual([11, 13])
    expect(idsOf(removed['partition-statistics'])).toEqual([11])
    expect(commit(removed, [{ action: 'remove-statistics', 'snapshot-id': 12 }])).toBe(removed)
    expect(commit(table(), [{ action: 'remove-partition-statistics', 'snapshot-id': 1 }]).statistics).toBeUndefined()
  })

  it.each([
    [statistics(99), 'statistics cannot be set: there is no snapshot 99'],
    [partitionStatistics(99), 'partition-statistics cannot be set: there is no snapshot 99'],
    [
      { ...statistics(11), statistics: { ...statistics(11).statistics, 'statistics-path': 's3://elsewhere/a' } },
      'its statistics-path must lie inside',
    ],
  ])('refuses statistics, %#', (update, message) => {
    expectRefusal(() => commit(before, [update]), 'BadRequestException', message)
  })
})
