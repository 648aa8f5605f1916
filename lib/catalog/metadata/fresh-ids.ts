import type { FieldType, SchemaBody, StructType } from './body-parts.ts'
import { listFields } from './schema-fields.ts'

/**
 * The schema with field ids from 1 on, and what each old id became. The columns are numbered first, then what is inside each; a map's key and
 * value before what is inside them: so clients of the reference implementation number too, and know the ids of a table that they asked for.
 */
export function assignFreshIds(schema: SchemaBody): { schema: SchemaBody; ids: Map<number, number>; last: number } {
  let last = 0
  const next = () => ++last

  const freshStruct = <Struct extends StructType>(struct: Struct): Struct => {
    const ids = struct.fields.map(next)
    return {
      ...struct,
      fields: struct.fields.map((field, n) => ({ ...field, id: ids[n]!, type: freshType(field.type) })),
    }
  }
  const freshType = (type: FieldType): FieldType => {
    if (typeof type === 'string') return type
    if (type.type === 'struct') return freshStruct(type)
    if (type.type === 'list') {
      const id = next()
      return { ...type, 'element-id': id, element: freshType(type.element) }
    }
    const [key, value] = [next(), next()]
    return { ...type, 'key-id': key, 'value-id': value, key: freshType(type.key), value: freshType(type.value) }
  }

  const fresh = freshStruct(schema)
  const renumbered = listFields(fresh)
  const ids = new Map(listFields(schema).map(({ id }, n) => [id, renumbered[n]!.id]))
  const identifiers = schema['identifier-field-ids']?.map(id => ids.get(id)!)
  return { schema: { ...fresh, ...(identifiers ? { 'identifier-field-ids': identifiers } : {}) }, ids, last }
}
