import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { ByteWriter } from 'hyparquet-writer'
import { deltaBinaryPack } from 'hyparquet-writer/src/delta.js'
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js'
import { snappyCompress } from 'hyparquet-writer/src/snappy.js'
import { describe, expect, it } from 'vitest'
import { type Column, isNull } from '../../../lib/columns.ts'
import type { FieldType } from '../../../lib/fields.ts'
import { chunkExtent, type ParquetMetadata, parseFooter } from '../../../lib/parquet/footer.ts'
import { type ChunkSource, decodeForeignChunk } from '../../../lib/parquet/pages.ts'
import { expandColumn, type IndexedColumn, readChunk } from '../../../lib/parquet/read-chunk.ts'
import { unpackDeltas } from '../../../lib/parquet/read-deltas.ts'
import { readLevels, unpackHybrid } from '../../../lib/parquet/read-hybrid.ts'
import { inflate } from '../../../lib/parquet/read-pages.ts'
import { unpackSnappy } from '../../../lib/parquet/read-snappy.ts'
import { footerFields, topLevelElements } from '../../../lib/parquet/schema.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { columnCells, makeBatch } from '../../support/columns.ts'
import { table } from './arbitraries.ts'

/** All column chunks of a file; types as declared, or as the file has them. */
function chunksOf(bytes: Uint8Array, metadata: ParquetMetadata, types?: FieldType[]): ChunkSource[] {
  const elements = topLevelElements(metadata)
  const declared = types ?? footerFields(metadata).map(({ type }) => type!)
  return metadata.row_groups
    .filter(({ num_rows }) => num_rows > 0n)
    .flatMap(group =>
      declared.map((type, index): ChunkSource => {
        const { at, element } = elements[index]
        const { start, end } = chunkExtent(group.columns[at], 'the file')
        return {
          bytes: bytes.slice(start, end),
          element,
          meta: group.columns[at].meta_data!,
          type,
          rows: Number(group.num_rows),
        }
      }),
    )
}

/** The cells of a column as it is stored, taken one by one. */
function indexedCells({ rows, nulls, entries, indices, count }: IndexedColumn) {
  const all = columnCells(
    entries.kind === 'text'
      ? { ...entries, values: entries.values, indices: Uint32Array.from({ length: count }, (_, at) => at) }
      : entries,
    count,
  )
  return Array.from({ length: rows }, (_, row) => {
    if (nulls && isNull({ nulls } as Column, row)) return null
    return all[indices ? indices[row] : row]
  })
}

describe('a column chunk', () => {
  it('is read as hyparquet reads it, whatever the types, nulls, pages and row groups', async () => {
    const shape = fc.record({ rowGroupRows: fc.integer({ min: 1, max: 70 }), pageBytes: fc.constantFrom(16, 64, 4096) })
    await fc.assert(
      fc.asyncProperty(table(), shape, async ({ fields, rows }, options) => {
        const { bytes, metadata } = await writeParquetFile(fields, makeBatch(fields, rows), options)
        const types = fields.map(({ type }) => type)
        for (const chunk of chunksOf(bytes, metadata, types)) {
          const expected = columnCells(decodeForeignChunk(chunk), chunk.rows)
          const read = readChunk(chunk)
          if (!read) continue
          expect(indexedCells(read)).toEqual(expected)
          const expanded = expandColumn(read)
          expect(columnCells(expanded, chunk.rows)).toEqual(expected)
          if (expanded.kind === 'text') expect(new Set(expanded.values).size).toBe(expanded.values.length)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('of this project’s writer is read without hyparquet, but for long decimals', async () => {
    const fields = (['string', 'integer', 'bigint', 'double', 'boolean', 'date', 'timestamp', 'time'] as const).map(
      (kind, at) => ({ id: at + 1, name: kind, type: { kind }, nullable: at % 2 === 0 }),
    )
    const rows = Array.from({ length: 100 }, (_, row) => [
      `text ${row % 9}`,
      row * 3,
      BigInt(row % 4),
      row / 7,
      row % 3 === 0,
      row,
      BigInt(row) * 86_400_000_000n,
      BigInt(row),
    ])
    const { bytes, metadata } = await writeParquetFile(fields, makeBatch(fields, rows))
    for (const chunk of chunksOf(bytes, metadata)) expect(readChunk(chunk)).toBeDefined()
  })

  it.each(['v1-gzip', 'v2-zstd', 'v1-brotli-plain', 'v2-none-delta', 'v1-snappy-pages', 'empty-groups'])(
    'of the pyarrow file %s is read as hyparquet reads it',
    async name => {
      const bytes = new Uint8Array(await readFile(join(import.meta.dirname, 'fixtures', `${name}.parquet`)))
      let read = 0
      for (const chunk of chunksOf(bytes, parseFooter(bytes))) {
        const column = readChunk(chunk)
        if (!column) continue
        read++
        expect(indexedCells(column)).toEqual(columnCells(decodeForeignChunk(chunk), chunk.rows))
      }
      expect(read).toBeGreaterThan(0)
    },
  )

  it('whose 32-bit integers are read as 64-bit ones keeps them', async () => {
    const fields = [{ id: 1, name: 'a', type: { kind: 'integer' } as const, nullable: true }]
    for (const value of [
      (row: number) => row % 3,
      (row: number) => row * 1000 - 50_000,
      (row: number) => (row * 7919) | 0,
    ]) {
      const rows = Array.from({ length: 90 }, (_, row) => [row % 10 === 3 ? null : value(row)])
      const { bytes, metadata } = await writeParquetFile(fields, makeBatch(fields, rows))
      const [chunk] = chunksOf(bytes, metadata, [{ kind: 'bigint' }])
      expect(indexedCells(readChunk(chunk)!)).toEqual(rows.map(([cell]) => (cell === null ? null : BigInt(cell!))))
    }
  })
})

describe('damage', () => {
  async function smallChunks(): Promise<ChunkSource[]> {
    const fields = (['string', 'bigint', 'integer', 'double', 'boolean'] as const).map((kind, at) => ({
      id: at + 1,
      name: kind,
      type: { kind },
      nullable: true,
    }))
    const rows = Array.from({ length: 40 }, (_, row) => [
      row % 5 === 0 ? null : `t${row % 4}`,
      BigInt(row * row),
      row % 3,
      row / 3,
      row % 7 === 0 ? null : row % 2 === 0,
    ])
    const { bytes, metadata } = await writeParquetFile(fields, makeBatch(fields, rows), { pageBytes: 32 })
    const names = ['v1-snappy-pages', 'v2-none-delta']
    const foreign = await Promise.all(
      names.map(async name => new Uint8Array(await readFile(join(import.meta.dirname, 'fixtures', `${name}.parquet`)))),
    )
    return [bytes, ...foreign].flatMap((file, at) => {
      const chunks = chunksOf(file, at === 0 ? metadata : parseFooter(file))
      return at === 0 ? chunks : chunks.slice(0, 3)
    })
  }

  it('in any one place of a chunk ends in an error or in as many rows', async () => {
    let failed = 0
    for (const chunk of await smallChunks()) {
      const step = Math.max(1, Math.floor(chunk.bytes.length / 150))
      for (let at = 0; at < chunk.bytes.length; at += step) {
        for (const flip of [0x01, 0x10, 0x80, 0xff]) {
          const bytes = chunk.bytes.slice()
          bytes[at] ^= flip
          try {
            expect(readChunk({ ...chunk, bytes })?.rows ?? chunk.rows).toBe(chunk.rows)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
            failed++
          }
        }
      }
    }
    expect(failed).toBeGreaterThan(100)
  })

  it('by cutting a chunk anywhere is an error', async () => {
    for (const chunk of await smallChunks()) {
      const step = Math.max(1, Math.floor(chunk.bytes.length / 60))
      for (let end = 0; end < chunk.bytes.length; end += step)
        expect(() => readChunk({ ...chunk, bytes: chunk.bytes.subarray(0, end) })).toThrow()
    }
  })

  it('of a footer that promises other rows is an error', async () => {
    for (const chunk of await smallChunks())
      for (const rows of [chunk.rows - 1, chunk.rows + 1, 2 ** 40])
        expect(() => readChunk({ ...chunk, rows })).toThrow()
  })
})

describe('the RLE and bit-packing hybrid', () => {
  // hyparquet-writer packs values of more bits wrongly: it shifts them out of 32.
  const input = fc
    .integer({ min: 0, max: 24 })
    .chain(bits => fc.tuple(fc.constant(bits), fc.array(fc.nat(2 ** bits - 1), { minLength: 1, maxLength: 100 })))

  function encode(bits: number, values: number[]): Uint8Array {
    const writer = new ByteWriter()
    writeRleBitPackedHybrid(writer, values, bits)
    return writer.getBytes()
  }

  it('gives what was put in', () => {
    fc.assert(
      fc.property(input, ([bits, values]) => {
        const bytes = encode(bits, values)
        const out = new Uint32Array(values.length + 2)
        unpackHybrid({ bytes, at: 0, end: bytes.length }, bits, out, 1, values.length)
        expect([...out]).toEqual([0, ...values, 0])
      }),
    )
  })

  it('ends in an error, or in values, wherever it is cut and whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), fc.nat(500), (bytes, bits, count) => {
        for (let end = 0; end <= bytes.length; end++) {
          const nulls = new Uint8Array(Math.ceil(count / 8))
          for (const read of [
            () => unpackHybrid({ bytes, at: 0, end }, bits, new Uint32Array(count), 0, count),
            () => readLevels({ bytes, at: 0, end }, nulls, 0, count),
            () => unpackDeltas({ bytes, at: 0, end }, new Float64Array(count), 0, count),
            () => unpackSnappy(bytes.subarray(0, end), count),
          ]) {
            try {
              read()
            } catch (error) {
              expect(error).toBeInstanceOf(Error)
            }
          }
        }
      }),
    )
  })

  it('refuses indices of more than 32 bits and numbers without end', () => {
    const bytes = new Uint8Array(20).fill(0xff)
    expect(() => unpackHybrid({ bytes, at: 0, end: 20 }, 33, new Uint32Array(1), 0, 1)).toThrow('33 bits')
    expect(() => unpackHybrid({ bytes, at: 0, end: 20 }, 3, new Uint32Array(1), 0, 1)).toThrow('more than 32 bits')
    expect(() =>
      unpackDeltas({ bytes: Uint8Array.of(8, 1, 1, ...bytes), at: 0, end: 23 }, new Int32Array(1), 0, 1),
    ).toThrow('more than 64 bits')
  })
})

describe('differences', () => {
  it('give what was put in, or say that it is too large', () => {
    const values = fc.array(
      fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -1000n, max: 1000n })),
      { minLength: 1, maxLength: 300 },
    )
    const small = fc.array(fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }), { minLength: 1, maxLength: 300 })
    let exact = 0
    fc.assert(
      fc.property(fc.oneof(values, small), given => {
        const writer = new ByteWriter()
        deltaBinaryPack(writer, BigInt64Array.from(given), 'INT64')
        const bytes = writer.getBytes()
        const out = new Float64Array(given.length)
        if (!unpackDeltas({ bytes, at: 0, end: bytes.length }, out, 0, given.length)) return
        exact++
        expect([...out]).toEqual(given.map(Number))
      }),
    )
    expect(exact).toBeGreaterThan(0)
  })
})

describe('compression', () => {
  it('of Snappy is undone', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2), { maxLength: 400 }), bytes => {
        const plain = Uint8Array.from(bytes)
        expect(unpackSnappy(snappyCompress(plain), plain.length)).toEqual(plain)
      }),
    )
  })

  it('never gives more than is expected', () => {
    const bomb = zstdCompressSync(new Uint8Array(50_000_000))
    expect(() => inflate(bomb, 'ZSTD', 100)).toThrow()
    expect(() => inflate(zstdCompressSync(new Uint8Array(50)), 'ZSTD', 100)).toThrow('a page of 50 bytes, expected 100')
    expect(() => inflate(bomb, 'LZO', 100)).toThrow('compression LZO is not known')
  })
})
