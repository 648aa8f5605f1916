import type { TableMetadata } from '../../iceberg/metadata.ts'
import { applyUpdates } from './apply-updates.ts'
import type { CreateTableRequest } from './bodies.ts'
import { checkSchema } from './check-schema.ts'
import { assignFreshIds } from './fresh-ids.ts'
import { badRequest, quote } from './refuse.ts'

export interface CreateMetadataOptions {
  uuid: string
  /** The table's own address; what the request says of it is the caller's to judge. */
  location: string
  now: Date
  /** True for an address that the table's folders may be at; by default the location and what lies in it. */
  isAllowedLocation?: (address: string) => boolean
}

/**
 * The metadata of a new table without data, for a table that is made at once and for one that is only staged. Field ids are given anew from 1, those of
 * partitions from 1000; specs, orders and identifier fields follow. Throws CatalogError BadRequestException for a request that cannot be met.
 */
export function createMetadata(
  request: CreateTableRequest,
  {
    uuid,
    location,
    now,
    isAllowedLocation = address => `${address}/`.startsWith(`${location}/`),
  }: CreateMetadataOptions,
): TableMetadata {
  const { schema, ids } = assignFreshIds(checkSchema(request.schema))
  const renumber = <Field extends { 'source-id': number }>(field: Field, name: string): Field => {
    const source = ids.get(field['source-id'])
    if (source === undefined) throw badRequest(`${name}: its source, the field ${field['source-id']}, is no column`)
    return { ...field, 'source-id': source }
  }
  const spec = (request['partition-spec']?.fields ?? []).map(field =>
    renumber({ ...field, 'field-id': undefined }, `partition field ${quote(field.name)}`),
  )
  const order = (request['write-order']?.fields ?? []).map(field => renumber(field, 'a sort field'))
  return applyUpdates(
    undefined,
    [
      { action: 'assign-uuid', uuid },
      { action: 'set-location', location },
      { action: 'add-schema', schema },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec: { fields: spec } },
      { action: 'set-default-spec', 'spec-id': -1 },
      { action: 'add-sort-order', 'sort-order': { fields: order } },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
      { action: 'set-properties', updates: request.properties ?? {} },
    ],
    { now, isAllowedLocation },
  )
}
