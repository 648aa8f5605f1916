import { z } from 'zod'

/** The largest id of the format: 64 bits with a sign. */
const largestId = 2n ** 63n - 1n

/** A snapshot's id: a number where a double holds it, otherwise a bigint. */
export const snapshotId = z.union([z.int().nonnegative(), z.bigint().min(0n).max(largestId)], {
  error: 'expected a whole number from 0 to 2^63 - 1',
})

/** A 32-bit id of a field, schema, spec or order. */
export const smallId = z.int32()
const count = z.int().nonnegative()
const text = z.string()

/** A struct, list or map type of a column. Spec, appendix C, "Schemas". */
export interface StructType {
  type: 'struct'
  fields: StructField[]
  [member: string]: unknown
}
export interface ListType {
  type: 'list'
  'element-id': number
  element: FieldType
  'element-required': boolean
  [member: string]: unknown
}
export interface MapType {
  type: 'map'
  'key-id': number
  key: FieldType
  'value-id': number
  value: FieldType
  'value-required': boolean
  [member: string]: unknown
}
/** A primitive type is its name: `long`, `decimal(9, 2)`. */
export type FieldType = string | StructType | ListType | MapType

export interface StructField {
  id: number
  name: string
  required: boolean
  type: FieldType
  doc?: string | null
  [member: string]: unknown
}

const type: z.ZodType<FieldType> = z.lazy(() =>
  z.union([text, z.discriminatedUnion('type', [structType, listType, mapType])], { error: 'is no Iceberg type' }),
)
const structField: z.ZodType<StructField> = z.looseObject({
  id: smallId,
  name: text,
  required: z.boolean(),
  type,
  doc: text.nullish(),
})
const structType = z.looseObject({ type: z.literal('struct'), fields: z.array(structField) })
const listType = z.looseObject({
  type: z.literal('list'),
  'element-id': smallId,
  element: type,
  'element-required': z.boolean(),
})
const mapType = z.looseObject({
  type: z.literal('map'),
  'key-id': smallId,
  key: type,
  'value-id': smallId,
  value: type,
  'value-required': z.boolean(),
})

export const schemaBody = structType.extend({
  'schema-id': smallId.nullish(),
  'identifier-field-ids': z.array(smallId).nullish(),
})
/** A schema as a client sends it. Protocol, "Schema". */
export type SchemaBody = z.infer<typeof schemaBody>

export const partitionFieldBody = z.looseObject({
  'field-id': smallId.nullish(),
  'source-id': smallId,
  name: text,
  transform: text,
})
export type PartitionFieldBody = z.infer<typeof partitionFieldBody>
/** Protocol, "PartitionSpec". */
export const partitionSpecBody = z.looseObject({ 'spec-id': smallId.nullish(), fields: z.array(partitionFieldBody) })
export type PartitionSpecBody = z.infer<typeof partitionSpecBody>

export const sortFieldBody = z.looseObject({
  'source-id': smallId,
  transform: text,
  direction: z.enum(['asc', 'desc']),
  'null-order': z.enum(['nulls-first', 'nulls-last']),
})
export type SortFieldBody = z.infer<typeof sortFieldBody>
/** Protocol, "SortOrder". */
export const sortOrderBody = z.looseObject({ 'order-id': smallId.nullish(), fields: z.array(sortFieldBody) })
export type SortOrderBody = z.infer<typeof sortOrderBody>

/** Protocol, "Snapshot". A table of version 2 needs the sequence number too. */
export const snapshotBody = z.looseObject({
  'snapshot-id': snapshotId,
  // Some writers say -1 where there is none.
  'parent-snapshot-id': z.union([snapshotId, z.literal(-1)]).nullish(),
  'sequence-number': count.nullish(),
  'timestamp-ms': count,
  'manifest-list': text,
  summary: z.record(text, text).and(z.looseObject({ operation: z.enum(['append', 'replace', 'overwrite', 'delete']) })),
  'schema-id': smallId.nullish(),
})
export type SnapshotBody = z.infer<typeof snapshotBody>

/** Protocol, "SnapshotReference". */
export const refBody = z.looseObject({
  type: z.enum(['branch', 'tag']),
  'snapshot-id': snapshotId,
  'min-snapshots-to-keep': z.int32().positive().nullish(),
  'max-snapshot-age-ms': z.int().positive().nullish(),
  'max-ref-age-ms': z.int().positive().nullish(),
})

/** Protocol, "StatisticsFile". */
export const statisticsBody = z.looseObject({
  'snapshot-id': snapshotId,
  'statistics-path': text,
  'file-size-in-bytes': count,
  'file-footer-size-in-bytes': count,
  'blob-metadata': z.array(
    z.looseObject({
      type: text,
      'snapshot-id': snapshotId,
      'sequence-number': count,
      fields: z.array(smallId),
      properties: z.record(text, text).nullish(),
    }),
  ),
})
/** Protocol, "PartitionStatisticsFile". */
export const partitionStatisticsBody = z.looseObject({
  'snapshot-id': snapshotId,
  'statistics-path': text,
  'file-size-in-bytes': count,
})
export type StatisticsFile = z.infer<typeof partitionStatisticsBody>
