import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Field, type FieldType, formatType } from '../../lib/fields.ts'
import { appendColumns } from '../../lib/parquet/append.ts'
import { writeParquetFile } from '../../lib/parquet/write.ts'
import { type Cell, cutBatches, makeBatch } from '../support/columns.ts'
import { python, runPython } from './python.ts'

interface Bounds {
  min: Cell
  max: Cell
  nulls: number
}

interface Seen {
  types: string[]
  nullable: boolean[]
  ids: number[]
  names: string[]
  rowGroups: number[]
  columns: Cell[][]
  /** By row group, then column. */
  bounds: Bounds[][]
  indexed: boolean[][]
  same: Record<string, boolean>
}

const columns: [FieldType, string, (row: number) => Cell][] = [
  [
    { kind: 'string' },
    'string',
    row => ['', 'plain', 'ä'.repeat(40), '😀'.repeat(30), '\uffff', `only ${row}`][row % 6],
  ],
  [{ kind: 'integer' }, 'int32', row => (row % 2 ? -1 : 1) * (2 ** 31 - 1 - row)],
  [{ kind: 'bigint' }, 'int64', row => (row % 2 ? -1n : 1n) * (2n ** 63n - 1n - BigInt(row))],
  [{ kind: 'decimal', precision: 9, scale: 2 }, 'decimal128(9, 2)', row => (row % 2 ? -1 : 1) * (999_999_999 - row)],
  [
    { kind: 'decimal', precision: 18, scale: 18 },
    'decimal128(18, 18)',
    row => (row % 2 ? -1n : 1n) * (10n ** 18n - 1n - BigInt(row)),
  ],
  [{ kind: 'decimal', precision: 19, scale: 0 }, 'decimal128(19, 0)', row => BigInt(row - 30) * 10n ** 15n],
  [
    { kind: 'decimal', precision: 38, scale: 10 },
    'decimal128(38, 10)',
    row => (row % 2 ? -1n : 1n) * (10n ** 38n - 1n - BigInt(row)),
  ],
  [{ kind: 'double' }, 'double', row => [0, -0, Number.NaN, Number.POSITIVE_INFINITY, -1e-300, row / 7][row % 6]],
  [{ kind: 'boolean' }, 'bool', row => row % 3 === 0],
  [{ kind: 'date' }, 'date32[day]', row => row * 10 - 60_000],
  [{ kind: 'timestamp' }, 'timestamp[us]', row => BigInt(row - 50) * 86_400_000_001n * 365n],
  [{ kind: 'time' }, 'time64[us]', row => (BigInt(row) * 863_999_999n) % 86_400_000_000n],
]
const fields: Field[] = columns.flatMap(([type], at) => [
  { id: 1_000_000_000 - at, name: `${formatType(type)} nullable`, type, nullable: true },
  { id: at + 1, name: formatType(type), type, nullable: false },
])
const pyarrowTypes = columns.flatMap(([, type]) => [type, type])
/** Nulls here and there, and long runs without or of nothing else. */
const isNull = (row: number): boolean => (row % 5 === 1 && row < 1000) || (row >= 2000 && row % 1000 < 300)
const rows: Cell[][] = Array.from({ length: 4000 }, (_, row) =>
  columns.flatMap(([, , value]) => [isNull(row) ? null : value(row), value(row)]),
)
const keyFields: Field[] = [{ id: 77, name: 'patient_key', type: { kind: 'bigint' }, nullable: true }]
/** In the first rows differences of keys are small, and are written so. */
const keys: Cell[][] = rows.map((_, row) => [row % 9 === 0 ? null : BigInt(row) * (row < 1500 ? 1n : 2n ** 33n)])

/** A cell as read_parquet.py gives it. */
function exchanged(cell: Cell, { type }: Field): Cell {
  if (type.kind !== 'double' || cell === null) return typeof cell === 'bigint' ? shorten(cell) : cell
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(Number(cell))
  return bytes.toString('hex')
}

/** lib/json.ts gives integers as numbers wherever a number holds them. */
const shorten = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

const exchangedColumns = (given: Field[], cells: Cell[][]): Cell[][] =>
  given.map((field, at) => cells.map(row => exchanged(row[at], field)))

describe.skipIf(!python)('Parquet files', () => {
  let folder: string
  const seen: Record<string, Seen> = {}

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'studylake-parquet-'))
    const files: Record<string, Uint8Array> = {}
    const add = async (name: string, table: Cell[][], options: { rowGroupRows?: number; pageBytes?: number } = {}) => {
      const source = await writeParquetFile(fields, makeBatch(fields, table), options)
      files[name] = source.bytes
      const { append } = await appendColumns({
        metadata: source.metadata,
        sourceSize: source.bytes.length,
        fields: keyFields,
        batches: cutBatches(keyFields, keys.slice(0, table.length), [7]),
        pageBytes: options.pageBytes,
      })
      files[`${name} with keys`] = new Uint8Array(Buffer.concat([source.bytes, append]))
    }
    await add('one row group', rows)
    await add('20 row groups', rows, { rowGroupRows: 200 })
    await add('many pages', rows, { rowGroupRows: 1500, pageBytes: 512 })
    await add('no rows', [])
    const paths = Object.keys(files).map((_, at) => join(folder, `${at}.parquet`))
    for (const [at, bytes] of Object.values(files).entries()) await writeFile(paths[at], bytes)
    const read = await runPython<Seen[]>('read_parquet.py', { files: paths })
    for (const [at, name] of Object.keys(files).entries()) seen[name] = read[at]
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each(['one row group', '20 row groups', 'many pages', 'no rows'])('with %s hold what was written', name => {
    const { types, nullable, ids, names, columns: read, same } = seen[name]
    expect(types).toEqual(pyarrowTypes)
    expect(ids).toEqual(fields.map(({ id }) => id))
    expect(names).toEqual(fields.map(({ name }) => name))
    expect(nullable).toEqual(fields.map(field => field.nullable))
    expect(read).toEqual(exchangedColumns(fields, name === 'no rows' ? [] : rows))
    for (const [reader, equal] of Object.entries(same)) expect([reader, equal]).toEqual([reader, true])
  })

  it.each(['one row group', '20 row groups', 'many pages', 'no rows'])('with %s hold appended keys', name => {
    const { ids, columns: read, rowGroups, same } = seen[`${name} with keys`]
    expect(ids).toEqual([...fields, ...keyFields].map(({ id }) => id))
    expect(read.slice(0, -1)).toEqual(seen[name].columns)
    expect(read.at(-1)).toEqual(exchangedColumns(keyFields, name === 'no rows' ? [] : keys)[0])
    expect(rowGroups).toEqual(seen[name].rowGroups)
    for (const [reader, equal] of Object.entries(same)) expect([reader, equal]).toEqual([reader, true])
  })

  it.each(['one row group', '20 row groups', 'many pages'])(
    'with %s keep bounds and indexes when keys are appended',
    name => {
      const base = seen[`${name} with keys`]
      expect(base.bounds.map(group => group.slice(0, -1))).toEqual(seen[name].bounds)
      expect(base.indexed.map(group => group.slice(0, -1))).toEqual(seen[name].indexed)
    },
  )

  it('have row groups of the asked size', () => {
    expect(seen['20 row groups'].rowGroups).toEqual(Array(20).fill(200))
    expect(seen['many pages'].rowGroups).toEqual([1500, 1500, 1000])
    expect(seen['no rows'].rowGroups).toEqual([])
  })

  it('have page indexes where columns have several pages', () => {
    const bigint = fields.findIndex(({ name }) => name === 'bigint')
    expect(seen['many pages with keys'].indexed[0][bigint]).toBe(true)
    expect(seen['many pages with keys'].indexed.map(group => group.at(-1))).toEqual([false, true, true])
    expect(seen['one row group'].indexed[0][bigint]).toBe(false)
  })

  it('have bounds as pyarrow compares, and exact but for long text', () => {
    for (const name of ['one row group', '20 row groups', 'many pages']) {
      let start = 0
      for (const [group, size] of seen[name].rowGroups.entries()) {
        for (const [at, field] of fields.entries()) {
          const cells = rows.slice(start, start + size).map(row => row[at])
          const { min, max, nulls } = seen[name].bounds[group][at]
          expect(nulls).toBe(cells.filter(cell => cell === null).length)
          const values = cells.filter(cell => cell !== null && !Number.isNaN(cell)) as NonNullable<Cell>[]
          if (values.length === 0) expect([min, max]).toEqual([null, null])
          else if (field.type.kind === 'string') {
            const bytes = (text: Cell) => Buffer.from(String(text))
            for (const value of values) {
              expect(Buffer.compare(bytes(min), bytes(value))).toBeLessThanOrEqual(0)
              expect(Buffer.compare(bytes(max), bytes(value))).toBeGreaterThanOrEqual(0)
            }
          } else {
            values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
            const zero = (value: Cell, signed: number) => (field.type.kind === 'double' && value === 0 ? signed : value)
            expect(min).toEqual(exchanged(zero(values[0], -0), field))
            expect(max).toEqual(exchanged(zero(values.at(-1)!, 0), field))
          }
        }
        start += size
      }
    }
  })
})
