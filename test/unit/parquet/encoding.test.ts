import fc from 'fast-check'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { readColumnIndex } from 'hyparquet/src/indexes.js'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../../lib/columns.ts'
import type { Field } from '../../../lib/fields.ts'
import { dictionaryPays, indexBits, mostEntries } from '../../../lib/parquet/dictionary.ts'
import type { Slice } from '../../../lib/parquet/gather.ts'
import { joinNulls, levelsOf } from '../../../lib/parquet/levels.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { type Scratch, withScratch } from '../../../lib/parquet/scratch.ts'
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

/** The rows that joinNulls says are null. */
function nullsOf(scratch: Scratch, slices: Slice[], rows: number): boolean[] {
  const nulls = joinNulls(scratch, slices, 0, rows)
  const bits = nulls && scratch.bytes(nulls.place, Math.ceil(rows / 8))
  const found = Array.from({ length: rows }, (_, row) => ((bits?.[row >> 3] ?? 0) & (1 << (row & 7))) !== 0)
  expect(nulls?.count ?? 0).toBe(found.filter(isNull => isNull).length)
  return found
}

describe('levelsOf', () => {
  it('writes levels that hyparquet reads, for any rows from a multiple of 8', () => {
    fc.assert(
      fc.property(runs, fc.nat(20), fc.nat(50), (given, skipped, cut) => {
        const nulls = flatten(given)
        const start = Math.min(skipped * 8, nulls.length & ~7)
        const end = Math.max(start, nulls.length - cut)
        const slice = { batch: { rows: nulls.length, columns: [column(nulls)] }, start: 0, end: nulls.length }
        const levels: number[] = new Array(end - start)
        withScratch(scratch => {
          const bytes = levelsOf(scratch, joinNulls(scratch, [slice], 0, nulls.length), start, end)
          const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
          readRleBitPackedHybrid(reader, 1, levels, bytes.length)
        })
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
    withScratch(scratch => {
      const nulls = joinNulls(scratch, [slice(true)], 0, 80_000)
      expect(levelsOf(scratch, nulls, 0, 80_000).length).toBeLessThan(8)
      expect(joinNulls(scratch, [slice(false)], 0, 80_000)).toBeUndefined()
      expect(levelsOf(scratch, undefined, 0, 80_000).length).toBeLessThan(8)
    })
  })

  it('joins the bitmaps of slices at any row', () => {
    fc.assert(
      fc.property(runs, runs, fc.nat(30), fc.nat(9), (first, second, skipped, cut) => {
        const [a, b] = [flatten(first), flatten(second)]
        const start = Math.min(skipped, a.length)
        const end = Math.max(0, b.length - cut)
        const joined = [...a.slice(start), ...b.slice(0, end)]
        const slices = [
          { batch: { rows: a.length, columns: [column(a)] }, start, end: a.length },
          { batch: { rows: b.length, columns: [column(b)] }, start: 0, end },
        ]
        withScratch(scratch => expect(nullsOf(scratch, slices, joined.length)).toEqual(joined))
      }),
    )
  })
})

describe('the memory that columns are encoded in', () => {
  it('is given out apart, moves as it grows, and serves a use within a use', () => {
    withScratch(outer => {
      const place = outer.put(Uint8Array.of(1, 2, 3))
      const mark = outer.mark()
      const more = outer.takeZeros(3 * 2 ** 20)
      expect(more).toBeGreaterThanOrEqual(place + 3)
      expect([...outer.bytes(place, 3)]).toEqual([1, 2, 3])
      withScratch(inner => {
        inner.bytes(inner.take(100), 100).fill(7)
        expect([...outer.bytes(place, 3)]).toEqual([1, 2, 3])
      })
      outer.release(mark)
      expect(outer.take(1)).toBe(more)
    })
  })

  it('is given up where it has grown large', () => {
    const large = withScratch(scratch => {
      scratch.take(65 * 2 ** 20)
      return scratch
    })
    withScratch(scratch => expect(scratch).not.toBe(large))
  })
})

describe('mostEntries', () => {
  it('is the most with which a dictionary pays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(4, 8), (count, width) => {
        const pays = Array.from({ length: count + 1 }, (_, entries) => entries).filter(
          entries => entries > 0 && dictionaryPays(count * width, entries * width, count, entries),
        )
        expect(mostEntries(count, width)).toBe(pays.at(-1) ?? 0)
        expect(pays.length).toBe(pays.at(-1) ?? 0)
      }),
    )
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
    const fields: Field[] = [{ id: 1, name: 'n', type: { kind: 'double' }, nullable: true }]
    const order = async (values: number[]) => {
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
    const rising = Array.from({ length: 100 }, (_, row) => (row - 50) / 3)
    expect(await order(rising)).toBe('ASCENDING')
    expect(await order(rising.toReversed())).toBe('DESCENDING')
    expect(await order(rising.map((value, row) => (row % 40 === 0 ? 33 : value)))).toBe('UNORDERED')
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
