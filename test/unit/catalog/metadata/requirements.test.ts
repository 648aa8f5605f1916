import { describe, expect, it } from 'vitest'
import { readCommitTable } from '../../../../lib/catalog/metadata/bodies.ts'
import { checkRequirements, isCreate } from '../../../../lib/catalog/metadata/requirements.ts'
import type { TableMetadata } from '../../../../lib/iceberg/metadata.ts'
import { addSnapshot, commit, expectRefusal, setRef, table, tableWithSnapshots, uuid } from './samples.ts'

const read = (...requirements: object[]) => readCommitTable({ requirements, updates: [] }).requirements
const check = (before: TableMetadata | undefined, ...requirements: object[]) =>
  checkRequirements(before, read(...requirements))

const id = 7216895489347201103n
const full = commit(table(), [addSnapshot(id, 1), setRef('main', id), setRef('v1', id, { type: 'tag' })])

describe('requirements', () => {
  it.each([
    ['assert-create', undefined, {}],
    ['assert-table-uuid', full, { uuid }],
    ['assert-table-uuid', full, { uuid: uuid.toUpperCase() }],
    ['assert-ref-snapshot-id', full, { ref: 'main', 'snapshot-id': id }],
    ['assert-ref-snapshot-id', full, { ref: 'v1', 'snapshot-id': id }],
    ['assert-ref-snapshot-id', full, { ref: 'constructor', 'snapshot-id': null }],
    ['assert-ref-snapshot-id', table(), { ref: 'main', 'snapshot-id': null }],
    ['assert-ref-snapshot-id', table(), { ref: 'main' }],
    ['assert-ref-snapshot-id', undefined, { ref: 'main', 'snapshot-id': null }],
    ['assert-last-assigned-field-id', full, { 'last-assigned-field-id': 8 }],
    ['assert-current-schema-id', full, { 'current-schema-id': 0 }],
    ['assert-last-assigned-partition-id', full, { 'last-assigned-partition-id': 999 }],
    ['assert-default-spec-id', full, { 'default-spec-id': 0 }],
    ['assert-default-sort-order-id', full, { 'default-sort-order-id': 0 }],
  ])('%s holds, %#', (type, before, members) => {
    expect(() => check(before, { type, ...members })).not.toThrow()
  })

  it.each([
    ['assert-create', full, {}, 'table: expected none, found a table'],
    ['assert-table-uuid', full, { uuid: uuid.replace('0', '1') }, `expected ${uuid.replace('0', '1')}, found ${uuid}`],
    ['assert-table-uuid', undefined, { uuid }, 'found no table'],
    // One more than what a double holds apart.
    ['assert-ref-snapshot-id', full, { ref: 'main', 'snapshot-id': id + 1n }, `expected ${id + 1n}, found ${id}`],
    ['assert-ref-snapshot-id', full, { ref: 'main', 'snapshot-id': null }, `"main": expected none, found ${id}`],
    ['assert-ref-snapshot-id', full, { ref: 'gone', 'snapshot-id': 4 }, '"gone": expected 4, found none'],
    ['assert-ref-snapshot-id', full, { ref: '__proto__', 'snapshot-id': 4 }, 'expected 4, found none'],
    ['assert-ref-snapshot-id', undefined, { ref: 'main', 'snapshot-id': 4 }, 'expected 4, found none'],
    ['assert-last-assigned-field-id', full, { 'last-assigned-field-id': 7 }, 'expected 7, found 8'],
    ['assert-last-assigned-field-id', undefined, { 'last-assigned-field-id': 7 }, 'expected 7, found no table'],
    ['assert-current-schema-id', full, { 'current-schema-id': 1 }, 'current schema id: expected 1, found 0'],
    ['assert-last-assigned-partition-id', full, { 'last-assigned-partition-id': 1000 }, 'expected 1000, found 999'],
    ['assert-default-spec-id', full, { 'default-spec-id': 3 }, 'default spec id: expected 3, found 0'],
    ['assert-default-sort-order-id', full, { 'default-sort-order-id': 3 }, 'expected 3, found 0'],
  ])('%s fails, %#', (type, before, members, message) => {
    expectRefusal(() => check(before, { type, ...members }), 'CommitFailedException', message)
  })

  it('checks all, not only the first', () => {
    const first = { type: 'assert-table-uuid', uuid }
    const second = { type: 'assert-current-schema-id', 'current-schema-id': 9 }
    expectRefusal(() => check(full, first, second), 'CommitFailedException', 'expected 9')
  })

  it('knows main where a writer left the refs out', () => {
    const { refs: _, ...bare } = tableWithSnapshots(2)
    const requirement = (snapshotId: number) => ({
      type: 'assert-ref-snapshot-id',
      ref: 'main',
      'snapshot-id': snapshotId,
    })
    expect(() => check(bare as TableMetadata, requirement(12))).not.toThrow()
    expectRefusal(() => check(bare as TableMetadata, requirement(11)), 'CommitFailedException', 'expected 11, found 12')
  })

  it('tells a commit that makes its table', () => {
    expect(isCreate(read({ type: 'assert-create' }))).toBe(true)
    expect(isCreate(read({ type: 'assert-table-uuid', uuid }))).toBe(false)
  })
})
