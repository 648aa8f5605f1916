import { beforeAll, describe, expect, it } from 'vitest'
import type { TableMetadata } from '../../lib/iceberg/metadata.ts'
import {
  type Answer,
  askPython,
  caseOf,
  documentOf,
  logOf,
  previous,
  refusalOf,
  threeSnapshots,
} from './catalog-updates-answers.ts'
import {
  applyOurs,
  nextSnapshot,
  setPartitionStatistics,
  setRef,
  setStatistics,
  uuid,
} from './catalog-updates-sequences.ts'
import { python } from './python.ts'

type Theirs = TableMetadata | { refused: string }
interface Difference {
  name: string
  before: TableMetadata
  updates: object[]
  check: (outcomes: { before: TableMetadata; ours: () => TableMetadata; theirs: Theirs }) => void
}

const full = threeSnapshots()
const { fields } = full.schemas[0]!
const otherUuid = uuid.replace('0', '1')
const differences: Difference[] = [
  {
    name: 'an equal schema or spec is used again; pyiceberg adds a twin',
    before: full,
    updates: [
      { action: 'add-schema', schema: { type: 'struct', 'schema-id': 1, fields } },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec: { 'spec-id': 1, fields: [] } },
      { action: 'set-default-spec', 'spec-id': -1 },
    ],
    check: ({ before, ours, theirs }) => {
      expect(ours()).toBe(before)
      expect(theirs).toMatchObject({ 'current-schema-id': 1, 'default-spec-id': 1 })
    },
  },
  {
    name: 'ids of schemas are the table’s to give; pyiceberg takes the client’s',
    before: full,
    updates: [{ action: 'add-schema', schema: { type: 'struct', 'schema-id': 7, fields: fields.slice(1) } }],
    check: ({ ours, theirs }) => {
      expect(ours().schemas[1]).toMatchObject({ 'schema-id': 1 })
      expect(theirs).toMatchObject({ schemas: [{}, { 'schema-id': 7 }] })
    },
  },
  {
    name: 'a snapshot that one commit makes current and replaces is not in the log; in pyiceberg’s it is',
    before: full,
    updates: [
      nextSnapshot(full, 21),
      setRef('main', 21),
      nextSnapshot(full, 22, { 'sequence-number': 5, 'parent-snapshot-id': 21 }),
      setRef('main', 22),
    ],
    check: ({ ours, theirs }) => {
      expect(logOf(ours())).toEqual([11, 12, 13, 22])
      expect(logOf(theirs as TableMetadata)).toEqual([11, 12, 13, 21, 22])
    },
  },
  {
    name: 'history before a removed snapshot goes with it; pyiceberg leaves a gap',
    before: full,
    updates: [{ action: 'remove-snapshots', 'snapshot-ids': [12] }],
    check: ({ ours, theirs }) => {
      expect(logOf(ours())).toEqual([13])
      expect(logOf(theirs as TableMetadata)).toEqual([11, 13])
    },
  },
  {
    name: 'a snapshot keeps naming a parent that is removed, as in the reference implementation; in pyiceberg it does not',
    before: full,
    updates: [{ action: 'remove-snapshots', 'snapshot-ids': [11] }],
    check: ({ ours, theirs }) => {
      expect(ours().snapshots?.[0]).toMatchObject({ 'parent-snapshot-id': 11 })
      expect((theirs as TableMetadata).snapshots?.[0]?.['parent-snapshot-id'] ?? null).toBeNull()
    },
  },
  {
    name: 'partition statistics go with their snapshot; pyiceberg keeps them',
    before: applyOurs(full, [setStatistics(11), setPartitionStatistics(11)], previous),
    updates: [{ action: 'remove-snapshots', 'snapshot-ids': [11] }],
    check: ({ ours, theirs }) => {
      expect(ours()).toMatchObject({ statistics: [], 'partition-statistics': [] })
      expect(theirs).toMatchObject({ statistics: [], 'partition-statistics': [{ 'snapshot-id': 11 }] })
    },
  },
  {
    name: 'a snapshot whose number is not above the last is a conflict, also without a parent; pyiceberg then takes it',
    before: full,
    updates: [nextSnapshot(full, 50, { 'sequence-number': 3 })],
    check: ({ ours, theirs }) => {
      expect(refusalOf(ours)).toBe('CommitFailedException')
      expect(theirs).toMatchObject({ 'last-sequence-number': 3 })
    },
  },
  {
    name: 'a snapshot of an unknown parent is a conflict; pyiceberg takes it',
    before: full,
    updates: [nextSnapshot(full, 50, { 'parent-snapshot-id': 49 })],
    check: ({ ours, theirs }) => {
      expect(refusalOf(ours)).toBe('CommitFailedException')
      expect(theirs).toMatchObject({ 'last-sequence-number': 4 })
    },
  },
  {
    name: 'a snapshot of an unknown schema is refused; pyiceberg takes it',
    before: full,
    updates: [nextSnapshot(full, 50, { 'schema-id': 49 })],
    check: ({ ours, theirs }) => {
      expect(refusalOf(ours)).toBe('BadRequestException')
      expect(theirs).toMatchObject({ 'last-sequence-number': 4 })
    },
  },
  {
    name: 'times do not go back where clocks differ; pyiceberg’s do',
    before: full,
    updates: [nextSnapshot(full, 50, { 'parent-snapshot-id': 13, 'timestamp-ms': 5 }), setRef('main', 50)],
    check: ({ before, ours, theirs }) => {
      expect(ours()['last-updated-ms']).toBe(before['last-updated-ms'])
      expect(ours()['snapshot-log']?.at(-1)?.['timestamp-ms']).toBe(before['last-updated-ms'])
      expect(theirs).toMatchObject({ 'last-updated-ms': 5 })
    },
  },
  ...[
    { action: 'remove-properties', removals: ['never'] },
    { action: 'remove-snapshots', 'snapshot-ids': [99] },
    { action: 'remove-statistics', 'snapshot-id': 99 },
    { action: 'remove-partition-statistics', 'snapshot-id': 99 },
    { action: 'remove-schemas', 'schema-ids': [99] },
    { action: 'remove-partition-specs', 'spec-ids': [99] },
  ].map(
    (update): Difference => ({
      name: `${update.action} of what is not there changes nothing, as in the reference implementation; pyiceberg refuses it`,
      before: full,
      updates: [update],
      check: ({ before, ours, theirs }) => {
        expect(ours()).toBe(before)
        expect(theirs).toHaveProperty('refused')
      },
    }),
  ),
  {
    name: 'a uuid is never replaced; pyiceberg does as it is told',
    before: full,
    updates: [{ action: 'assign-uuid', uuid: otherUuid }],
    check: ({ ours, theirs }) => {
      expect(refusalOf(ours)).toBe('BadRequestException')
      expect(theirs).toMatchObject({ 'table-uuid': otherUuid })
    },
  },
  {
    name: 'files are never collected; pyiceberg does as it is told',
    before: full,
    updates: [{ action: 'set-properties', updates: { 'gc.enabled': 'true' } }],
    check: ({ before, ours, theirs }) => {
      expect(ours()).toBe(before)
      expect(theirs).toMatchObject({ properties: { 'gc.enabled': 'true' } })
    },
  },
]

describe.skipIf(!python)('commits that pyiceberg applies otherwise', () => {
  let answers: Answer[]
  beforeAll(async () => {
    answers = await askPython(differences.map(({ before, updates }) => caseOf(before, updates)))
  })

  it.each(differences.map((difference, n) => ({ ...difference, n })))('$name', ({ before, updates, check, n }) => {
    const answer = answers[n]
    const theirs = typeof answer === 'string' ? documentOf(answer) : (answer as { refused: string })
    check({ before, ours: () => applyOurs(before, updates, previous), theirs })
  })
})
