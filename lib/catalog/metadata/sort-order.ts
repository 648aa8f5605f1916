import { canonicalJson } from '../../hash.ts'
import type { TableMetadata } from '../../iceberg/metadata.ts'
import type { SortFieldBody, StructType } from './body-parts.ts'
import { badRequest, quote } from './refuse.ts'
import { indexFields } from './schema-fields.ts'
import { parseTransform } from './transforms.ts'

type StoredOrder = TableMetadata['sort-orders'][number]

/** The fields of an order that stands in a table's metadata, which is read without looking into them. */
export const fieldsOfOrder = (order: StoredOrder): SortFieldBody[] => order.fields as SortFieldBody[]

/** True where two orders sort alike. */
export const sameOrder = (a: SortFieldBody[], b: SortFieldBody[]): boolean =>
  canonicalJson(a.map(comparable)) === canonicalJson(b.map(comparable))

const comparable = (field: SortFieldBody) => [
  field['source-id'],
  field.transform.toLowerCase(),
  field.direction,
  field['null-order'],
]

/** The fields of a client's order, checked. Throws CatalogError BadRequestException for one that does not fit the schema. */
export function bindOrder(fields: SortFieldBody[], schema: StructType): SortFieldBody[] {
  const bound = fields.map(field => {
    const transform = parseTransform(field.transform)
    if (!transform)
      throw badRequest(`sort field ${field['source-id']}: no transform is called ${quote(field.transform)}`)
    return { ...field, transform: transform.name }
  })
  checkOrder(bound, schema)
  return bound
}

/** Throws CatalogError BadRequestException where the schema's columns cannot be sorted like that. Spec, "Sorting". */
export function checkOrder(fields: SortFieldBody[], schema: StructType): void {
  const columns = indexFields(schema)
  for (const { 'source-id': source, transform: text } of fields) {
    const column = columns.get(source)
    if (!column) throw badRequest(`sort field ${source} is no column of the current schema`)
    const transform = parseTransform(text)
    if (typeof column.type !== 'string' || (transform && !transform.takes(column.type))) {
      throw badRequest(
        `sort field ${source}: ${transform?.name ?? text} does not take the column ${quote(column.path)}`,
      )
    }
  }
}
