import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { createKeyPlaces } from '../../../lib/keys/key-places.ts'
import { createPartPool, KnownKeys } from '../../../lib/keys/known-keys.ts'
import { readNaturalKeys } from '../../../lib/keys/natural-key.ts'
import { indexedColumn } from '../../../lib/parquet/read-chunk.ts'
import { type Cell, makeBatch } from '../../support/columns.ts'

/** Types that hold the same whole numbers, with what a row holds for one. */
const numeric: [FieldType, (value: number) => Cell][] = [
  [{ kind: 'integer' }, value => value],
  [{ kind: 'bigint' }, value => BigInt(value)],
  [{ kind: 'double' }, value => value],
  [{ kind: 'decimal', precision: 8, scale: 2 }, value => value * 100],
  [{ kind: 'decimal', precision: 15, scale: 1 }, value => BigInt(value * 10)],
  [{ kind: 'decimal', precision: 30, scale: 0 }, value => BigInt(value)],
]
const field = (name: string, type: FieldType): Field => ({ id: 1, name, type, nullable: true })

describe('places of natural keys', () => {
  it('are those of a map of texts, over batches of all types, with nulls, of one to three parts', () => {
    const row = fc.tuple(fc.nat(6), fc.option(fc.integer({ min: -3, max: 40 }), { freq: 9 }), fc.nat(2))
    const batch = fc.tuple(fc.nat(numeric.length - 1), fc.array(row, { maxLength: 60 }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(batch, { maxLength: 4 }), (parts, batches) => {
        const pool = createPartPool()
        const places = createKeyPlaces(pool(['A', 'B', 'C'].slice(0, parts)))
        const first = createKeyPlaces(pool(['a']))
        const oracle = new Map<string, number>()
        for (const [at, rows] of batches) {
          const [type, cellOf] = numeric[at]!
          const fields = [field('A', { kind: 'string' }), field('B', type), field('C', { kind: 'integer' })].slice(
            0,
            parts,
          )
          const cells = rows.map(([a, b, c]): Cell[] => [`s${a}`, b === null ? null : cellOf(b), c].slice(0, parts))
          const types = fields.map(field => field.type)
          const made = makeBatch(fields, cells)
          const textOf = readNaturalKeys(made, types)
          const expected = cells.map((_, row) => {
            const text = textOf(row)
            if (text === undefined) return -1
            const place = oracle.get(text) ?? oracle.size
            oracle.set(text, place)
            return place
          })
          const columns = made.columns.map(column => indexedColumn(column, made.rows))
          const before = places.count
          const found = places.find(columns, types, made.rows)
          expect([...found.places]).toEqual(expected)
          expect(found.nullRows).toBe(expected.filter(place => place < 0).length)
          expect(found.fresh.map(row => found.places[row])).toEqual(
            Array.from({ length: places.count - before }, (_, at) => before + at),
          )
          expect(first.find([columns[0]!], [types[0]!], made.rows).nullRows).toBe(0)
        }
        expect(places.count).toBe(oracle.size)
      }),
      { numRuns: 200 },
    )
  })

  it('stay what they are where pairs grow beyond a table of all pairs', () => {
    const types: FieldType[] = [{ kind: 'integer' }, { kind: 'integer' }]
    const places = createKeyPlaces()
    const rowsOf = (from: number, to: number) =>
      makeBatch(
        [field('a', types[0]!), field('b', types[1]!)],
        Array.from({ length: to - from }, (_, at) => [from + at, (from + at) % 2500]),
      )
    for (const [from, to] of [
      [0, 100],
      [100, 6000],
      [0, 6000],
    ] as const) {
      const { columns, rows } = rowsOf(from, to)
      const found = places.find(
        columns.map(column => indexedColumn(column, rows)),
        types,
        rows,
      )
      expect([...found.places]).toEqual(Array.from({ length: to - from }, (_, at) => from + at))
    }
    expect(places.count).toBe(6000)
  })

  it('refuse a part that is text in one place and a number in another', () => {
    const places = createKeyPlaces()
    const find = (type: FieldType, cell: Cell) =>
      places.find([indexedColumn(makeBatch([field('a', type)], [[cell]]).columns[0]!, 1)], [type], 1)
    find({ kind: 'string' }, '1')
    expect(() => find({ kind: 'integer' }, 1)).toThrow('text in one place and not in another')
  })
})

describe('known keys', () => {
  it('are given in order, and go on from the largest', () => {
    const known = new KnownKeys()
    const type: FieldType = { kind: 'bigint' }
    const find = (...cells: (bigint | null)[]) => {
      const { columns, rows } = makeBatch(
        [field('a', type)],
        cells.map(cell => [cell]),
      )
      return known.places.find([indexedColumn(columns[0]!, rows)], [type], rows)
    }
    find(5n, 6n)
    known.set(0, 2 ** 40)
    known.set(1, 3)
    const found = find(6n, null, 7n, 5n, 8n)
    known.allocate()
    const { values, nulls } = known.columnOf(found)
    expect([...values]).toEqual([3n, 0n, 2n ** 40n + 1n, 2n ** 40n, 2n ** 40n + 2n])
    expect([...nulls!]).toEqual([0b10])
    expect([known.count, known.largest]).toEqual([4, 2 ** 40 + 2])
  })

  it('are places from 1 on where nothing was known', () => {
    const known = new KnownKeys()
    const cells = Array.from({ length: 600 }, (_, at): Cell[] => [`s${at % 500}`])
    const { columns, rows } = makeBatch([field('a', { kind: 'string' })], cells)
    const found = known.places.find([indexedColumn(columns[0]!, rows)], [{ kind: 'string' }], rows)
    known.allocate()
    expect([...known.columnOf(found).values]).toEqual(cells.map((_, at) => BigInt((at % 500) + 1)))
  })
})
