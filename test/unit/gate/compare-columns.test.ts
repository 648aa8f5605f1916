import { expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { compareColumns, type StatedColumn } from '../../../lib/gate/compare-columns.ts'

const id: Field = { id: 1, name: 'ID', type: { kind: 'integer' }, nullable: false, label: 'Number' }
const dose: Field = { id: 2, name: 'DOSE', type: { kind: 'decimal', precision: 9, scale: 2 }, nullable: true }
const stated: StatedColumn[] = [id, dose]

const compare = (
  found: StatedColumn[],
  { labels, expected = [id, dose] }: { labels?: boolean; expected?: Field[] } = {},
) => compareColumns({ expected, found, code: 'footer', table: 'raw.dm', subject: 'the footer', labels })
const one = (code: string, column: string, message: string, difference: object = {}) => [
  { code: `footer-${code}`, table: 'raw.dm', column, message: `the footer ${message}`, ...difference },
]

it('has nothing to say where both are the same', () => {
  expect(compare(stated)).toEqual([])
  expect(compare(stated, { labels: true })).toEqual([])
  expect(compare([], { expected: [] })).toEqual([])
})

it('names what is missing and what is too much', () => {
  expect(compare([id])).toEqual(one('column-missing', 'DOSE', 'lacks the column'))
  expect(compare([id, dose, { ...dose, name: 'UNIT' }])).toEqual(
    one('column-extra', 'UNIT', 'has a column that is not expected'),
  )
  // A name counts with its case, and whatever else is wrong is told too.
  expect(
    compare([
      { ...id, name: 'id' },
      { ...dose, id: 7 },
    ]),
  ).toEqual([
    ...one('column-missing', 'ID', 'lacks the column'),
    ...one('field-id', 'DOSE', 'has another field id', { expected: '2', found: '7' }),
    ...one('column-extra', 'id', 'has a column that is not expected'),
  ])
})

it('compares types by all that they are', () => {
  const scale: StatedColumn = { ...dose, type: { kind: 'decimal', precision: 9, scale: 3 } }
  expect(compare([id, scale])).toEqual(
    one('type', 'DOSE', 'has another type', { expected: 'decimal(9,2)', found: 'decimal(9,3)' }),
  )
  expect(compare([{ ...id, type: undefined }, dose])).toEqual(
    one('type', 'ID', 'has another type', { expected: 'integer', found: 'another type' }),
  )
})

it('compares field ids, and knows a column without one', () => {
  expect(compare([{ ...id, id: undefined }, dose])).toEqual(
    one('field-id', 'ID', 'has another field id', { expected: '1', found: 'undefined' }),
  )
})

it('compares nullability either way', () => {
  expect(compare([{ ...id, nullable: true }, dose])).toEqual(
    one('nullability', 'ID', 'differs in nullability', { expected: 'required', found: 'optional' }),
  )
  expect(compare([id, { ...dose, nullable: false }])).toEqual(
    one('nullability', 'DOSE', 'differs in nullability', { expected: 'optional', found: 'required' }),
  )
})

it('compares labels only where that is asked for; none is an empty one', () => {
  const other = [{ ...id, label: 'Other' }, dose]
  expect(compare(other)).toEqual([])
  expect(compare(other, { labels: true })).toEqual(one('label', 'ID', 'has another label'))
  expect(compare([id, { ...dose, label: '' }], { labels: true })).toEqual([])
  expect(compare([id, { ...dose, label: 'Dose' }], { labels: true })).toEqual(one('label', 'DOSE', 'has another label'))
  expect(compare([{ ...id, label: undefined }, dose], { labels: true })).toEqual(
    one('label', 'ID', 'has another label'),
  )
})

it('says where the order begins to differ, and only where nothing else does', () => {
  expect(compare([dose, id])).toEqual(
    one('order', 'ID', 'has its columns in another order', { expected: 'ID', found: 'DOSE' }),
  )
  const third: Field = { ...dose, id: 3, name: 'UNIT' }
  expect(compare([id, third, dose], { expected: [id, dose, third] })).toEqual(
    one('order', 'DOSE', 'has its columns in another order', { expected: 'DOSE', found: 'UNIT' }),
  )
  expect(compare([dose, { ...id, id: 9 }])).toEqual(
    one('field-id', 'ID', 'has another field id', { expected: '1', found: '9' }),
  )
  // A name that stands twice in what is expected has one column for both.
  expect(compare([id], { expected: [id, id] })).toEqual(
    one('order', 'ID', 'has its columns in another order', { expected: 'ID', found: 'nothing' }),
  )
})
