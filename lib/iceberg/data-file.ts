import type { ColumnMetrics } from '../parquet/metrics.ts'
import type { AvroRecord, AvroSchema, AvroValue } from './avro.ts'

/** A Parquet file that a table shall hold. */
export interface DataFileEntry {
  /** `s3://…` */
  address: string
  rows: number
  bytes: number
  /** By field id. */
  metrics: Map<number, ColumnMetrics>
  /** Offsets of the row groups, ascending. */
  splitOffsets?: number[]
}

/** A file that a snapshot holds. */
export interface DataFile extends DataFileEntry {
  /** 0 = data, 1 = position deletes, 2 = equality deletes. */
  content: 0 | 1 | 2
  /** `PARQUET`, `AVRO`, `ORC`. */
  format: string
  /** Partition values by name; empty in an unpartitioned table. */
  partition: AvroRecord
  /** Of the snapshot that added the file. */
  sequenceNumber: number
}

const optional = (type: unknown) => ['null', type]
const map = (name: string, keyId: number, valueId: number, values: string) => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name,
    fields: [
      { name: 'key', type: 'int', 'field-id': keyId },
      { name: 'value', type: values, 'field-id': valueId },
    ],
  },
})
const list = (elementId: number, items: string) => ({ type: 'array', items, 'element-id': elementId })
const field = (id: number, name: string, type: unknown) => ({ name, type, 'field-id': id })
const optionalField = (id: number, name: string, type: unknown) => ({
  ...field(id, name, optional(type)),
  default: null,
})

/** The record `data_file` of a manifest of an unpartitioned table (spec, "Manifests", `data_file` fields, format version 2). */
export const dataFileSchema: AvroSchema = {
  type: 'record',
  name: 'r2',
  fields: [
    field(134, 'content', 'int'),
    field(100, 'file_path', 'string'),
    field(101, 'file_format', 'string'),
    field(102, 'partition', { type: 'record', name: 'r102', fields: [] }),
    field(103, 'record_count', 'long'),
    field(104, 'file_size_in_bytes', 'long'),
    optionalField(108, 'column_sizes', map('k117_v118', 117, 118, 'long')),
    optionalField(109, 'value_counts', map('k119_v120', 119, 120, 'long')),
    optionalField(110, 'null_value_counts', map('k121_v122', 121, 122, 'long')),
    optionalField(137, 'nan_value_counts', map('k138_v139', 138, 139, 'long')),
    optionalField(125, 'lower_bounds', map('k126_v127', 126, 127, 'bytes')),
    optionalField(128, 'upper_bounds', map('k129_v130', 129, 130, 'bytes')),
    optionalField(131, 'key_metadata', 'bytes'),
    optionalField(132, 'split_offsets', list(133, 'long')),
    optionalField(135, 'equality_ids', list(136, 'int')),
    optionalField(140, 'sort_order_id', 'int'),
  ],
}

/** The names that `data_file` fields have here, by field id. */
export const dataFileNames: ReadonlyMap<number, string> = new Map(
  dataFileSchema.fields.map(({ name, 'field-id': id }) => [id!, name]),
)

/** The Avro record of a data file. */
export function encodeDataFile({ address, rows, bytes, metrics, splitOffsets }: DataFileEntry): AvroRecord {
  const columns = [...metrics].sort(([a], [b]) => a - b)
  // Empty rather than null where nothing is known: pyiceberg's metadata tables take no null here.
  const pairs = (pick: (column: ColumnMetrics) => AvroValue | undefined): AvroValue[] =>
    columns.flatMap(([key, column]) => {
      const value = pick(column)
      return value === undefined ? [] : [{ key, value }]
    })
  return {
    content: 0,
    file_path: address,
    file_format: 'PARQUET',
    partition: {},
    record_count: rows,
    file_size_in_bytes: bytes,
    column_sizes: pairs(column => column.columnSize),
    value_counts: pairs(column => column.valueCount),
    null_value_counts: pairs(column => column.nullCount),
    nan_value_counts: pairs(column => column.nanCount),
    lower_bounds: pairs(column => asBuffer(column.lower)),
    upper_bounds: pairs(column => asBuffer(column.upper)),
    key_metadata: null,
    split_offsets: splitOffsets ?? null,
    equality_ids: null,
    sort_order_id: null,
  }
}

const asBuffer = (bytes: Uint8Array | undefined) =>
  bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The data file of an Avro record, whoever wrote it. Columns without counts are left out of the metrics. */
export function decodeDataFile(record: AvroRecord, sequenceNumber: number): DataFile {
  const pairs = <Value extends AvroValue>(name: string) =>
    new Map(((record[name] ?? []) as { key: number; value: Value }[]).map(({ key, value }) => [key, value]))
  const sizes = pairs<number>('column_sizes')
  const nulls = pairs<number>('null_value_counts')
  const nans = pairs<number>('nan_value_counts')
  const lowers = pairs<Buffer>('lower_bounds')
  const uppers = pairs<Buffer>('upper_bounds')
  const metrics = new Map<number, ColumnMetrics>()
  for (const [id, valueCount] of pairs<number>('value_counts')) {
    const nullCount = nulls.get(id)
    if (nullCount === undefined) continue
    const nanCount = nans.get(id)
    const lower = lowers.get(id)
    const upper = uppers.get(id)
    metrics.set(id, {
      columnSize: sizes.get(id) ?? 0,
      valueCount,
      nullCount,
      ...(nanCount !== undefined && { nanCount }),
      ...(lower && { lower }),
      ...(upper && { upper }),
    })
  }
  const splitOffsets = record.split_offsets as number[] | null | undefined
  return {
    address: record.file_path as string,
    rows: record.record_count as number,
    bytes: record.file_size_in_bytes as number,
    metrics,
    ...(splitOffsets ? { splitOffsets } : {}),
    content: (record.content ?? 0) as DataFile['content'],
    format: (record.file_format as string).toUpperCase(),
    partition: { ...(record.partition as AvroRecord | null | undefined) },
    sequenceNumber,
  }
}
