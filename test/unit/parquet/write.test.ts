import { createHash } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetMetadata, parquetRead } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import type { ColumnBatch } from '../../../lib/columns.ts'
import type { Field } from '../../../lib/fields.ts'
import { writeParquet, writeParquetFile } from '../../../lib/parquet/write.ts'
import { type Cell, cutBatches, makeBatch } from '../../support/columns.ts'
import { batchSizes, type Table, table } from './arbitraries.ts'

const field = (name: string, kind: 'string' | 'bigint' | 'double' | 'integer', nullable = true): Field => ({
  id: 1 + name.charCodeAt(0),
  name,
  type: { kind },
  nullable,
})

/** What hyparquet's own reader makes of a file, its conversions to dates left out. */
async function readWithHyparquet(bytes: Uint8Array): Promise<unknown[][]> {
  const buffer = bytes.slice().buffer
  let rows: unknown[][] = []
  await parquetRead({
    file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
    compressors: { ZSTD: bytes => zstdDecompressSync(bytes) },
    parsers: { timestampFromMicroseconds: micros => micros, dateFromDays: days => days },
    onComplete: read => {
      rows = read
    },
  })
  return rows
}

/** The rows as that reader gives them: its decimals are floats. */
const expected = ({ fields, rows }: Table): unknown[][] =>
  rows.map(row =>
    row.map((value, at) => {
      const { type } = fields[at]
      return type.kind === 'decimal' && value !== null ? Number(value) * 10 ** -type.scale : value
    }),
  )

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** The engine's garbage collection, which what is really held can only be seen after. */
function exposeGc(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

describe('writeParquet', () => {
  it('writes what hyparquet reads, whatever the types, nulls and row groups', async () => {
    await fc.assert(
      fc.asyncProperty(table(), fc.integer({ min: 1, max: 70 }), async (given, rowGroupRows) => {
        const { fields, rows } = given
        const { bytes, summary } = await writeParquetFile(fields, makeBatch(fields, rows), {
          rowGroupRows,
          pageBytes: 64,
        })
        const read = await readWithHyparquet(bytes)
        expect(read.map(row => row.map(value => value ?? null))).toEqual(expected(given))
        expect(summary).toEqual({
          rows: rows.length,
          bytes: bytes.length,
          rowGroups: Math.ceil(rows.length / rowGroupRows),
          sha256: createHash('sha256').update(bytes).digest('hex'),
        })
      }),
      { numRuns: 150 },
    )
  })

  it('writes the same bytes however the rows come in batches', async () => {
    const limits = fc.record({
      rowGroupRows: fc.integer({ min: 1, max: 50 }),
      rowGroupBytes: fc.integer({ min: 1, max: 2000 }),
    })
    await fc.assert(
      fc.asyncProperty(table(), batchSizes, limits, async ({ fields, rows }, sizes, options) => {
        const whole = await writeParquetFile(fields, makeBatch(fields, rows), options)
        const cut = await collect(writeParquet({ fields, batches: cutBatches(fields, rows, sizes), ...options }).body)
        expect(Buffer.compare(cut, whole.bytes)).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it('does not let the entries of a dictionary show that no row uses', async () => {
    const fields = [field('a', 'string')]
    const column = (values: string[], indices: number[], nulls: number) => ({
      kind: 'text' as const,
      values,
      indices: Uint32Array.from(indices),
      nulls: Uint8Array.of(nulls),
    })
    const plain = await writeParquetFile(fields, { rows: 3, columns: [column(['x', 'y'], [0, 1, 0], 0b100)] })
    const spare = await writeParquetFile(fields, {
      rows: 3,
      columns: [column(['not used', 'y', 'x'], [2, 1, 0], 0b100)],
    })
    expect(spare.summary.sha256).toBe(plain.summary.sha256)
  })

  it('ends a row group with the row that reaches the bytes', async () => {
    const fields = [field('a', 'string'), field('b', 'bigint')]
    const rows: Cell[][] = Array.from({ length: 10 }, (_, at) => ['x'.repeat(8), BigInt(at)])
    const { metadata } = await writeParquetFile(fields, makeBatch(fields, rows), { rowGroupBytes: 41 })
    expect(metadata.row_groups.map(({ num_rows }) => num_rows)).toEqual([3n, 3n, 3n, 1n])
  })

  it('writes a valid file without rows', async () => {
    const fields = [field('a', 'string'), field('b', 'bigint', false)]
    const { bytes, summary, metadata } = await writeParquetFile(fields, [])
    expect(await readWithHyparquet(bytes)).toEqual([])
    expect(summary).toMatchObject({ rows: 0, rowGroups: 0, bytes: bytes.length })
    expect(metadata.schema).toHaveLength(3)
    const empty = await writeParquetFile(fields, [makeBatch(fields, [])])
    expect(empty.summary).toEqual(summary)
  })

  it('keeps -0 and NaN, and leaves NaN out of the bounds', async () => {
    const fields = [field('d', 'double')]
    const values = [0, -0, Number.NaN, 0, -0, 0, 0, 0, 0, 0, 0, 0]
    const { bytes } = await writeParquetFile(
      fields,
      makeBatch(
        fields,
        values.map(value => [value]),
      ),
    )
    expect(await readWithHyparquet(bytes)).toEqual(values.map(value => [value]))
    const { statistics } = parquetMetadata(bytes).row_groups[0].columns[0].meta_data!
    expect(statistics).toMatchObject({ min_value: -0, max_value: 0, null_count: 0n })
  })

  it('names its maker, and keeps key-value metadata', async () => {
    const { metadata } = await writeParquetFile([field('a', 'string')], [], { kvMetadata: { b: '1', a: '2' } })
    expect(metadata.created_by).toBe('studylake')
    expect(metadata.key_value_metadata).toEqual([
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
    ])
  })

  it('pulls no batch before it is asked, and none beyond the row group that it gives out', async () => {
    const fields = [field('a', 'integer')]
    let pulled = 0
    async function* batches() {
      for (let at = 0; at < 100; at++) {
        pulled++
        yield makeBatch(fields, [[at], [at + 1]])
      }
    }
    const { body, summary, metadata } = writeParquet({ fields, batches: batches(), rowGroupRows: 10 })
    expect(pulled).toBe(0)
    expect(() => summary()).toThrow(/not written to its end/)
    const iterator = body[Symbol.asyncIterator]()
    await iterator.next()
    expect(pulled).toBe(0)
    await iterator.next()
    expect(pulled).toBe(5)
    while (!(await iterator.next()).done);
    expect(summary()).toMatchObject({ rows: 200, rowGroups: 20 })
    expect(metadata().num_rows).toBe(200n)
  })

  it('describes its pages where there are several', async () => {
    const fields = [field('a', 'bigint')]
    const rows: Cell[][] = Array.from({ length: 100 }, (_, at) => [BigInt(at) << 40n])
    const { metadata } = await writeParquetFile(fields, makeBatch(fields, rows), { pageBytes: 4 })
    const [column] = metadata.row_groups[0].columns
    expect(column.column_index_length).toBeGreaterThan(0)
    expect(column.offset_index_length).toBeGreaterThan(0)
  })

  it.each<[RegExp, Field, ColumnBatch]>([
    [/a batch has 0 columns, the schema 1/, field('a', 'string'), { rows: 1, columns: [] }],
    [
      /column a: a batch holds int32 values, expected text/,
      field('a', 'string'),
      { rows: 1, columns: [{ kind: 'int32', values: Int32Array.of(1) }] },
    ],
    [
      /column a: a batch of 2 rows holds 1 values/,
      field('a', 'integer'),
      { rows: 2, columns: [{ kind: 'int32', values: Int32Array.of(1) }] },
    ],
    [
      /column a, row 4: null, but the column is not nullable/,
      field('a', 'integer', false),
      { rows: 2, columns: [{ kind: 'int32', values: Int32Array.of(1, 0), nulls: Uint8Array.of(2) }] },
    ],
  ])('refuses a batch that does not fit: %s', async (message, given, batch) => {
    const before = makeBatch(
      [given],
      [[given.type.kind === 'string' ? 'x' : 1], [given.type.kind === 'string' ? 'y' : 2]],
    )
    await expect(writeParquetFile([given], [before, batch])).rejects.toThrow(message)
  })

  it('takes a bitmap without nulls for a column that has none', async () => {
    const given = field('a', 'integer', false)
    const column = { kind: 'int32' as const, values: Int32Array.of(1), nulls: Uint8Array.of(0b10) }
    const { summary } = await writeParquetFile([given], { rows: 1, columns: [column] })
    expect(summary.rows).toBe(1)
  })

  it('needs no more memory for more rows', async () => {
    const fields = [field('a', 'string'), field('b', 'bigint')]
    const rows = 8192
    const values = Array.from({ length: 500 }, (_, at) => `value ${at}`)
    const numbers = BigInt64Array.from({ length: rows }, (_, at) => BigInt(at))
    const indices = Uint32Array.from({ length: rows }, (_, at) => at % values.length)
    async function* batches(count: number) {
      // Fresh arrays for each batch: a writer that kept them would show.
      for (let at = 0; at < count; at++)
        yield {
          rows,
          columns: [
            { kind: 'text', values: values.slice(), indices: indices.slice() },
            { kind: 'int64', values: numbers.slice() },
          ],
        } satisfies ColumnBatch
    }
    const collectGarbage = exposeGc()
    const held: number[] = []
    const { body, summary } = writeParquet({ fields, batches: batches(240), rowGroupRows: 32_768 })
    let chunks = 0
    for await (const _ of body) {
      if (chunks++ % 4 !== 0) continue
      collectGarbage()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      held.push(heapUsed + arrayBuffers)
    }
    expect(summary().rows).toBe(1_966_080)
    expect(held.length).toBeGreaterThan(10)
    // The arrays of all batches together are 24 MB, and the strings of their dictionaries come on top.
    const early = Math.max(...held.slice(0, 4))
    expect(Math.max(...held.slice(4)) - early).toBeLessThan(4 * 2 ** 20)
  })
})
