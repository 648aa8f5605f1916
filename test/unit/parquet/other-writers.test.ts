import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { columnMetrics, readFooter } from '../../../lib/parquet/footer.ts'
import { readColumns, readRows } from '../../../lib/parquet/read.ts'
import { footerFields } from '../../../lib/parquet/schema.ts'
import { batchRows, type Cell } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'

// The rows that fixtures/make.py wrote.
const columns: [string, FieldType, (i: number) => Cell][] = [
  ['text', { kind: 'string' }, i => `text ${i % 7}${i % 2 ? 'ä😀' : ''}`],
  ['integer', { kind: 'integer' }, i => i * 1000 - 50_000],
  ['bigint', { kind: 'bigint' }, i => BigInt(i - 100) * 9_007_199_254_740_993n],
  ['dec9', { kind: 'decimal', precision: 9, scale: 2 }, i => i * 10_001 - 999_999],
  ['dec18', { kind: 'decimal', precision: 18, scale: 4 }, i => BigInt(i - 100) * 9_007_199_254_740_993n],
  ['dec38', { kind: 'decimal', precision: 38, scale: 10 }, i => BigInt(i - 100) * (10n ** 35n + 7n)],
  ['double', { kind: 'double' }, i => i / 7 - 3],
  ['boolean', { kind: 'boolean' }, i => i % 3 === 0],
  ['date', { kind: 'date' }, i => i * 100 - 9000],
  ['timestamp', { kind: 'timestamp' }, i => BigInt(i - 100) * 86_400_000_001n],
  ['time', { kind: 'time' }, i => BigInt(i) * 431_999_999n],
]
const fields: Field[] = columns.map(([name, type], at) => ({ id: at + 1, name, type, nullable: name !== 'integer' }))
const rows = Array.from({ length: 200 }, (_, i) =>
  columns.map(([name, , value]) => (i % 5 === 0 && name !== 'integer' ? null : value(i))),
)

const files = ['v1-gzip', 'v2-zstd', 'v1-brotli-plain', 'v2-none-delta', 'v1-snappy-pages']

describe.each(files)('pyarrow file %s', name => {
  const load = async () => {
    const bytes = await readFile(join(import.meta.dirname, 'fixtures', `${name}.parquet`))
    return memoryStore({ objects: { [name]: new Uint8Array(bytes) } })
  }

  it('is read exactly', async () => {
    expect(await batchRows(readColumns(await load(), name, { fields }))).toEqual(rows)
  })

  it('has the declared fields in its footer', async () => {
    expect(footerFields(await readFooter(await load(), name))).toEqual(fields)
  })

  it('gives bounds and counts', async () => {
    const metrics = columnMetrics(await readFooter(await load(), name), fields)
    const int = (value: number) => new Uint8Array(Int32Array.of(value).buffer)
    expect(metrics.get(2)).toMatchObject({ valueCount: 200, nullCount: 0, lower: int(-50_000), upper: int(149_000) })
    expect(metrics.get(9)).toMatchObject({ nullCount: 40, lower: int(-8900), upper: int(10_900) })
    expect(metrics.get(4)).toMatchObject({
      lower: Uint8Array.from(Buffer.from('f0e4d2', 'hex')),
      upper: Uint8Array.from(Buffer.from('0f1bf8', 'hex')),
    })
    expect(Buffer.from(metrics.get(1)!.upper!).toString()).toBe('text 6ä😀')
  })

  it('is shown as people read it', async () => {
    const [first, second] = await readRows(await load(), name, { fields, limit: 2 })
    expect(first).toEqual([null, -50_000, ...Array(9).fill(null)])
    expect(second).toEqual([
      'text 1ä😀',
      -49_000,
      -891_712_726_219_358_307n,
      '-9899.98',
      '-89171272621935.8307',
      '-990000000000000000000000000.0000000693',
      1 / 7 - 3,
      false,
      '1945-08-20',
      '1969-09-23T23:59:59.999901',
      '00:07:11.999999',
    ])
  })
})
