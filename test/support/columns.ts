import { type Column, type ColumnBatch, isNull, setNull } from '../../lib/columns.ts'
import type { Field } from '../../lib/fields.ts'
import { columnKind } from '../../lib/parquet/schema.ts'

/** A cell as columns hold it: text, a number for int32 and double, a bigint for int64 and decimal, true or false, null. */
export type Cell = string | number | bigint | boolean | null

/** A batch of the given rows. */
export function makeBatch(fields: Field[], rows: Cell[][]): ColumnBatch {
  return {
    rows: rows.length,
    columns: fields.map((field, at) =>
      makeColumn(
        field,
        rows.map(row => row[at]),
      ),
    ),
  }
}

function makeColumn({ type }: Field, cells: Cell[]): Column {
  const nulls = cells.includes(null) ? new Uint8Array(Math.ceil(cells.length / 8)) : undefined
  if (nulls) for (const [row, cell] of cells.entries()) if (cell === null) setNull(nulls, row)
  const bitmap = nulls ? { nulls } : {}
  const kind = columnKind(type)
  switch (kind) {
    case 'text': {
      const values = [...new Set(cells.filter(cell => cell !== null))] as string[]
      const known = new Map(values.map((value, index) => [value, index]))
      return { kind, values, indices: Uint32Array.from(cells, cell => known.get(cell as string) ?? 0), ...bitmap }
    }
    case 'int32':
      return { kind, values: Int32Array.from(cells, cell => Number(cell ?? 0)), ...bitmap }
    case 'int64':
      return { kind, values: BigInt64Array.from(cells, cell => BigInt(cell ?? 0)), ...bitmap }
    case 'double':
      return { kind, values: Float64Array.from(cells, cell => Number(cell ?? 0)), ...bitmap }
    case 'boolean':
      return { kind, values: Uint8Array.from(cells, cell => Number(cell ?? 0)), ...bitmap }
    case 'decimal':
      return { kind, values: cells.map(cell => BigInt(cell ?? 0)), ...bitmap }
  }
}

/** The cells of a column, as makeBatch takes them. */
export function columnCells(column: Column, rows: number): Cell[] {
  return Array.from({ length: rows }, (_, row) => {
    if (isNull(column, row)) return null
    if (column.kind === 'text') return column.values[column.indices[row]]
    return column.kind === 'boolean' ? column.values[row] === 1 : column.values[row]
  })
}

/** The rows of batches, as makeBatch takes them. */
export async function batchRows(batches: AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>): Promise<Cell[][]> {
  const all: Cell[][] = []
  for await (const { rows, columns } of batches) {
    const cells = columns.map(column => columnCells(column, rows))
    for (let row = 0; row < rows; row++) all.push(cells.map(column => column[row]))
  }
  return all
}

/** The rows as batches of the given sizes, over and over. */
export async function* cutBatches(fields: Field[], rows: Cell[][], sizes: number[]): AsyncGenerator<ColumnBatch> {
  for (let at = 0, turn = 0; at < rows.length; turn++) {
    const size = sizes[turn % sizes.length]
    yield makeBatch(fields, rows.slice(at, at + size))
    at += size
  }
}
