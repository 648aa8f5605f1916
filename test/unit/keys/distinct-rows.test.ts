import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { findDistinctRows } from '../../../lib/keys/distinct-rows.ts'
import { type Cell, makeBatch } from '../../support/columns.ts'

const kinds: [FieldType, fc.Arbitrary<Cell>][] = [
  [{ kind: 'string' }, fc.constantFrom('', 'a', 'b', 'é')],
  [{ kind: 'integer' }, fc.integer({ min: -2, max: 3 })],
  [{ kind: 'bigint' }, fc.constantFrom(0n, 1n, 1n << 32n, -(1n << 40n))],
  [{ kind: 'double' }, fc.constantFrom(0, -0, 0.5, 3)],
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'decimal', precision: 30, scale: 1 }, fc.constantFrom(0n, 10n ** 25n, -5n)],
]
const chosen = fc.subarray(kinds, { minLength: 1 })

test('the first row of each combination of values is found, and rows with a null are counted', () => {
  const table = chosen.chain(columns =>
    fc.tuple(
      fc.constant(columns.map(([type], at): Field => ({ id: at + 1, name: `c${at}`, type, nullable: true }))),
      fc.array(fc.tuple(...columns.map(([, cell]) => fc.option(cell, { freq: 9 }))), { maxLength: 60 }),
    ),
  )
  fc.assert(
    fc.property(table, ([fields, rows]) => {
      const seen = new Set<string>()
      const firsts: number[] = []
      const nulls: number[] = []
      for (const [row, cells] of rows.entries()) {
        const key = cells.map(cell => (Object.is(cell, -0) ? '-0' : String(cell))).join('|')
        if (cells.includes(null)) nulls.push(row)
        else if (!seen.has(key)) {
          seen.add(key)
          firsts.push(row)
        }
      }
      const found = findDistinctRows(makeBatch(fields, rows))
      expect(found).toEqual({ firsts, nullRows: nulls.length, firstNullRow: nulls[0] })
    }),
  )
})

test('many combinations are told apart', () => {
  const fields: Field[] = [
    { id: 1, name: 'a', type: { kind: 'string' }, nullable: false },
    { id: 2, name: 'b', type: { kind: 'bigint' }, nullable: false },
  ]
  const rows = Array.from({ length: 9000 }, (_, row): Cell[] => [`s${row % 60}`, BigInt(row % 77)])
  expect(findDistinctRows(makeBatch(fields, rows)).firsts).toEqual(Array.from({ length: 60 * 77 }, (_, row) => row))
})
