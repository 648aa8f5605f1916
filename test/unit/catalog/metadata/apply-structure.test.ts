import { describe, expect, it } from 'vitest'
import { addSnapshot, commit, expectRefusal, schema, setRef, table, tableWithSnapshots } from './samples.ts'

const wider = { ...schema, fields: [...schema.fields, { id: 9, name: 'note', required: false, type: 'string' }] }
const addSchema = (body: object) => ({ action: 'add-schema', schema: body })
const setSchema = (id: number) => ({ action: 'set-current-schema', 'schema-id': id })
const addSpec = (...fields: object[]) => ({ action: 'add-spec', spec: { fields } })
const setSpec = (id: number) => ({ action: 'set-default-spec', 'spec-id': id })
const addOrder = (...fields: object[]) => ({ action: 'add-sort-order', 'sort-order': { 'order-id': 5, fields } })
const setOrder = (id: number) => ({ action: 'set-default-sort-order', 'sort-order-id': id })
const byDay = { 'source-id': 3, name: 'day_month', transform: 'month' }
const bySubject = { 'source-id': 1, name: 'subject', transform: 'identity' }
const sorted = (source: number, transform = 'identity') => ({
  'source-id': source,
  transform,
  direction: 'asc',
  'null-order': 'nulls-first',
})

describe('schemas', () => {
  it('are added under the next id, and set as the last added', () => {
    const metadata = commit(table(), [addSchema({ ...wider, 'schema-id': 77 }), setSchema(-1)])
    expect(metadata.schemas.map(item => item['schema-id'])).toEqual([0, 1])
    expect(metadata).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 9 })
    expect(metadata.schemas[1]).toEqual({ ...wider, 'schema-id': 1 })
  })

  it('are used again where they are equal, whatever their id, blanks and order of identifiers', () => {
    const before = commit(table(), [addSchema(wider), setSchema(-1)])
    const spelled = JSON.parse(JSON.stringify(schema).replace('decimal(9, 2)', 'decimal(9,2)'))
    const after = commit(before, [addSchema({ ...spelled, 'identifier-field-ids': [] }), setSchema(-1)])
    expect(after.schemas).toEqual(before.schemas)
    expect(after['current-schema-id']).toBe(0)
    expect(after['last-column-id']).toBe(9)
    const required = schema.fields.map(field => ({ ...field, required: true }))
    const identified = (...ids: number[]) => addSchema({ ...schema, fields: required, 'identifier-field-ids': ids })
    expect(commit(before, [identified(1, 3), identified(3, 1, 3)]).schemas).toHaveLength(3)
  })

  it.each([
    ['a doc', { ...schema, fields: schema.fields.map(field => ({ ...field, doc: 'x' })) }],
    ['the order', { ...schema, fields: schema.fields.toReversed() }],
    ['identifiers', { ...schema, 'identifier-field-ids': [1] }],
    ['an id', { ...schema, fields: schema.fields.map(field => ({ ...field, id: field.id === 1 ? 20 : field.id })) }],
  ])('that differ in %s are different', (_what, body) => {
    expect(commit(table(), [addSchema(body)]).schemas).toHaveLength(2)
  })

  it('never give the ids of lost columns back', () => {
    const before = commit(table(), [addSchema(wider), setSchema(-1), setSchema(0)])
    const after = commit(before, [{ action: 'remove-schemas', 'schema-ids': [1] }])
    expect(after.schemas).toHaveLength(1)
    expect(after['last-column-id']).toBe(9)
  })

  it('are not removed while they are current or a snapshot has them', () => {
    const remove = (id: number) => ({ action: 'remove-schemas', 'schema-ids': [id] })
    expectRefusal(() => commit(table(), [remove(0)]), 'BadRequestException', 'schema 0 is the current one')
    const before = commit(tableWithSnapshots(1), [addSchema(wider), setSchema(-1)])
    expectRefusal(() => commit(before, [remove(0)]), 'BadRequestException', 'snapshot 11 has it')
    const removed = commit(before, [remove(0), { action: 'remove-snapshots', 'snapshot-ids': [11] }])
    expect(removed.schemas.map(item => item['schema-id'])).toEqual([1])
  })

  it('that are not there cannot be set, nor the last added of none', () => {
    expectRefusal(() => commit(table(), [setSchema(4)]), 'BadRequestException', 'there is no schema 4')
    expectRefusal(() => commit(table(), [setSchema(-1)]), 'BadRequestException', 'this commit has added none')
  })
})

describe('partition specs', () => {
  it('get ids for their fields: what the table had for the same, or the next', () => {
    const first = commit(table(), [addSpec(byDay), setSpec(-1)])
    expect(first['partition-specs'][1]).toEqual({ 'spec-id': 1, fields: [{ ...byDay, 'field-id': 1000 }] })
    const second = commit(first, [addSpec(bySubject, { ...byDay, name: 'm', transform: 'Month' }), setSpec(-1)])
    expect(second['partition-specs'][2]?.fields).toMatchObject([{ 'field-id': 1001 }, { 'field-id': 1000 }])
    expect(second).toMatchObject({ 'default-spec-id': 2, 'last-partition-id': 1001 })
  })

  it('keep the ids that clients give, and count from there', () => {
    const metadata = commit(table(), [addSpec({ ...byDay, 'field-id': 1010 }, bySubject)])
    expect(metadata['partition-specs'][1]?.fields).toMatchObject([{ 'field-id': 1010 }, { 'field-id': 1011 }])
    expect(metadata['last-partition-id']).toBe(1011)
  })

  it('are used again where they are equal, whatever their ids', () => {
    const before = commit(table(), [addSpec(byDay), setSpec(-1)])
    const after = commit(before, [addSpec(), setSpec(-1), addSpec({ ...byDay, 'field-id': 1234 })])
    expect(after['partition-specs']).toEqual(before['partition-specs'])
    expect(after).toMatchObject({ 'default-spec-id': 0, 'last-partition-id': 1000 })
  })

  it.each([
    [[{ ...byDay, name: '' }], 'has no name'],
    [[byDay, { ...bySubject, name: 'day_month' }], 'two partition fields are called "day_month"'],
    [[{ ...byDay, name: 'visit' }], '"visit" is called like a column that it is not made from'],
    [[{ ...byDay, 'source-id': 99 }], 'the field 99, is no column of the current schema'],
    [[{ ...byDay, transform: 'century' }], 'no transform is called "century"'],
    [[{ ...byDay, transform: 'bucket[0]' }], 'no transform is called "bucket[0]"'],
    [[{ ...bySubject, transform: 'hour' }], 'hour does not take the column "subject"'],
    [[{ ...bySubject, 'source-id': 5, name: 's' }], 'identity does not take the column "site"'],
    [[{ ...bySubject, 'source-id': 8, name: 'r' }], '"site.rooms.element" lies in a list or map'],
    [
      [
        { ...byDay, 'field-id': 1000 },
        { ...bySubject, 'field-id': 1000 },
      ],
      'two partition fields have the id 1000',
    ],
  ])('are refused, %#', (fields, message) => {
    expectRefusal(() => commit(table(), [addSpec(...fields)]), 'BadRequestException', message)
  })

  it('do not use an id that stands for something else', () => {
    const before = commit(table(), [addSpec(byDay)])
    const other = { ...bySubject, 'field-id': 1000 }
    expectRefusal(() => commit(before, [addSpec(other)]), 'BadRequestException', 'the id 1000 is that of "day_month"')
    // So a table that was of version 1 drops a field.
    const voided = commit(before, [addSpec({ ...byDay, transform: 'void', 'field-id': 1000 })])
    expect(voided['partition-specs']).toHaveLength(3)
  })

  it('may name a field inside a struct', () => {
    const city = { 'source-id': 6, name: 'site.city', transform: 'truncate[2]' }
    expect(commit(table(), [addSpec(city), setSpec(-1)])['default-spec-id']).toBe(1)
  })

  it('are not removed while they are the default', () => {
    const before = commit(table(), [addSpec(byDay), setSpec(-1)])
    const remove = (id: number) => ({ action: 'remove-partition-specs', 'spec-ids': [id] })
    expectRefusal(() => commit(before, [remove(1)]), 'BadRequestException', 'partition spec 1 is the default')
    expect(commit(before, [remove(0), remove(44)])['partition-specs'].map(spec => spec['spec-id'])).toEqual([1])
  })

  it('that are not there cannot be set, nor the last added of none', () => {
    expectRefusal(() => commit(table(), [setSpec(4)]), 'BadRequestException', 'there is no partition spec 4')
    expectRefusal(() => commit(table(), [setSpec(-1)]), 'BadRequestException', 'last added partition spec')
  })
})

describe('sort orders', () => {
  it('are added under the next id; 0 is the one that sorts nothing', () => {
    const first = commit(table(), [addOrder(sorted(1)), setOrder(-1)])
    expect(first['sort-orders'].map(order => order['order-id'])).toEqual([0, 1])
    const second = commit(first, [addOrder(sorted(3, 'YEAR'), sorted(1)), addOrder(), setOrder(-1)])
    expect(second['sort-orders'].map(order => order['order-id'])).toEqual([0, 1, 2])
    expect(second['default-sort-order-id']).toBe(0)
    expect(second['sort-orders'][2]?.fields).toEqual([sorted(3, 'year'), sorted(1)])
  })

  it('are used again where they are equal', () => {
    const before = commit(table(), [addOrder(sorted(1)), addOrder(sorted(2))])
    const after = commit(before, [addOrder(sorted(1)), setOrder(-1)])
    expect(after['sort-orders']).toEqual(before['sort-orders'])
    expect(after['default-sort-order-id']).toBe(1)
  })

  it.each([
    [sorted(99), 'sort field 99 is no column'],
    [sorted(5), 'identity does not take the column "site"'],
    [sorted(4, 'day'), 'day does not take the column "weight"'],
    [sorted(4, 'zorder'), 'no transform is called "zorder"'],
  ])('are refused, %#', (field, message) => {
    expectRefusal(() => commit(table(), [addOrder(field)]), 'BadRequestException', message)
  })

  it('that are not there cannot be set, nor the last added of none', () => {
    expectRefusal(() => commit(table(), [setOrder(4)]), 'BadRequestException', 'there is no sort order 4')
    expectRefusal(() => commit(table(), [setOrder(-1)]), 'BadRequestException', 'last added sort order')
  })
})

describe('what engines will write by', () => {
  const without = (id: number) => ({ ...schema, fields: schema.fields.filter(field => field.id !== id) })

  it('must fit the columns that stay', () => {
    const partitioned = commit(table(), [addSpec(byDay), setSpec(-1)])
    const drop = [addSchema(without(3)), setSchema(-1)]
    expectRefusal(() => commit(partitioned, drop), 'BadRequestException', 'partition field "day_month": its source')
    expect(commit(partitioned, [...drop, setSpec(0)])['current-schema-id']).toBe(1)
    const ordered = commit(table(), [addOrder(sorted(3)), setOrder(-1)])
    expectRefusal(() => commit(ordered, drop), 'BadRequestException', 'sort field 3 is no column')
  })

  it('may be by a transform that is not known here, where another writer made it so', () => {
    const before = table()
    const foreign = {
      ...before,
      'partition-specs': [{ 'spec-id': 0, fields: [{ ...byDay, 'field-id': 1000, transform: 'zorder' }] }],
      'sort-orders': [{ 'order-id': 0, fields: [sorted(3, 'zorder')] }],
    }
    const after = commit(foreign, [addSnapshot(1, 1), setRef('main', 1)])
    expect(after['partition-specs']).toEqual(foreign['partition-specs'])
  })
})
