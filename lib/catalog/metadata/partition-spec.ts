import type { TableMetadata } from '../../iceberg/metadata.ts'
import type { PartitionFieldBody, StructType } from './body-parts.ts'
import { badRequest, quote } from './refuse.ts'
import { indexFields, type NestedField } from './schema-fields.ts'
import { parseTransform } from './transforms.ts'

/** Partition field ids start one above this; a table without partitions says this (spec, "Partition Evolution"). */
export const noPartitionId = 999

export type PartitionField = PartitionFieldBody & { 'field-id': number }
type StoredSpec = TableMetadata['partition-specs'][number]

/** The fields of a spec that stands in a table's metadata, which is read without looking into them. */
export const fieldsOfSpec = (spec: StoredSpec): PartitionField[] => spec.fields as PartitionField[]

/** True where two specs partition alike: same sources, transforms and names in one order. Their field ids do not count. */
export function sameSpec(a: PartitionFieldBody[], b: PartitionFieldBody[]): boolean {
  return (
    a.length === b.length &&
    a.every((field, n) => partitionKey(field) === partitionKey(b[n]!) && field.name === b[n]!.name)
  )
}

const partitionKey = (field: PartitionFieldBody) => `${field['source-id']} ${field.transform.toLowerCase()}`

/**
 * The fields of a client's spec, each with an id: the client's, else that of a field of the table with the same source and transform, else a new one.
 * Throws CatalogError BadRequestException for a field that does not fit the schema, or an id that stands for something else.
 */
export function bindSpec(
  fields: PartitionFieldBody[],
  { schema, specs, lastId }: { schema: StructType; specs: StoredSpec[]; lastId: number },
): PartitionField[] {
  const known = specs.flatMap(fieldsOfSpec)
  let last = Math.max(lastId, ...fields.map(field => field['field-id'] ?? 0))
  const bound = fields.map(field => {
    const transform = parseTransform(field.transform)
    if (!transform)
      throw badRequest(`partition field ${quote(field.name)}: no transform is called ${quote(field.transform)}`)
    const twin = known.find(candidate => partitionKey(candidate) === partitionKey(field))
    const id = field['field-id'] ?? twin?.['field-id'] ?? ++last
    return { ...field, 'field-id': id, transform: transform.name }
  })
  checkNames(bound, schema)
  checkIds(bound, known)
  checkSpec(bound, schema)
  return bound
}

function checkNames(fields: PartitionField[], schema: StructType): void {
  const columns = new Map([...indexFields(schema).values()].map(({ path, id }) => [path, id]))
  const names = new Set<string>()
  for (const { name, 'source-id': source } of fields) {
    if (name === '') throw badRequest('a partition field has no name')
    if (names.has(name)) throw badRequest(`two partition fields are called ${quote(name)}`)
    names.add(name)
    if ((columns.get(name) ?? source) !== source) {
      throw badRequest(`partition field ${quote(name)} is called like a column that it is not made from`)
    }
  }
}

function checkIds(fields: PartitionField[], known: PartitionField[]): void {
  const ids = new Set<number>()
  for (const field of fields) {
    const id = field['field-id']
    if (ids.has(id)) throw badRequest(`two partition fields have the id ${id}`)
    ids.add(id)
    // A table that was of version 1 keeps the id of a field that it lost, with the transform void.
    const other = known.find(
      candidate =>
        candidate['field-id'] === id &&
        partitionKey(candidate) !== partitionKey(field) &&
        candidate.transform !== 'void' &&
        field.transform !== 'void',
    )
    if (other) throw badRequest(`partition field ${quote(field.name)}: the id ${id} is that of ${quote(other.name)}`)
  }
}

/** Throws CatalogError BadRequestException where a field of the spec cannot be made from the schema's columns. Spec, "Partitioning". */
export function checkSpec(fields: PartitionField[], schema: StructType): void {
  const columns = indexFields(schema)
  for (const { name, 'source-id': source, transform: text } of fields) {
    const transform = parseTransform(text)
    if (transform?.name === 'void') continue
    const refuse = (reason: string) => badRequest(`partition field ${quote(name)}: ${reason}`)
    const column = columns.get(source)
    if (!column) throw refuse(`its source, the field ${source}, is no column of the current schema`)
    // What other writers made with a transform that is not known here is theirs to judge.
    if (transform && !transform.takes(column.type))
      throw refuse(`${transform.name} does not take the column ${quote(column.path)}`)
    if (isInCollection(column)) throw refuse(`the column ${quote(column.path)} lies in a list or map`)
  }
}

function isInCollection({ parent }: NestedField): boolean {
  return (
    parent !== undefined && (typeof parent.type === 'string' || parent.type.type !== 'struct' || isInCollection(parent))
  )
}
