import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { createDistinctKeys } from '../../../lib/keys/distinct-keys.ts'
import { readNaturalKeys } from '../../../lib/keys/natural-key.ts'
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

test('keys are new where their text is, in one batch or over several, and rows with a null are counted', () => {
  const table = chosen.chain(columns =>
    fc.tuple(
      fc.constant(columns.map(([type], at): Field => ({ id: at + 1, name: `c${at}`, type, nullable: true }))),
      fc.array(fc.array(fc.tuple(...columns.map(([, cell]) => fc.option(cell, { freq: 9 }))), { maxLength: 40 }), {
        maxLength: 3,
      }),
    ),
  )
  fc.assert(
    fc.property(table, ([fields, batches]) => {
      const types = fields.map(({ type }) => type)
      const keys = createDistinctKeys(types)
      const seen = new Set<string>()
      for (const rows of batches) {
        const batch = makeBatch(fields, rows)
        const textOf = readNaturalKeys(batch, types)
        const fresh: number[] = []
        const nulls: number[] = []
        for (const row of rows.keys()) {
          const text = textOf(row)
          if (text === undefined) nulls.push(row)
          else if (!seen.has(text)) {
            seen.add(text)
            fresh.push(row)
          }
        }
        expect(keys.add(batch)).toEqual({ fresh, nullRows: nulls.length, firstNullRow: nulls[0] })
        expect(keys.count()).toBe(seen.size)
      }
    }),
    { numRuns: 300 },
  )
})

test('many keys are told apart', () => {
  const fields: Field[] = [
    { id: 1, name: 'a', type: { kind: 'string' }, nullable: false },
    { id: 2, name: 'b', type: { kind: 'bigint' }, nullable: false },
  ]
  const rows = Array.from({ length: 9000 }, (_, row): Cell[] => [`s${row % 60}`, BigInt(row % 77)])
  const keys = createDistinctKeys(fields.map(({ type }) => type))
  expect(keys.add(makeBatch(fields, rows)).fresh).toEqual(Array.from({ length: 60 * 77 }, (_, row) => row))
  expect(keys.add(makeBatch(fields, rows)).fresh).toEqual([])
})

test('a column of another kind than declared is refused', () => {
  const batch = (kind: 'string' | 'integer', cell: Cell) =>
    makeBatch([{ id: 1, name: 'a', type: { kind }, nullable: true }], [[cell]])
  expect(() => createDistinctKeys([{ kind: 'string' }]).add(batch('integer', 1))).toThrow(/declared as text/)
  expect(() => createDistinctKeys([{ kind: 'integer' }]).add(batch('string', 'x'))).toThrow(/is not declared so/)
})
