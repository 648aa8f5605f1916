import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Column, countNulls, isNull, setNull } from '../../lib/columns.ts'
import { formatType } from '../../lib/fields.ts'

it('a bitmap holds the rows that are null, and no others', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), rows => {
      const nulls = new Uint8Array(Math.ceil(rows.length / 8))
      for (const [row, empty] of rows.entries()) if (empty) setNull(nulls, row)
      const column: Column = { kind: 'int32', values: new Int32Array(rows.length), nulls }
      expect(rows.map((_, row) => isNull(column, row))).toEqual(rows)
      expect(countNulls(column)).toBe(rows.filter(Boolean).length)
    }),
  )
})

it('a column without a bitmap has no nulls', () => {
  const column: Column = { kind: 'double', values: new Float64Array(3) }
  expect(countNulls(column)).toBe(0)
  expect(isNull(column, 2)).toBe(false)
})

it('types are written as the plain dialect writes them', () => {
  expect(formatType({ kind: 'decimal', precision: 10, scale: 2 })).toBe('decimal(10,2)')
  expect(formatType({ kind: 'timestamp' })).toBe('timestamp')
})
