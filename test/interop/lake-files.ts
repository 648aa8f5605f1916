import type { Column } from '../../lib/columns.ts'
import { setNull } from '../../lib/columns.ts'
import type { Field } from '../../lib/fields.ts'
import { sha256 } from '../../lib/hash.ts'
import type { DataFileEntry } from '../../lib/iceberg/table.ts'
import { address } from '../../lib/layout.ts'
import { columnMetrics, splitOffsets } from '../../lib/parquet/footer.ts'
import { columnKind } from '../../lib/parquet/schema.ts'
import { writeParquetFile } from '../../lib/parquet/write.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

/** A row as a column batch holds it: days, microseconds, unscaled decimals; a column left out is null. */
export type StoredRow = Record<string, string | number | bigint | boolean>

function columnOf({ name, type }: Field, rows: StoredRow[]): Column {
  const nulls = new Uint8Array(Math.ceil(rows.length / 8))
  const values = rows.map((row, index) => {
    if (row[name] === undefined) setNull(nulls, index)
    return row[name]
  })
  const kind = columnKind(type)
  if (kind === 'text') {
    const texts = values.map(value => String(value ?? ''))
    const distinct = [...new Set(texts)]
    return { kind, nulls, values: distinct, indices: Uint32Array.from(texts, text => distinct.indexOf(text)) }
  }
  if (kind === 'int32') return { kind, nulls, values: Int32Array.from(values, value => Number(value ?? 0)) }
  if (kind === 'int64') return { kind, nulls, values: BigInt64Array.from(values, value => BigInt(value ?? 0)) }
  if (kind === 'double') return { kind, nulls, values: Float64Array.from(values, value => Number(value ?? 0)) }
  if (kind === 'boolean') return { kind, nulls, values: Uint8Array.from(values, value => Number(value ?? 0)) }
  return { kind, nulls, values: values.map(value => BigInt(value ?? 0)) }
}

/** Writes rows as a Parquet file with our own writer; returns what a table's manifest says of it. */
export async function putRows(
  store: ObjectStore,
  folder: string,
  fields: Field[],
  rows: StoredRow[],
): Promise<DataFileEntry> {
  const columns = fields.map(field => columnOf(field, rows))
  const { bytes, metadata } = await writeParquetFile(fields, { rows: rows.length, columns })
  const key = `${folder}/${sha256(bytes)}.parquet`
  await store.put(key, bytes)
  return {
    address: address(store.bucket, key),
    rows: rows.length,
    bytes: bytes.length,
    metrics: columnMetrics(metadata, fields),
    splitOffsets: splitOffsets(metadata),
  }
}
