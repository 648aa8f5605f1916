import fc from 'fast-check'
import { ByteWriter } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { type ColumnMetrics, columnMetrics, parseFooter } from '../../../lib/parquet/footer.ts'
import { readBigEndian, writeBigEndian } from '../../../lib/parquet/metrics.ts'
import {
  readThrift,
  setField,
  structField,
  structList,
  type ThriftStruct,
  thriftType,
  writeThrift,
} from '../../../lib/parquet/thrift.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { type Cell, makeBatch } from '../../support/columns.ts'
import { table } from './arbitraries.ts'

async function metricsOf(
  type: FieldType,
  cells: Cell[],
  { rowGroupRows = 3, nullable = true } = {},
): Promise<ColumnMetrics> {
  const fields: Field[] = [{ id: 5, name: 'x', type, nullable }]
  const { metadata } = await writeParquetFile(
    fields,
    makeBatch(
      fields,
      cells.map(cell => [cell]),
    ),
    { rowGroupRows },
  )
  return columnMetrics(metadata, fields).get(5)!
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')
const bounds = ({ lower, upper }: ColumnMetrics) => [hex(lower), hex(upper)]
const text = ({ lower, upper }: ColumnMetrics) => [lower, upper].map(bytes => bytes && Buffer.from(bytes).toString())

/** Reads a bound back, as the specification's appendix D says. */
function readBound(bytes: Uint8Array, type: FieldType): Cell {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type.kind) {
    case 'string':
      return Buffer.from(bytes).toString()
    case 'boolean':
      return bytes[0] === 1
    case 'double':
      return view.getFloat64(0, true)
    case 'decimal':
      return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex(bytes)}`))
    case 'integer':
    case 'date':
      expect(bytes).toHaveLength(4)
      return view.getInt32(0, true)
    default:
      expect(bytes).toHaveLength(8)
      return view.getBigInt64(0, true)
  }
}

/** Below 0 where a comes first; text by its UTF-8 bytes. */
function compare(a: Cell, b: Cell): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a! < b! ? -1 : a! > b! ? 1 : 0
}

describe('columnMetrics', () => {
  it('bounds every value, exactly but for long text', async () => {
    await fc.assert(
      fc.asyncProperty(table(), fc.integer({ min: 1, max: 70 }), async ({ fields, rows }, rowGroupRows) => {
        const { metadata, bytes } = await writeParquetFile(fields, makeBatch(fields, rows), { rowGroupRows })
        const metrics = columnMetrics(parseFooter(bytes), fields)
        for (const [at, { id, type }] of fields.entries()) {
          const { columnSize, valueCount, nullCount, nanCount, lower, upper } = metrics.get(id)!
          const cells = rows.map(row => row[at])
          const nans = cells.filter(cell => Number.isNaN(cell)).length
          const values = cells.filter(cell => cell !== null && !Number.isNaN(cell)).sort(compare)
          expect(valueCount).toBe(rows.length)
          expect(nullCount).toBe(cells.filter(cell => cell === null).length)
          expect(nanCount).toBe(type.kind === 'double' ? nans : undefined)
          expect(columnSize).toBe(
            metadata.row_groups.reduce(
              (sum, { columns }) => sum + Number(columns[at].meta_data!.total_compressed_size),
              0,
            ),
          )
          // A row group of NaNs alone has no bounds, and then the column has none.
          if (values.length === 0) expect([lower, upper]).toEqual([undefined, undefined])
          else if (lower && upper) {
            const [least, most] = [readBound(lower, type), readBound(upper, type)]
            const [first, last] = [values[0], values.at(-1)!]
            if (type.kind === 'string') {
              expect(compare(least, first)).toBeLessThanOrEqual(0)
              expect(compare(most, last)).toBeGreaterThanOrEqual(0)
              expect([...(least as string)].length).toBeLessThanOrEqual(16)
              expect([...(most as string)].length).toBeLessThanOrEqual(16)
            } else {
              expect(Number(least)).toBe(type.kind === 'double' && first === 0 ? -0 : Number(first))
              expect(Number(most)).toBe(type.kind === 'double' && last === 0 ? 0 : Number(last))
            }
          } else expect(nans > 0 || type.kind === 'string').toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('serializes bounds as the specification says', async () => {
    expect(bounds(await metricsOf({ kind: 'integer' }, [1, -2, 3, 300]))).toEqual(['feffffff', '2c010000'])
    expect(bounds(await metricsOf({ kind: 'bigint' }, [2n ** 62n, -1n]))).toEqual([
      'ffffffffffffffff',
      '0000000000000040',
    ])
    expect(bounds(await metricsOf({ kind: 'boolean' }, [true, true, true, false]))).toEqual(['00', '01'])
    expect(bounds(await metricsOf({ kind: 'double' }, [1.5, 0]))).toEqual(['0000000000000080', '000000000000f83f'])
    expect(bounds(await metricsOf({ kind: 'date' }, [0, -1]))).toEqual(['ffffffff', '00000000'])
    expect(bounds(await metricsOf({ kind: 'time' }, [0n, 255n]))).toEqual(['0000000000000000', 'ff00000000000000'])
    for (const [precision, cells] of [
      [9, [128, -129, 0, 1]],
      [18, [128n, -129n, 0n, 1n]],
      [38, [128n, -129n, 0n, 1n]],
    ] as const)
      expect(bounds(await metricsOf({ kind: 'decimal', precision, scale: 2 }, [...cells]))).toEqual(['ff7f', '0080'])
  })

  it('cuts text after 16 code points, and rounds the upper bound up', async () => {
    const string = { kind: 'string' } as const
    expect(text(await metricsOf(string, ['abc', 'abd']))).toEqual(['abc', 'abd'])
    expect(text(await metricsOf(string, ['x'.repeat(16)]))).toEqual(['x'.repeat(16), 'x'.repeat(16)])
    expect(text(await metricsOf(string, ['x'.repeat(17)]))).toEqual(['x'.repeat(16), `${'x'.repeat(15)}y`])
    expect(text(await metricsOf(string, ['😀'.repeat(40)]))).toEqual(['😀'.repeat(16), `${'😀'.repeat(15)}😁`])
    const last = '\u{10ffff}'
    expect(text(await metricsOf(string, [`a${last.repeat(20)}`]))).toEqual([`a${last.repeat(15)}`, 'b'])
    expect(text(await metricsOf(string, [`${'a'.repeat(15)}\ud7ff!`]))[1]).toBe(`${'a'.repeat(15)}\ue000`)
    expect(text(await metricsOf(string, [last.repeat(20)]))).toEqual([last.repeat(16), undefined])
    expect(text(await metricsOf(string, ['', '\ufeffx']))).toEqual(['', '\ufeffx'])
  })

  it('has no bounds where all is null or NaN, and looks past row groups of nulls', async () => {
    const nulls = await metricsOf({ kind: 'bigint' }, [null, null])
    expect(nulls).toEqual({ columnSize: nulls.columnSize, valueCount: 2, nullCount: 2 })
    expect(bounds(await metricsOf({ kind: 'integer' }, [null, null, null, 1]))).toEqual(['01000000', '01000000'])
    expect(bounds(await metricsOf({ kind: 'double' }, [Number.NaN, 1], { rowGroupRows: 1 }))).toEqual([
      undefined,
      undefined,
    ])
    expect(await metricsOf({ kind: 'integer' }, [])).toEqual({ columnSize: 0, valueCount: 0, nullCount: 0 })
    expect(await metricsOf({ kind: 'integer' }, [1], { nullable: false })).toMatchObject({ nullCount: 0 })
  })

  it('leaves out what the file does not have', async () => {
    const fields: Field[] = [{ id: 5, name: 'x', type: { kind: 'integer' }, nullable: true }]
    const { metadata } = await writeParquetFile(fields, makeBatch(fields, [[1]]))
    expect(columnMetrics(metadata, [{ ...fields[0], id: 6 }]).size).toBe(0)
  })
})

describe('columnMetrics of other writers', () => {
  const field = (type: FieldType): Field => ({ id: 5, name: 'x', type, nullable: true })

  /** The metrics of a file of one value whose statistics are changed. */
  async function changed(type: FieldType, cell: Cell, change: (statistics: ThriftStruct, chunk: ThriftStruct) => void) {
    const { metadata } = await writeParquetFile([field(type)], makeBatch([field(type)], [[cell]]))
    const footer = readThrift(metadata.raw)
    const chunk = structField(structList(structList(footer, 4)[0], 1)[0], 3)!
    change(structField(chunk, 12)!, chunk)
    const writer = new ByteWriter()
    writeThrift(writer, footer)
    return columnMetrics({ ...metadata, raw: writer.getBytes() }, [field(type)]).get(5)
  }
  const setMax = (value: Uint8Array) => (statistics: ThriftStruct) =>
    setField(statistics, { id: 5, type: thriftType.binary, value })

  it('have no bound that is cut within a character, is NaN, or is of a wrong length', async () => {
    const wrong: [FieldType, Cell, Uint8Array][] = [
      [{ kind: 'string' }, 'a', Uint8Array.of(0x61, 0xc3)],
      [{ kind: 'double' }, 1, new Uint8Array(new Float64Array([Number.NaN]).buffer)],
      [{ kind: 'double' }, 1, Uint8Array.of(1)],
      [{ kind: 'integer' }, 1, Uint8Array.of(1)],
      [{ kind: 'bigint' }, 1n, Uint8Array.of(1)],
      [{ kind: 'boolean' }, true, Uint8Array.of()],
      [{ kind: 'decimal', precision: 20, scale: 0 }, 1n, Uint8Array.of()],
    ]
    for (const [type, cell, max] of wrong) {
      const metrics = await changed(type, cell, setMax(max))
      expect(metrics!.lower).toBeDefined()
      expect(metrics!.upper).toBeUndefined()
    }
  })

  it('are left out where the file does not count its nulls', async () => {
    const dropped = await changed({ kind: 'integer' }, 1, (_, chunk) => {
      chunk.fields = chunk.fields.filter(({ id }) => id !== 12)
    })
    expect(dropped).toBeUndefined()
    const inserted = await changed({ kind: 'integer' }, 1, statistics => {
      statistics.fields = statistics.fields.filter(({ id }) => id !== 3)
      setField(statistics, { id: 3, type: thriftType.i64, value: 0n })
    })
    expect(inserted).toMatchObject({ nullCount: 0 })
  })
})

describe('readBigEndian', () => {
  it('reads what writeBigEndian writes, in the fewest bytes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), value => {
        const bytes = writeBigEndian(value)
        expect(readBigEndian(bytes)).toBe(value)
        expect(BigInt.asIntN(bytes.length * 8 - 8, value) === value && bytes.length > 1).toBe(false)
      }),
    )
    expect(readBigEndian(new Uint8Array(0))).toBe(0n)
    expect(hex(writeBigEndian(0n))).toBe('00')
  })
})
