import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ColumnBatch, textColumn } from '../../../lib/columns.ts'
import type { Field } from '../../../lib/fields.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { decodeTexts, encodeTexts, hashText, TextTable } from '../../../lib/text-table.ts'
import { batchRows, type Cell, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'

const field = (kind: 'integer' | 'bigint' | 'string' | 'date' | 'double', nullable = true): Field => ({
  id: 1,
  name: kind,
  type: { kind },
  nullable,
})

describe('integers', () => {
  const encodingOf = async (kind: 'integer' | 'bigint' | 'date', cells: Cell[], pageBytes?: number) => {
    const fields = [field(kind)]
    const rows = cells.map(cell => [cell])
    const { bytes, metadata } = await writeParquetFile(fields, makeBatch(fields, rows), { pageBytes })
    expect(await batchRows(readColumns(memoryStore({ objects: { file: bytes } }), 'file', { fields }))).toEqual(rows)
    return { encodings: metadata.row_groups[0].columns[0].meta_data!.encodings, size: bytes.length }
  }
  const many = 20_000

  it('that count up take next to nothing', async () => {
    const { encodings, size } = await encodingOf(
      'bigint',
      Array.from({ length: many }, (_, row) => BigInt(row)),
    )
    expect(encodings).toEqual(['RLE', 'DELTA_BINARY_PACKED'])
    expect(size).toBeLessThan(1500)
  })

  it('that repeat stand in a dictionary', async () => {
    const cells = Array.from({ length: many }, (_, row) => ((row * 7919) % 23) * 1_000_003)
    expect((await encodingOf('integer', cells)).encodings).toContain('RLE_DICTIONARY')
  })

  it('of 64 bits stand as differences where these are narrower, else as they are', async () => {
    const even = Array.from({ length: many }, (_, row) => (BigInt(row * 7919) << 32n) - 5n)
    const { encodings, size } = await encodingOf('bigint', even)
    expect(encodings).toEqual(['RLE', 'DELTA_BINARY_PACKED'])
    expect(size).toBeLessThan(1500)
    const odd = Array.from({ length: 1000 }, (_, row) => BigInt.asIntN(64, BigInt(row) * 0x9e3779b97f4a7c15n))
    expect((await encodingOf('bigint', odd)).encodings).toEqual(['RLE', 'DELTA_BINARY_PACKED'])
    const mixed = odd.map(value => BigInt.asIntN(64, (value ^ (value >> 29n)) * 0xbf58476d1ce4e5b9n))
    expect((await encodingOf('bigint', mixed)).encodings).toEqual(['PLAIN', 'RLE'])
  })

  it('come back whatever they are, in pages of any size', async () => {
    const values = fc.oneof(
      fc.array(fc.option(fc.integer(), { freq: 5 }), { minLength: 1, maxLength: 300 }),
      fc.array(fc.option(fc.integer({ min: -5, max: 40 }), { freq: 5 }), { minLength: 1, maxLength: 300 }),
      fc.constantFrom<(number | null)[]>([-2147483648, 2147483647, -2147483648], [0], [null, null]),
    )
    await fc.assert(
      fc.asyncProperty(values, fc.constantFrom(16, 100, 10_000), async (given, pageBytes) => {
        await encodingOf('integer', given, pageBytes)
        await encodingOf(
          'bigint',
          given.map(value => (value === null ? null : BigInt(value))),
          pageBytes,
        )
      }),
      { numRuns: 100 },
    )
  })
})

describe('TextTable', () => {
  const texts = fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.string({ maxLength: 200 })), {
    maxLength: 300,
  })

  it('finds each text where it was first put', () => {
    fc.assert(
      fc.property(texts, given => {
        const table = new TextTable()
        const known = new Map<string, number>()
        for (const text of given) {
          const bytes = Buffer.from(`<${text}>`)
          const entry = table.find(bytes, 1, bytes.length - 1, hashText(bytes, 1, bytes.length - 1))
          const wellFormed = text.toWellFormed()
          if (!known.has(wellFormed)) known.set(wellFormed, known.size)
          expect(entry).toBe(known.get(wellFormed))
        }
        expect(decodeTexts(table)).toEqual([...known.keys()])
        expect(decodeTexts(encodeTexts([...known.keys()]))).toEqual([...known.keys()])
      }),
    )
  })

  it('tells texts of one hash apart', () => {
    const table = new TextTable()
    const find = (text: string) => {
      const bytes = Buffer.from(text)
      return table.find(bytes, 0, bytes.length, hashText(bytes, 0, bytes.length))
    }
    expect(hashText(Buffer.from('Aa'), 0, 2)).toBe(hashText(Buffer.from('BB'), 0, 2))
    expect(['Aa', 'BB', 'Aa', 'BB', ''].map(find)).toEqual([0, 1, 0, 1, 2])
    const numbers = Array.from({ length: 5000 }, (_, at) => `ILMS-${at}`)
    expect(numbers.map(find)).toEqual(numbers.map((_, at) => at + 3))
    expect(numbers.map(find)).toEqual(numbers.map((_, at) => at + 3))
  })
})

describe('text as bytes', () => {
  it('of one entry makes the same bytes in one batch as in two, whatever is null', async () => {
    const fields = [field('string')]
    for (const nulls of [[], [0], [1], [0, 1, 2, 3], [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [...Array(12).keys()]]) {
      for (const text of ['', 'one', 'x'.repeat(100)]) {
        const rows: Cell[][] = Array.from({ length: 12 }, (_, row) => [nulls.includes(row) ? null : text])
        const one = await writeParquetFile(fields, makeBatch(fields, rows))
        const two = await writeParquetFile(fields, [
          makeBatch(fields, rows.slice(0, 5)),
          makeBatch(fields, rows.slice(5)),
        ])
        expect(Buffer.compare(one.bytes, two.bytes)).toBe(0)
        const store = memoryStore({ objects: { file: one.bytes } })
        expect(await batchRows(readColumns(store, 'file', { fields }))).toEqual(rows)
      }
    }
  })

  it('makes the same file as text as strings', async () => {
    const fields = [field('string')]
    const cells = Array.from({ length: 500 }, (_, row) => (row % 9 === 0 ? null : `größe ${(row * 31) % 70}`))
    const strings = makeBatch(
      fields,
      cells.map(cell => [cell]),
    )
    const [column] = strings.columns
    if (column.kind !== 'text') throw new Error('not text')
    const bytes = textColumn(
      encodeTexts(['unused', ...column.values]),
      column.indices.map(index => index + 1),
      column.nulls,
    )
    expect(bytes.values.slice(1)).toEqual(column.values)
    const asBytes: ColumnBatch = { rows: strings.rows, columns: [bytes] }
    for (const options of [{}, { rowGroupBytes: 900 }, { rowGroupRows: 77, pageBytes: 64 }]) {
      const expected = await writeParquetFile(fields, strings, options)
      const found = await writeParquetFile(fields, asBytes, options)
      expect(Buffer.compare(found.bytes, expected.bytes)).toBe(0)
    }
  })
})
