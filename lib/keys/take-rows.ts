import { type Column, type ColumnBatch, isNull, setNull, textColumn } from '../columns.ts'
import type { IndexedColumn } from '../parquet/read-chunk.ts'

function takeValues(column: Column, rows: number[]): Column {
  const nulls = column.nulls && new Uint8Array(Math.ceil(rows.length / 8))
  if (nulls) {
    rows.forEach((row, at) => {
      if (isNull(column, row)) setNull(nulls, at)
    })
  }
  switch (column.kind) {
    case 'text': {
      const indices = Uint32Array.from(rows, row => column.indices[row]!)
      if (column.utf8) return textColumn(column.utf8, indices, nulls)
      return { kind: 'text', values: column.values, indices, nulls }
    }
    case 'int32':
      return { kind: 'int32', values: Int32Array.from(rows, row => column.values[row]!), nulls }
    case 'int64':
      return { kind: 'int64', values: BigInt64Array.from(rows, row => column.values[row]!), nulls }
    case 'double':
      return { kind: 'double', values: Float64Array.from(rows, row => column.values[row]!), nulls }
    case 'boolean':
      return { kind: 'boolean', values: Uint8Array.from(rows, row => column.values[row]!), nulls }
    case 'decimal':
      return { kind: 'decimal', values: rows.map(row => column.values[row]!), nulls }
  }
}

/** A batch of the given rows of another, in the given order. Dictionaries are shared, not copied. */
export function takeRows({ columns }: ColumnBatch, rows: number[]): ColumnBatch {
  return { rows: rows.length, columns: columns.map(column => takeValues(column, rows)) }
}

/** The values of the given rows of a column as it is stored, none of them null. */
export function takeIndexed({ entries, indices }: IndexedColumn, rows: number[]): Column {
  const places = indices ? rows.map(row => indices[row]!) : rows
  if (entries.kind !== 'text') return takeValues(entries, places)
  const chosen = Uint32Array.from(places)
  return entries.utf8 ? textColumn(entries.utf8, chosen) : { kind: 'text', values: entries.values, indices: chosen }
}
