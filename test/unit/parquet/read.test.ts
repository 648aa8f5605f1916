import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { readFooter } from '../../../lib/parquet/footer.ts'
import { readColumns, readRows } from '../../../lib/parquet/read.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { batchRows, type Cell, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { table } from './arbitraries.ts'

const key = 'data/s/raw/dm/abc.parquet'
const integer = (id: number, name: string): Field => ({ id, name, type: { kind: 'integer' }, nullable: true })

/** A file of `rows` rows with a wide text column between two narrow ones. */
async function wideFile(rows: number, rowGroupRows: number) {
  const fields: Field[] = [
    integer(1, 'a'),
    { id: 2, name: 'wide', type: { kind: 'string' }, nullable: true },
    integer(3, 'c'),
  ]
  let state = 1
  const noise = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state.toString(36)
  }
  const cells: Cell[][] = Array.from({ length: rows }, (_, row) => [
    row,
    Array.from({ length: 20 }, noise).join(''),
    row * 3,
  ])
  const { bytes, metadata } = await writeParquetFile(fields, makeBatch(fields, cells), { rowGroupRows })
  return { fields, cells, bytes, metadata, store: memoryStore({ objects: { [key]: bytes } }) }
}

describe('readColumns', () => {
  it('gives back exactly what was written, one batch a row group', async () => {
    await fc.assert(
      fc.asyncProperty(table(), fc.integer({ min: 1, max: 70 }), async ({ fields, rows }, rowGroupRows) => {
        const { bytes, summary } = await writeParquetFile(fields, makeBatch(fields, rows), {
          rowGroupRows,
          pageBytes: 64,
        })
        const store = memoryStore({ objects: { [key]: bytes } })
        const batches = await Array.fromAsync(readColumns(store, key, { fields }))
        expect(batches).toHaveLength(summary.rowGroups)
        expect(await batchRows(batches)).toEqual(rows)
      }),
      { numRuns: 150 },
    )
  })

  it('gives columns in the order that it is asked for, each text once in its dictionary', async () => {
    const { fields, cells, store } = await wideFile(100, 40)
    const [a, wide, c] = fields
    const batches = await Array.fromAsync(readColumns(store, key, { fields: [c, wide, a] }))
    expect(await batchRows(batches)).toEqual(cells.map(([first, text, last]) => [last, text, first]))
    for (const { columns } of batches) {
      const [, text] = columns
      if (text.kind !== 'text') throw new Error('expected text')
      expect(new Set(text.values).size).toBe(text.values.length)
    }
    expect(await Array.fromAsync(readColumns(store, key, { fields: [] }), batch => batch.rows)).toEqual([40, 40, 20])
  })

  it('reads only the bytes of its columns, near ones in one range, and a row group only when it is pulled', async () => {
    const { fields, store, bytes, metadata } = await wideFile(6000, 2000)
    const [a, wide, c] = fields
    const gets = () => store.calls.filter(({ method }) => method === 'get')
    const size = (start: number, end: number) => end - start

    store.calls.length = 0
    for await (const _ of readColumns(store, key, { fields: [a, c], metadata })) break
    expect(gets()).toHaveLength(2)
    expect(gets().reduce((sum, { start, end }) => sum + size(start!, end!), 0)).toBeLessThan(bytes.length / 10)

    store.calls.length = 0
    await Array.fromAsync(readColumns(store, key, { fields: [a, wide], metadata }))
    expect(gets()).toHaveLength(3)

    store.calls.length = 0
    await Array.fromAsync(readColumns(store, key, { fields: [a], size: bytes.length }))
    expect(store.calls.map(({ method }) => method)).toEqual(['get', 'get', 'get', 'get'])
  })

  it('reads a type that was widened since', async () => {
    const narrow: Field[] = [
      integer(1, 'n'),
      { id: 2, name: 'd', type: { kind: 'decimal', precision: 9, scale: 2 }, nullable: true },
      { id: 3, name: 'e', type: { kind: 'decimal', precision: 18, scale: 2 }, nullable: true },
    ]
    const { bytes } = await writeParquetFile(
      narrow,
      makeBatch(narrow, [
        [-5, -123, -4n],
        [null, 7, null],
      ]),
    )
    const store = memoryStore({ objects: { [key]: bytes } })
    const wide: Field[] = [
      { ...narrow[0], type: { kind: 'bigint' } },
      { ...narrow[1], type: { kind: 'decimal', precision: 12, scale: 2 } },
      { ...narrow[2], type: { kind: 'decimal', precision: 38, scale: 2 } },
    ]
    expect(await batchRows(readColumns(store, key, { fields: wide }))).toEqual([
      [-5n, -123n, -4n],
      [null, 7n, null],
    ])
    await expect(batchRows(readColumns(store, key, { fields: [{ ...wide[0], id: 2 }] }))).rejects.toThrow(
      `s3://lake/${key}, column n: is decimal(9,2) in the file, expected bigint`,
    )
    const otherScale: Field = { ...narrow[1], type: { kind: 'decimal', precision: 12, scale: 3 } }
    await expect(batchRows(readColumns(store, key, { fields: [otherScale] }))).rejects.toThrow(
      /expected decimal\(12,3\)/,
    )
  })

  it('names the file and the column that is not there', async () => {
    const { store } = await wideFile(3, 3)
    await expect(batchRows(readColumns(store, key, { fields: [integer(9, 'AGE')] }))).rejects.toThrow(
      `s3://lake/${key} has no column AGE (field id 9)`,
    )
  })

  it('names the type where it is none that can be declared', async () => {
    const { store, metadata, fields } = await wideFile(3, 3)
    const schema = metadata.schema.map(element =>
      element.field_id === 1 ? { ...element, type: 'FLOAT' as const } : element,
    )
    const read = readColumns(store, key, { fields: [fields[0]], metadata: { ...metadata, schema } })
    await expect(batchRows(read)).rejects.toThrow(/column a: is of another type in the file, expected integer/)
  })

  it('names the file and the column of damaged pages', async () => {
    const { fields, bytes, metadata } = await wideFile(50, 50)
    const message = `s3://lake/${key}, column a: the column chunk cannot be read`
    let refused = 0
    for (let at = 4; at < 40; at++) {
      const damaged = bytes.slice()
      damaged.fill(0xff, at, at + 30)
      const store = memoryStore({ objects: { [key]: damaged } })
      // Pages carry no checksum: damage within plain values passes, all else must be met with the same words.
      const outcome = await batchRows(readColumns(store, key, { fields: [fields[0]], metadata })).catch(error => error)
      if (outcome instanceof Error) {
        refused++
        expect(outcome.message).toBe(message)
      }
    }
    expect(refused).toBeGreaterThan(20)
  })

  it('refuses row groups whose footer and pages disagree on the rows', async () => {
    const { fields, store, metadata } = await wideFile(50, 50)
    for (const num_rows of [49n, 51n]) {
      const changed = { ...metadata, row_groups: metadata.row_groups.map(group => ({ ...group, num_rows })) }
      const read = batchRows(readColumns(store, key, { fields: [fields[0]], metadata: changed }))
      await expect(read).rejects.toThrow(/column a: the column chunk cannot be read/)
    }
  })

  it('refuses a file that has become shorter than its footer says', async () => {
    const { fields, bytes, metadata } = await wideFile(50, 50)
    const store = memoryStore({ objects: { [key]: bytes.slice(0, 100) } })
    await expect(batchRows(readColumns(store, key, { fields, metadata }))).rejects.toThrow(
      /shorter than its footer says/,
    )
  })

  it('skips an empty row group', async () => {
    const { fields, store, metadata, cells } = await wideFile(5, 5)
    const [group] = metadata.row_groups
    const changed = { ...metadata, row_groups: [{ ...group, num_rows: 0n }, group] }
    expect(await batchRows(readColumns(store, key, { fields, metadata: changed }))).toEqual(cells)
  })
})

describe('readRows', () => {
  it('gives the first rows, over row groups, and reads no further', async () => {
    const { fields, cells, store } = await wideFile(100, 10)
    const metadata = await readFooter(store, key)
    store.calls.length = 0
    expect(await readRows(store, key, { fields, metadata, limit: 15 })).toEqual(cells.slice(0, 15))
    expect(store.calls).toHaveLength(2)
    expect(await readRows(store, key, { fields, metadata, limit: 1000 })).toEqual(cells)
    expect(await readRows(store, key, { fields, metadata, limit: 0 })).toEqual([])
  })

  it('shows every type as people write it', async () => {
    const fields: Field[] = (
      [
        { kind: 'decimal', precision: 5, scale: 2 },
        { kind: 'decimal', precision: 38, scale: 0 },
        { kind: 'bigint' },
        { kind: 'date' },
        { kind: 'timestamp' },
        { kind: 'time' },
        { kind: 'boolean' },
      ] as const
    ).map((type, at) => ({ id: at + 1, name: `c${at}`, type, nullable: true }))
    const rows: Cell[][] = [
      [-5, -(10n ** 37n), 2n ** 53n, 0, -1n, 0n, true],
      [12_345, 0n, 5n, -1, 1_000_000n, 86_399_999_999n, false],
      [null, null, null, 2_000_000_000, 253_402_300_800_000_000n, null, null],
    ]
    const { bytes } = await writeParquetFile(fields, makeBatch(fields, rows))
    const store = memoryStore({ objects: { [key]: bytes } })
    expect(await readRows(store, key, { fields, limit: 9 })).toEqual([
      ['-0.05', `-1${'0'.repeat(37)}`, 2n ** 53n, '1970-01-01', '1969-12-31T23:59:59.999999', '00:00:00', true],
      ['123.45', '0', 5, '1969-12-31', '1970-01-01T00:00:01', '23:59:59.999999', false],
      [null, null, null, 'day 2000000000', '+010000-01-01T00:00:00', null, null],
    ])
  })
})
