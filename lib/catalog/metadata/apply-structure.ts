import type { SchemaBody, StructType } from './body-parts.ts'
import { checkSchema } from './check-schema.ts'
import { type Draft, resolveLast, withMetadata } from './draft.ts'
import { bindSpec, fieldsOfSpec, sameSpec } from './partition-spec.ts'
import { badRequest } from './refuse.ts'
import { listFields, sameSchema } from './schema-fields.ts'
import { bindOrder, fieldsOfOrder, sameOrder } from './sort-order.ts'
import type { UpdateOf } from './updates.ts'

/** Updates of schemas, partition specs and sort orders. Ids that clients propose for them are not used: the table gives them. */
export const structureUpdates = {
  'add-schema'(draft: Draft, update: UpdateOf<'add-schema'>): Draft {
    const schema = checkSchema(update.schema)
    const { schemas } = draft.metadata
    const highest = Math.max(0, ...listFields(schema).map(({ id }) => id))
    const known = schemas.find(candidate => sameSchema(candidate as SchemaBody, schema))
    const id = known?.['schema-id'] ?? nextId(schemas.map(candidate => candidate['schema-id']))
    const added = { ...schema, 'schema-id': id } as (typeof schemas)[number]
    return {
      ...withMetadata(draft, {
        schemas: known ? schemas : [...schemas, added],
        'last-column-id': Math.max(draft.metadata['last-column-id'], highest),
      }),
      lastSchemaId: id,
    }
  },

  'set-current-schema'(draft: Draft, update: UpdateOf<'set-current-schema'>): Draft {
    const id = resolveLast(update['schema-id'], draft.lastSchemaId, 'schema')
    if (!draft.metadata.schemas.some(schema => schema['schema-id'] === id)) throw badRequest(`there is no schema ${id}`)
    return withMetadata(draft, { 'current-schema-id': id })
  },

  'remove-schemas'(draft: Draft, update: UpdateOf<'remove-schemas'>): Draft {
    const { schemas, 'current-schema-id': current } = draft.metadata
    const ids = update['schema-ids']
    if (ids.includes(current)) throw badRequest(`schema ${current} is the current one and cannot be removed`)
    return {
      ...withMetadata(draft, { schemas: schemas.filter(schema => !ids.includes(schema['schema-id'])) }),
      removedSchemas: [...draft.removedSchemas, ...ids],
    }
  },

  'add-spec'(draft: Draft, update: UpdateOf<'add-spec'>): Draft {
    const { 'partition-specs': specs, 'last-partition-id': lastId } = draft.metadata
    const known = specs.find(candidate => sameSpec(fieldsOfSpec(candidate), update.spec.fields))
    if (known) return { ...draft, lastSpecId: known['spec-id'] }
    const fields = bindSpec(update.spec.fields, { schema: schemaFor(draft, update.spec.fields), specs, lastId })
    const id = nextId(specs.map(spec => spec['spec-id']))
    return {
      ...withMetadata(draft, {
        'partition-specs': [...specs, { ...update.spec, 'spec-id': id, fields }],
        'last-partition-id': Math.max(lastId, ...fields.map(field => field['field-id'])),
      }),
      lastSpecId: id,
    }
  },

  'set-default-spec'(draft: Draft, update: UpdateOf<'set-default-spec'>): Draft {
    const id = resolveLast(update['spec-id'], draft.lastSpecId, 'partition spec')
    if (!draft.metadata['partition-specs'].some(spec => spec['spec-id'] === id))
      throw badRequest(`there is no partition spec ${id}`)
    return withMetadata(draft, { 'default-spec-id': id })
  },

  'remove-partition-specs'(draft: Draft, update: UpdateOf<'remove-partition-specs'>): Draft {
    const { 'partition-specs': specs, 'default-spec-id': current } = draft.metadata
    const ids = update['spec-ids']
    if (ids.includes(current)) throw badRequest(`partition spec ${current} is the default and cannot be removed`)
    return withMetadata(draft, { 'partition-specs': specs.filter(spec => !ids.includes(spec['spec-id'])) })
  },

  'add-sort-order'(draft: Draft, update: UpdateOf<'add-sort-order'>): Draft {
    const orders = draft.metadata['sort-orders']
    const asked = update['sort-order']
    const known = orders.find(candidate => sameOrder(fieldsOfOrder(candidate), asked.fields))
    if (known) return { ...draft, lastOrderId: known['order-id'] }
    const fields = bindOrder(asked.fields, schemaFor(draft, asked.fields))
    // Spec, "Sorting": 0 is the order that sorts nothing.
    const id = fields.length === 0 ? 0 : Math.max(1, nextId(orders.map(order => order['order-id'])))
    return {
      ...withMetadata(draft, { 'sort-orders': [...orders, { ...asked, 'order-id': id, fields }] }),
      lastOrderId: id,
    }
  },

  'set-default-sort-order'(draft: Draft, update: UpdateOf<'set-default-sort-order'>): Draft {
    const id = resolveLast(update['sort-order-id'], draft.lastOrderId, 'sort order')
    if (!draft.metadata['sort-orders'].some(order => order['order-id'] === id))
      throw badRequest(`there is no sort order ${id}`)
    return withMetadata(draft, { 'default-sort-order-id': id })
  },
}

/** The schema that these fields are made for. None need none: there are clients that name the schema of a new table last. */
const schemaFor = (draft: Draft, fields: readonly unknown[]): StructType =>
  fields.length === 0 ? { type: 'struct', fields: [] } : currentSchema(draft)

const nextId = (ids: number[]): number => Math.max(-1, ...ids) + 1

/** The schema that specs and orders are made for. Throws where a new table has none yet. */
export function currentSchema({ metadata }: Draft): SchemaBody {
  const schema = metadata.schemas.find(candidate => candidate['schema-id'] === metadata['current-schema-id'])
  if (!schema) throw badRequest('a partition spec or sort order cannot come before set-current-schema')
  return schema as SchemaBody
}
