import type { Field, FieldType } from '../fields.ts'
import type { ParquetMetadata } from './footer.ts'
import { readThrift, structField, structList, thriftField } from './thrift.ts'
import { compareBounds } from './values.ts'

/** What Iceberg keeps of one column of a data file. */
export interface ColumnMetrics {
  /** Compressed bytes. */
  columnSize: number
  /** Values, nulls and NaNs among them. */
  valueCount: number
  nullCount: number
  /** Doubles only; undefined where the file does not say. */
  nanCount?: number
  /** In Iceberg's single-value serialization; absent where the file does not say, or where all values are null. */
  lower?: Uint8Array
  upper?: Uint8Array
}

/** A row group's bound as it can be compared: text as its bytes. */
type Bound = bigint | number | Uint8Array

/**
 * The metrics of a file's columns by field id, merged over its row groups; a field that the file does not have, or
 * of whose nulls it does not tell, is left out.
 * Bounds come from the footer's own bytes, as hyparquet's are rounded. Source: Iceberg table spec, appendix D; Parquet's Statistics.
 */
export function columnMetrics(metadata: ParquetMetadata, fields: Field[]): Map<number, ColumnMetrics> {
  const leaves = metadata.schema.filter(({ type }) => type !== undefined)
  const rawGroups = structList(readThrift(metadata.raw), 4)
  const metrics = new Map<number, ColumnMetrics>()
  for (const { id, type } of fields) {
    const at = leaves.findIndex(({ field_id }) => field_id === id)
    if (at < 0) continue
    const chunks = metadata.row_groups.map(({ columns }, group) => {
      const meta = columns[at].meta_data!
      const raw = structField(structList(rawGroups[group], 1)[at], 3)!
      return { meta, statistics: structField(raw, 12) }
    })
    const sum = (values: (number | undefined)[]): number | undefined =>
      values.includes(undefined) ? undefined : values.reduce((total: number, value) => total + value!, 0)
    const count = (field: number) =>
      chunks.map(({ statistics }) => {
        const value = statistics && thriftField(statistics, field)
        return value === undefined ? undefined : Number(value)
      })
    const required = leaves[at].repetition_type === 'REQUIRED'
    const nulls = required ? chunks.map(() => 0) : count(3)
    const nullCount = sum(nulls)
    if (nullCount === undefined) continue
    const nanCount = type.kind === 'double' ? sum(count(9)) : undefined
    const filled = chunks.filter(({ meta }, group) => nulls[group] !== Number(meta.num_values))
    const bounds = (field: number) =>
      filled.map(({ statistics }) => {
        const value = statistics && thriftField(statistics, field)
        return value instanceof Uint8Array ? parseBound(value, type, leaves[at].type!) : undefined
      })
    const lower = extreme(bounds(6), -1)
    const upper = extreme(bounds(5), 1)
    const lowerBytes = lower === undefined ? undefined : serializeBound(lower, type, 'lower')
    const upperBytes = upper === undefined ? undefined : serializeBound(upper, type, 'upper')
    metrics.set(id, {
      columnSize: chunks.reduce((total, { meta }) => total + Number(meta.total_compressed_size), 0),
      valueCount: chunks.reduce((total, { meta }) => total + Number(meta.num_values), 0),
      nullCount,
      ...(nanCount !== undefined && { nanCount }),
      ...(lowerBytes && { lower: lowerBytes }),
      ...(upperBytes && { upper: upperBytes }),
    })
  }
  return metrics
}

/** The least (-1) or greatest (1); undefined where one is missing, as nothing can then be said of the whole. */
function extreme(bounds: (Bound | undefined)[], sign: -1 | 1): Bound | undefined {
  return bounds.length === 0 || bounds.includes(undefined)
    ? undefined
    : (bounds as Bound[]).reduce((best, bound) => (Math.sign(compareBounds(bound, best)) === sign ? bound : best))
}

/** Undefined where the bytes do not fit the physical type, or are NaN, which bounds nothing. */
function parseBound(bytes: Uint8Array, type: FieldType, physical: string): Bound | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (type.kind === 'string') return bytes
  if (physical === 'INT32') return bytes.length === 4 ? BigInt(view.getInt32(0, true)) : undefined
  if (physical === 'INT64') return bytes.length === 8 ? view.getBigInt64(0, true) : undefined
  if (physical === 'BOOLEAN') return bytes.length === 1 ? BigInt(bytes[0]) : undefined
  if (physical === 'DOUBLE') {
    const value = bytes.length === 8 ? view.getFloat64(0, true) : Number.NaN
    return Number.isNaN(value) ? undefined : value
  }
  return physical === 'FIXED_LEN_BYTE_ARRAY' && bytes.length > 0 ? readBigEndian(bytes) : undefined
}

/** The signed integer in two's complement, most significant byte first. */
export function readBigEndian(bytes: Uint8Array): bigint {
  let value = BigInt(bytes.length > 0 ? (bytes[0] << 24) >> 24 : 0)
  for (let at = 1; at < bytes.length; at++) value = (value << 8n) | BigInt(bytes[at])
  return value
}

/** The fewest bytes of two's complement, most significant first. */
export function writeBigEndian(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.unshift(Number(rest & 0xffn))
    rest >>= 8n
  } while (rest !== (bytes[0] & 0x80 ? -1n : 0n))
  return Uint8Array.from(bytes)
}

function serializeBound(bound: Bound, type: FieldType, side: 'lower' | 'upper'): Uint8Array | undefined {
  if (bound instanceof Uint8Array) return truncateText(bound, side)
  const bytes = new DataView(new ArrayBuffer(8))
  if (typeof bound === 'number') bytes.setFloat64(0, bound, true)
  else {
    if (type.kind === 'decimal') return writeBigEndian(bound)
    if (type.kind === 'boolean') return Uint8Array.of(Number(bound))
    if (type.kind === 'integer' || type.kind === 'date') {
      bytes.setInt32(0, Number(bound), true)
      return new Uint8Array(bytes.buffer, 0, 4)
    }
    bytes.setBigInt64(0, bound, true)
  }
  return new Uint8Array(bytes.buffer)
}

/** Code points that Iceberg keeps of a text bound by default (`write.metadata.metrics.default`: truncate(16)). */
const boundCodePoints = 16

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function truncateText(bytes: Uint8Array, side: 'lower' | 'upper'): Uint8Array | undefined {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    // Another writer cut its bound within a character: a bound that is no text would mislead readers.
    return undefined
  }
  const points = Array.from(text, char => char.codePointAt(0)!)
  if (points.length <= boundCodePoints) return bytes.slice()
  points.length = boundCodePoints
  if (side === 'upper') {
    while (points.at(-1) === 0x10ffff) points.pop()
    const last = points.pop()
    if (last === undefined) return undefined
    points.push(last === 0xd7ff ? 0xe000 : last + 1)
  }
  return new TextEncoder().encode(String.fromCodePoint(...points))
}
