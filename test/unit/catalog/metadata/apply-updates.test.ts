import { describe, expect, it } from 'vitest'
import { formatTableMetadata, parseTableMetadata } from '../../../../lib/iceberg/metadata.ts'
import {
  addSnapshot,
  commit,
  expectRefusal,
  location,
  schema,
  setRef,
  table,
  tableWithSnapshots,
  uuid,
} from './samples.ts'

const setProperties = (updates: Record<string, string>) => ({ action: 'set-properties', updates })
const removeProperties = (...removals: string[]) => ({ action: 'remove-properties', removals })

describe('a table of updates alone', () => {
  const creation = [
    { action: 'assign-uuid', uuid: uuid.toUpperCase() },
    { action: 'upgrade-format-version', 'format-version': 2 },
    { action: 'add-schema', schema },
    { action: 'set-current-schema', 'schema-id': -1 },
    { action: 'add-spec', spec: { 'spec-id': 0, fields: [] } },
    { action: 'set-default-spec', 'spec-id': -1 },
    { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } },
    { action: 'set-default-sort-order', 'sort-order-id': -1 },
    { action: 'set-location', location: `${location}//` },
    setProperties({ 'gc.enabled': 'false', owner: 'me' }),
  ]

  it('is what was staged, with its first snapshot', () => {
    const metadata = commit(undefined, [...creation, addSnapshot(11, 1), setRef('main', 11)], {
      previousLocation: 's3://x',
    })
    const { properties: _, ...staged } = table()
    expect(metadata).toMatchObject({
      ...staged,
      'last-updated-ms': 1000,
      'last-sequence-number': 1,
      'current-snapshot-id': 11,
      refs: { main: { type: 'branch', 'snapshot-id': 11 } },
      snapshots: [{ 'snapshot-id': 11 }],
      'snapshot-log': [{ 'snapshot-id': 11, 'timestamp-ms': 1000 }],
      'metadata-log': [],
      properties: { owner: 'me', 'gc.enabled': 'false', 'write.format.default': 'parquet' },
    })
    expect(parseTableMetadata(formatTableMetadata(metadata))).toStrictEqual(metadata)
  })

  it('is of the time of the commit where it has no snapshot', () => {
    expect(commit(undefined, creation)['last-updated-ms']).toBe(500_000)
  })

  it.each([
    ['assign-uuid', /not make a whole table: assign-uuid missing/],
    ['set-location', /set-location missing/],
    ['set-current-schema', /set-current-schema missing/],
    ['set-default-spec', /set-default-spec missing/],
    ['set-default-sort-order', /set-default-sort-order missing/],
  ])('is not whole without %s', (action, message) => {
    const updates = creation.filter(update => update.action !== action)
    expectRefusal(() => commit(undefined, updates), 'BadRequestException', message)
  })

  it('may name its schema last, where it has no partitions and no order', () => {
    const isSchema = ({ action }: { action: string }) => action === 'set-current-schema'
    const last = [...creation.filter(update => !isSchema(update)), ...creation.filter(isSchema)]
    expect(commit(undefined, last)).toEqual(commit(undefined, creation))
    const fields = [{ 'source-id': 1, transform: 'identity', name: 'part' }]
    const partitioned = [
      { action: 'add-spec', spec: { fields } },
      ...last.filter(({ action }) => action !== 'add-spec'),
    ]
    expectRefusal(() => commit(undefined, partitioned), 'BadRequestException', /cannot come before set-current-schema/)
  })

  it('is not made of nothing', () => {
    expectRefusal(() => commit(undefined, []), 'BadRequestException', 'assign-uuid, set-location, set-current-schema')
  })
})

describe('uuid and format version', () => {
  it('stay as they are', () => {
    const before = table()
    const same = [
      { action: 'assign-uuid', uuid: uuid.toUpperCase() },
      { action: 'upgrade-format-version', 'format-version': 2 },
    ]
    expect(commit(before, same)).toBe(before)
    const other = { action: 'assign-uuid', uuid: uuid.replace('0', '1') }
    expectRefusal(() => commit(before, [other]), 'BadRequestException', `the table's uuid is ${uuid}`)
  })

  it.each([1, 3])('refuse version %i', version => {
    const update = { action: 'upgrade-format-version', 'format-version': version }
    expectRefusal(() => commit(table(), [update]), 'BadRequestException', `version "${version}" is not supported`)
  })
})

describe('location', () => {
  it('moves inside what is allowed only', () => {
    expect(commit(table(), [{ action: 'set-location', location: `${location}/next/` }]).location).toBe(
      `${location}/next`,
    )
    for (const elsewhere of ['s3://lake/data/trial/raw/dm', 's3://other/x', `${location}-2`]) {
      const act = () => commit(table(), [{ action: 'set-location', location: elsewhere }])
      expectRefusal(act, 'BadRequestException', 'must lie inside')
    }
  })
})

describe('properties', () => {
  it('are set and removed, those that are not there too', () => {
    const before = commit(table(), [setProperties({ a: '1', b: '2' })])
    const after = commit(before, [removeProperties('a', 'never'), setProperties({ b: '3', c: '4' })])
    expect(after.properties).toEqual({ ...table().properties, b: '3', c: '4' })
  })

  it('keep engines from collecting files, whatever they ask', () => {
    const before = table()
    expect(commit(before, [setProperties({ 'gc.enabled': 'true' })])).toBe(before)
    expect(commit(before, [removeProperties('gc.enabled')])).toBe(before)
    const loose = { ...before, properties: { 'gc.enabled': 'true' } }
    expect(commit(loose, [setProperties({ a: '1' })]).properties).toEqual({ a: '1', 'gc.enabled': 'false' })
    const { properties: _, ...bare } = before
    expect(commit(bare as typeof before, [removeProperties('x'), setProperties({ a: '1' })]).properties).toEqual({
      a: '1',
      'gc.enabled': 'false',
    })
  })

  it('do not repeat what stands elsewhere', () => {
    const before = table()
    expect(commit(before, [setProperties({ 'format-version': '2', 'current-snapshot-id': '7' })])).toBe(before)
  })

  it.each([
    [{ 'format-version': '3' }, 'tables here are of format version 2'],
    [{ 'write.format.default': 'ORC' }, 'write.format.default is parquet'],
    [{ 'write.data.path': 's3://elsewhere' }, 'write.data.path must lie inside'],
    [{ 'write.object-storage.path': 's3://elsewhere' }, 'write.object-storage.path must lie inside'],
  ])('are refused, %#', (updates, message) => {
    expectRefusal(() => commit(table(), [setProperties(updates)]), 'BadRequestException', message)
  })
})

describe('the log of predecessors', () => {
  const touch = (n: number) => [setProperties({ touched: String(n) })]

  it('has where and of what time the one before was', () => {
    const after = commit(table(), touch(1), { previousLocation: 's3://lake/metadata/1.json' })
    expect(after['metadata-log']).toEqual([{ 'metadata-file': 's3://lake/metadata/1.json', 'timestamp-ms': 1000 }])
    expect(commit(after, touch(2))['metadata-log']).toEqual(after['metadata-log'])
  })

  it.each([
    ['3', 3],
    ['0', 1],
    ['-4', 1],
    ['many', 100],
    [undefined, 100],
  ])('is cut at its oldest end, at %s', (most, length) => {
    let metadata = table(most ? { properties: { 'write.metadata.previous-versions-max': most } } : {})
    for (let n = 0; n < length + 3; n++)
      metadata = commit(metadata, touch(n), { previousLocation: `s3://lake/${n}.json` })
    const log = metadata['metadata-log']!
    expect(log).toHaveLength(length)
    expect(log.at(-1)?.['metadata-file']).toBe(`s3://lake/${length + 2}.json`)
  })

  it('is that of a table without one', () => {
    const { 'metadata-log': _, ...bare } = table()
    expect(commit(bare as ReturnType<typeof table>, touch(1), { previousLocation: 'x' })['metadata-log']).toHaveLength(
      1,
    )
  })
})

describe('the time of the last update', () => {
  it('is that of the newest snapshot, or now', () => {
    expect(commit(table(), [addSnapshot(11, 7)])['last-updated-ms']).toBe(7000)
    expect(commit(table(), [setProperties({ a: 'b' })])['last-updated-ms']).toBe(500_000)
  })

  it('never goes back', () => {
    const before = commit(table(), [setProperties({ a: 'b' })])
    expect(commit(before, [setProperties({ a: 'c' })], { now: 100 })['last-updated-ms']).toBe(500_000)
    expect(commit(before, [addSnapshot(11, 7)], { now: 100 })['last-updated-ms']).toBe(500_000)
  })
})

it('changes nothing of what it was given, and keeps members that it does not know', () => {
  const before = { ...tableWithSnapshots(2), 'x-engine': { note: 9223372036854775807n } }
  const text = formatTableMetadata(before)
  const after = commit(before, [
    setRef('a', 11),
    { action: 'remove-snapshots', 'snapshot-ids': [12] },
    setProperties({ a: 'b' }),
  ])
  expect(formatTableMetadata(before)).toBe(text)
  expect(after['x-engine']).toBe(before['x-engine'])
})
