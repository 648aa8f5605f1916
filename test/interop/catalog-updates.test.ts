import { describe, expect, it } from 'vitest'
import { readCommitTable, readCreateTable } from '../../lib/catalog/metadata/bodies.ts'
import { createMetadata } from '../../lib/catalog/metadata/create-metadata.ts'
import { checkRequirements } from '../../lib/catalog/metadata/requirements.ts'
import { formatTableMetadata, type TableMetadata } from '../../lib/iceberg/metadata.ts'
import { stringifyJson } from '../../lib/json.ts'
import {
  askPython,
  caseOf,
  documentOf,
  normalise,
  previous,
  refusalOf,
  threeSnapshots,
} from './catalog-updates-answers.ts'
import { applyOurs, location, makeCommits, setRef, startTable, uuid } from './catalog-updates-sequences.ts'
import { python } from './python.ts'

describe.skipIf(!python)('commits, as pyiceberg applies them', () => {
  it('make the same documents of the same updates', async () => {
    const commits = makeCommits({ seed: 20_240_105, sequences: 60 })
    const answers = await askPython(commits.map(({ before, updates, previous: at }) => caseOf(before, updates, at)))
    const kinds = new Set<string>()
    for (const [n, { before, updates, after }] of commits.entries()) {
      const theirs = documentOf(answers[n])
      for (const update of updates as { action: string }[]) kinds.add(update.action)
      if (after === before) {
        // No change is no new document here; pyiceberg may log a predecessor all the same.
        const { 'metadata-log': _, ...same } = theirs
        const { 'metadata-log': __, ...ours } = before
        expect(normalise(same as TableMetadata)).toEqual(normalise(ours as TableMetadata))
        continue
      }
      expect(normalise(after), stringifyJson(updates)).toEqual(normalise(theirs))
      if (updates.some(update => 'snapshot' in update)) {
        expect(after['last-updated-ms']).toBe(theirs['last-updated-ms'])
      }
    }
    expect(commits.filter(({ before, after }) => after !== before).length).toBeGreaterThan(400)
    // Every update that pyiceberg knows was among them.
    expect([...kinds].sort()).toEqual([
      'add-schema',
      'add-snapshot',
      'add-sort-order',
      'add-spec',
      'assign-uuid',
      'remove-partition-specs',
      'remove-partition-statistics',
      'remove-properties',
      'remove-schemas',
      'remove-snapshot-ref',
      'remove-snapshots',
      'remove-statistics',
      'set-current-schema',
      'set-default-sort-order',
      'set-default-spec',
      'set-location',
      'set-partition-statistics',
      'set-properties',
      'set-snapshot-ref',
      'set-statistics',
      'upgrade-format-version',
    ])
  })

  it('make the same new tables of the same requests', async () => {
    const nested = {
      type: 'struct',
      fields: [
        { id: 30, name: 'when', required: true, type: 'timestamptz' },
        {
          id: 31,
          name: 'place',
          required: false,
          type: {
            type: 'struct',
            fields: [
              { id: 40, name: 'city', required: false, type: 'string', doc: 'where it was' },
              {
                id: 41,
                name: 'codes',
                required: false,
                type: { type: 'list', 'element-id': 50, element: 'int', 'element-required': true },
              },
            ],
          },
        },
        {
          id: 32,
          name: 'labels',
          required: false,
          type: {
            type: 'map',
            'key-id': 60,
            key: 'string',
            'value-id': 61,
            value: { type: 'struct', fields: [{ id: 70, name: 'value', required: false, type: 'decimal(9, 2)' }] },
            'value-required': false,
          },
        },
        { id: 33, name: 'who', required: true, type: 'uuid' },
      ],
      'identifier-field-ids': [33, 30],
    }
    const requests = [
      { name: 't', schema: { type: 'struct', fields: [] } },
      { name: 't', schema: nested, properties: { 'format-version': '2', owner: 'me' } },
      {
        name: 't',
        schema: nested,
        'partition-spec': {
          'spec-id': 3,
          fields: [
            { 'source-id': 30, 'field-id': 7, name: 'when_day', transform: 'day' },
            { 'source-id': 33, 'field-id': 9, name: 'who_bucket', transform: 'bucket[8]' },
          ],
        },
        'write-order': {
          'order-id': 4,
          fields: [
            { 'source-id': 33, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' },
            { 'source-id': 40, transform: 'truncate[3]', direction: 'desc', 'null-order': 'nulls-last' },
          ],
        },
      },
    ]
    const answers = await askPython(requests.map(request => ({ create: stringifyJson(request), uuid, location })))
    for (const [n, request] of requests.entries()) {
      const ours = createMetadata(readCreateTable(request), { uuid, location, now: new Date() })
      const theirs = documentOf(answers[n])
      // What every table has here, and pyiceberg leaves out.
      expect(ours.properties).toMatchObject({ 'gc.enabled': 'false', 'write.format.default': 'parquet' })
      expect(normalise(ours)).toEqual(
        normalise({ ...theirs, properties: { ...theirs.properties, ...ours.properties } }),
      )
    }
  })

  it('hold where the same requirements hold', async () => {
    const tagged = applyOurs(threeSnapshots(), [setRef('v1', 11, 'tag')], previous)
    const empty = startTable()
    const uuids = [uuid, uuid.toUpperCase(), uuid.replace('0', '1')].map(value => ({
      type: 'assert-table-uuid',
      uuid: value,
    }))
    const numbers = [
      ['assert-last-assigned-field-id', 'last-assigned-field-id'],
      ['assert-current-schema-id', 'current-schema-id'],
      ['assert-last-assigned-partition-id', 'last-assigned-partition-id'],
      ['assert-default-spec-id', 'default-spec-id'],
      ['assert-default-sort-order-id', 'default-sort-order-id'],
    ].flatMap(([type, member]) => [0, 1, 3, 999].map(value => ({ type, [member!]: value })))
    const refs = ['main', 'v1', 'gone'].flatMap(ref =>
      [null, 11, 13].map(id => ({ type: 'assert-ref-snapshot-id', ref, 'snapshot-id': id })),
    )
    const cases = [tagged, empty, undefined].flatMap(before =>
      [{ type: 'assert-create' }, ...uuids, ...numbers, ...refs].map(requirement => ({ before, requirement })),
    )
    const answers = await askPython(
      cases.map(({ before, requirement }) => ({
        before: before ? formatTableMetadata(before) : null,
        requirement: stringifyJson(requirement),
      })),
    )
    const differences: string[] = []
    for (const [n, { before, requirement }] of cases.entries()) {
      const { requirements } = readCommitTable({ requirements: [requirement], updates: [] })
      const ours = refusalOf(() => checkRequirements(before, requirements)) === 'accepted'
      const name = before === tagged ? 'tagged' : before ? 'empty' : 'none'
      if (ours !== (answers[n] === null)) differences.push(`${name} ${stringifyJson(requirement)}`)
    }
    // A ref that must not be there is not: pyiceberg wants main for a first snapshot, and a table before it looks.
    expect(differences).toEqual([
      'empty {"type":"assert-ref-snapshot-id","ref":"v1","snapshot-id":null}',
      'empty {"type":"assert-ref-snapshot-id","ref":"gone","snapshot-id":null}',
      'none {"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}',
      'none {"type":"assert-ref-snapshot-id","ref":"v1","snapshot-id":null}',
      'none {"type":"assert-ref-snapshot-id","ref":"gone","snapshot-id":null}',
    ])
  })
})
