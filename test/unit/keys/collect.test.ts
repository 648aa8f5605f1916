import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { collectNaturalKeys } from '../../../lib/keys/collect.ts'
import { takeRows } from '../../../lib/keys/take-rows.ts'
import { batchRows, type Cell, cutBatches, makeBatch } from '../../support/columns.ts'

const fields: Field[] = [
  { id: 1, name: 'VISITNUM', type: { kind: 'integer' }, nullable: true },
  { id: 2, name: 'AGE', type: { kind: 'double' }, nullable: true },
  { id: 3, name: 'usubjid', type: { kind: 'string' }, nullable: true },
]
const patient = { name: 'patient', naturalKey: ['USUBJID'], required: false }
const visit = { name: 'visit', naturalKey: ['USUBJID', 'VISITNUM'], required: false }

async function collect(rows: Cell[][], sizes: number[]) {
  const keys = collectNaturalKeys(fields, [patient, visit])
  for await (const batch of cutBatches(fields, rows, sizes)) keys.add(batch)
  return keys.result()
}

describe('distinct natural keys', () => {
  it('stand in the order of their first rows, whatever the batches', async () => {
    const rows = [
      [1, 30, 'P2'],
      [1, null, 'P1'],
      [null, 1, 'P1'],
      [2, 1, 'P2'],
      [1, 1, 'P2'],
      [1, 1, null],
    ]
    for (const sizes of [[6], [1], [4, 2]]) {
      const [patients, visits] = await collect(rows, sizes)
      expect(await batchRows(patients!.batches)).toEqual([['P2'], ['P1']])
      expect(patients).toMatchObject({ distinct: 2, nullRows: 1, firstNullRow: 6 })
      expect(await batchRows(visits!.batches)).toEqual([
        ['P2', 1],
        ['P1', 1],
        ['P2', 2],
      ])
      expect(visits).toMatchObject({ distinct: 3, nullRows: 2, firstNullRow: 3 })
    }
  })

  it('are what a set of the rows is', async () => {
    const cell = fc.record({ visit: fc.option(fc.nat(3)), subject: fc.option(fc.constantFrom('P1', 'P2', 'P3')) })
    await fc.assert(
      fc.asyncProperty(fc.array(cell), fc.integer({ min: 1, max: 7 }), async (cells, size) => {
        const [, visits] = await collect(
          cells.map(({ visit: number, subject }) => [number, 0, subject]),
          [size],
        )
        const whole = cells.filter(({ visit: number, subject }) => number !== null && subject !== null)
        const expected = [...new Set(whole.map(({ visit: number, subject }) => JSON.stringify([subject, number])))]
        expect((await batchRows(visits!.batches)).map(row => JSON.stringify(row))).toEqual(expected)
        expect(visits).toMatchObject({ distinct: expected.length, nullRows: cells.length - whole.length })
      }),
      { numRuns: 50 },
    )
  })
})

it('takeRows takes rows of every kind of column, nulls included', async () => {
  const all: Field[] = (
    [
      { kind: 'string' },
      { kind: 'integer' },
      { kind: 'bigint' },
      { kind: 'double' },
      { kind: 'boolean' },
      { kind: 'decimal', precision: 30, scale: 0 },
    ] as Field['type'][]
  ).map((type, at) => ({ id: at + 1, name: `c${at}`, type, nullable: true }))
  const rows: Cell[][] = [
    ['a', 1, 1n, 0.5, true, 1n],
    [null, null, null, null, null, null],
    ['c', 3, 3n, 1.5, false, 3n],
  ]
  const taken = takeRows(makeBatch(all, rows), [2, 1, 1, 0])
  expect(taken.rows).toBe(4)
  expect(await batchRows([taken])).toEqual([rows[2], rows[1], rows[1], rows[0]])
  expect(await batchRows([takeRows(makeBatch(all, [rows[0]!]), [0])])).toEqual([rows[0]])
})
