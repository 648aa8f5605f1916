import fc from 'fast-check'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { readColumnIndex } from 'hyparquet/src/indexes.js'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../../lib/columns.ts'
import type { Field } from '../../../lib/fields.ts'
import { indexBits, wordDictionary } from '../../../lib/parquet/dictionary.ts'
import { levelsOf, nullBitmap } from '../../../lib/parquet/levels.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { batchRows, type Cell, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'

/** Long and short runs of null and not null. */
const runs = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 120 })), { minLength: 1, maxLength: 12 })
const flatten = (given: [boolean, number][]): boolean[] =>
  given.flatMap(([isNull, length]) => Array(length).fill(isNull))

function column(nulls: boolean[]): Column {
  const bitmap = new Uint8Array(Math.ceil(nulls.length / 8))
  for (const [row, isNull] of nulls.entries()) if (isNull) bitmap[row >> 3] |= 1 << (row & 7)
  return { kind: 'boolean', values: new Uint8Array(nulls.length), nulls: bitmap }
}

describe('levelsOf', () => {
  it('writes levels that hyparquet reads, for any rows from a multiple of 8', () => {
    fc.assert(
      fc.property(runs, fc.nat(20), fc.nat(50), (given, skipped, cut) => {
        const nulls = flatten(given)
        const start = Math.min(skipped * 8, nulls.length & ~7)
        const end = Math.max(start, nulls.length - cut)
        const slice = { batch: { rows: nulls.length, columns: [column(nulls)] }, start: 0, end: nulls.length }
        const bytes = levelsOf(nullBitmap([slice], 0, nulls.length), start, end)
        const levels: number[] = new Array(end - start)
        const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
        readRleBitPackedHybrid(reader, 1, levels, bytes.length)
        expect(levels).toEqual(nulls.slice(start, end).map(isNull => (isNull ? 0 : 1)))
      }),
      { numRuns: 300 },
    )
  })

  it('takes a few bytes for a column of nothing but nulls, and for one without', () => {
    const slice = (isNull: boolean) => ({
      batch: { rows: 80_000, columns: [column(Array(80_000).fill(isNull))] },
      start: 0,
      end: 80_000,
    })
    expect(levelsOf(nullBitmap([slice(true)], 0, 80_000), 0, 80_000).length).toBeLessThan(8)
    expect(nullBitmap([slice(false)], 0, 80_000)).toBeUndefined()
    expect(levelsOf(undefined, 0, 80_000).length).toBeLessThan(8)
  })

  it('joins the bitmaps of slices at any row', () => {
    fc.assert(
      fc.property(runs, runs, fc.nat(30), (first, second, skipped) => {
        const [a, b] = [flatten(first), flatten(second)]
        const start = Math.min(skipped, a.length)
        const joined = [...a.slice(start), ...b]
        const slices = [
          { batch: { rows: a.length, columns: [column(a)] }, start, end: a.length },
          { batch: { rows: b.length, columns: [column(b)] }, start: 0, end: b.length },
        ]
        const bitmap = nullBitmap(slices, 0, joined.length)
        expect(joined.map((_, row) => ((bitmap?.[row >> 3] ?? 0) & (1 << (row & 7))) !== 0)).toEqual(joined)
      }),
    )
  })
})

describe('wordDictionary', () => {
  it.each([1, 2] as const)('tells values of %i words apart by their bits', width => {
    const pool = fc.array(fc.integer(), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(pool, fc.integer({ min: 1, max: 400 }), (words, count) => {
        const values = Int32Array.from({ length: count * width }, (_, at) => words[(at * 7) % words.length])
        const dictionary = wordDictionary(values, width)
        if (!dictionary) return
        const entries = new Int32Array(dictionary.bytes.slice().buffer)
        expect(entries.length).toBe(dictionary.entries * width)
        const read = Array.from(dictionary.indices, index => [...entries.subarray(index * width, (index + 1) * width)])
        expect(read.flat()).toEqual([...values])
        expect(new Set(read.map(String)).size).toBe(dictionary.entries)
      }),
    )
  })

  it('grows to many entries', () => {
    const count = 60_000
    for (const width of [1, 2] as const) {
      const values = Int32Array.from({ length: count * width }, (_, at) => Math.floor(at / width) % 4500)
      // The first values hardly repeat, and decide; so the many are asked for only after them.
      values.fill(0, 0, 5000 * width)
      const dictionary = wordDictionary(values, width)!
      expect(dictionary.entries).toBe(4500)
      const entries = new Int32Array(dictionary.bytes.slice().buffer)
      for (let at = 0; at < count; at += 997) expect(entries[dictionary.indices[at] * width]).toBe(values[at * width])
    }
  })

  it('is given up where values hardly repeat', () => {
    expect(
      wordDictionary(
        Int32Array.from({ length: 50_000 }, (_, at) => at),
        1,
      ),
    ).toBeUndefined()
    expect(wordDictionary(Int32Array.of(1, 2, 3, 4), 1)).toBeUndefined()
    expect(wordDictionary(new Int32Array(0), 1)).toBeUndefined()
  })

  it('counts the bits of an index', () => {
    expect([0, 1, 2, 3, 4, 5, 256, 257].map(indexBits)).toEqual([0, 0, 1, 2, 2, 3, 8, 9])
  })
})

describe('pages', () => {
  it('hold any runs of nulls and repeats, whatever their size', async () => {
    const fields: Field[] = (['string', 'bigint', 'double', 'boolean', 'date'] as const).map((kind, at) => ({
      id: at + 1,
      name: kind,
      type: { kind },
      nullable: true,
    }))
    const options = fc.record({
      pageBytes: fc.constantFrom(8, 100, 1000),
      rowGroupRows: fc.constantFrom(100, 333, 10_000),
      distinct: fc.constantFrom(1, 2, 40, 5000),
    })
    await fc.assert(
      fc.asyncProperty(runs, options, async (given, { distinct, ...shape }) => {
        const rows: Cell[][] = flatten(given).map((isNull, row) => {
          const value = (row * 31) % distinct
          return isNull ? Array(5).fill(null) : [`t${value}`, BigInt(value) << 33n, value / 3, value % 2 === 0, value]
        })
        const { bytes } = await writeParquetFile(fields, makeBatch(fields, rows), shape)
        const store = memoryStore({ objects: { file: bytes } })
        expect(await batchRows(readColumns(store, 'file', { fields }))).toEqual(rows)
      }),
      { numRuns: 60 },
    )
  })

  it('are ordered where their values are', async () => {
    const fields: Field[] = [{ id: 1, name: 'n', type: { kind: 'bigint' }, nullable: true }]
    const order = async (values: bigint[]) => {
      const { bytes, metadata } = await writeParquetFile(
        fields,
        makeBatch(
          fields,
          values.map(value => [value]),
        ),
        {
          pageBytes: 128,
        },
      )
      const { column_index_offset, column_index_length } = metadata.row_groups[0].columns[0]
      const start = Number(column_index_offset)
      const view = new DataView(bytes.buffer, bytes.byteOffset + start, column_index_length)
      return readColumnIndex({ view, offset: 0 }, metadata.schema[1]).boundary_order
    }
    const rising = Array.from({ length: 100 }, (_, row) => (BigInt(row) - 50n) << 33n)
    expect(await order(rising)).toBe('ASCENDING')
    expect(await order(rising.toReversed())).toBe('DESCENDING')
    expect(await order(rising.map((value, row) => (row % 40 === 0 ? 99n << 33n : value)))).toBe('UNORDERED')
  })

  it('have no column index where a page is nothing but NaN', async () => {
    const fields: Field[] = [{ id: 1, name: 'n', type: { kind: 'double' }, nullable: true }]
    const rows: Cell[][] = Array.from({ length: 100 }, (_, row) => [row < 16 ? Number.NaN : row / 7])
    const { metadata } = await writeParquetFile(fields, makeBatch(fields, rows), { pageBytes: 128 })
    const [column] = metadata.row_groups[0].columns
    expect(column.column_index_offset).toBeUndefined()
    expect(column.offset_index_offset).toBeDefined()
  })
})
