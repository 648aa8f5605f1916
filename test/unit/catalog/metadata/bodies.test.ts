import { describe, expect, it } from 'vitest'
import { readCommitTable, readCommitTransaction, readCreateTable } from '../../../../lib/catalog/metadata/bodies.ts'
import { parseJson } from '../../../../lib/json.ts'
import { addSnapshot, expectRefusal, schema } from './samples.ts'

const commitOf = (requirements: unknown, updates: unknown) => () => readCommitTable({ requirements, updates })

describe('reading a commit', () => {
  it.each([
    ['fly', 'the update "fly": is no update that this catalog knows'],
    ['enable-row-lineage', 'row lineage needs format version 3'],
    ['add-encryption-key', 'encryption keys need format version 3'],
    ['remove-encryption-key', 'encryption keys need format version 3'],
    ['add-view-version', 'is an update of a view'],
    ['set-current-view-version', 'is an update of a view'],
    ['constructor', 'the update "constructor": is no update'],
    ['x'.repeat(1000), `"${'x'.repeat(80)}…": is no update`],
  ])('refuses the update %s by its name', (action, message) => {
    expectRefusal(commitOf([], [{ action }]), 'BadRequestException', message)
  })

  it('refuses a requirement that it does not know, among others that it does', () => {
    const requirements = [{ type: 'assert-create' }, { type: 'assert-moon-phase' }]
    expectRefusal(commitOf(requirements, []), 'BadRequestException', /requirements\.1.*"assert-moon-phase" is none/)
  })

  it.each([
    [[{}], [], 'the requirement none is none'],
    [[7], [], 'requirements.0: expected a requirement'],
    [[], [7], 'updates.0: expected an update'],
    [[], [{}], 'the update none'],
    [undefined, [], 'requirements'],
    [[], 'all', 'updates'],
    [[{ type: 'assert-table-uuid', uuid: 'mine' }], [], 'requirements.0.uuid'],
    [[{ type: 'assert-current-schema-id' }], [], 'requirements.0.current-schema-id'],
    [[], [{ action: 'remove-snapshots', 'snapshot-ids': [2n ** 63n] }], 'updates.0.snapshot-ids.0'],
    [[], [{ action: 'remove-snapshots', 'snapshot-ids': ['1'] }], 'a whole number from 0 to 2^63 - 1'],
    [[], [{ action: 'set-properties', updates: { a: 1 } }], 'updates.0.updates.a'],
    [[], [{ action: 'set-location', location: '' }], 'updates.0.location'],
    [[], [addSnapshot(1, 1, { 'manifest-list': undefined })], 'updates.0.snapshot.manifest-list'],
    [[], [addSnapshot(1, 1, { summary: {} })], 'updates.0.snapshot.summary.operation'],
    [[], [addSnapshot(1, 1, { summary: { operation: 'guess' } })], 'updates.0.snapshot.summary.operation'],
    [[], [addSnapshot(-3, 1)], 'updates.0.snapshot.snapshot-id'],
  ])('names what does not fit, %#', (requirements, updates, message) => {
    expectRefusal(commitOf(requirements, updates), 'BadRequestException', message)
  })

  it('refuses what is nested to exhaust the stack', () => {
    const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`)
    expectRefusal(commitOf([], deep), 'BadRequestException', 'nested deeper than 200 levels')
  })

  it('keeps 63-bit ids exact, and members that it does not know', () => {
    const text = `{"requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":9223372036854775807}],
      "updates":[{"action":"remove-snapshots","snapshot-ids":[5,7216895489347201103],"why":"space"}],"note":1}`
    const request = readCommitTable(parseJson(text))
    expect(request.requirements[0]).toMatchObject({ 'snapshot-id': 9223372036854775807n })
    expect(request.updates[0]).toMatchObject({ 'snapshot-ids': [5, 7216895489347201103n], why: 'space' })
    expect(request.note).toBe(1)
  })

  it('takes the names that older clients of the reference implementation have for properties', () => {
    const { updates } = readCommitTable({
      requirements: [],
      updates: [
        { action: 'set-properties', updated: { a: 'b' } },
        { action: 'remove-properties', removed: ['c'] },
      ],
    })
    expect(updates).toMatchObject([{ updates: { a: 'b' } }, { removals: ['c'] }])
  })
})

describe('reading a transaction', () => {
  it('needs each change to name its table', () => {
    const change = { requirements: [], updates: [] }
    const identifier = { namespace: ['trial@v1', 'work'], name: 'visits' }
    expect(readCommitTransaction({ 'table-changes': [{ ...change, identifier }] })['table-changes']).toHaveLength(1)
    expectRefusal(
      () => readCommitTransaction({ 'table-changes': [{ ...change, identifier }, change] }),
      'BadRequestException',
      'table-changes.1.identifier',
    )
  })
})

describe('reading a request that makes a table', () => {
  it('takes null for what is left open, as the reference client writes it', () => {
    const body = { location: null, 'partition-spec': null, 'write-order': null, properties: null, 'stage-create': null }
    expect(readCreateTable({ name: 'visits', schema, ...body }).name).toBe('visits')
  })

  it.each([
    [{ schema }, 'name'],
    [{ name: 'x' }, 'schema'],
    [{ name: 'x', schema: { type: 'list' } }, 'schema.type'],
    [
      { name: 'x', schema: { type: 'struct', fields: [{ id: 1, name: 'a', required: true, type: { type: 'set' } }] } },
      'is no Iceberg type',
    ],
    [[], 'body'],
  ])('names what does not fit, %#', (body, message) => {
    expectRefusal(() => readCreateTable(body), 'BadRequestException', message)
  })
})
