import { canonicalJson } from '../../hash.ts'
import type { FieldType, StructType } from './body-parts.ts'

/** A field of a schema at any depth: a column, a field of a struct, the element of a list, the key or value of a map. */
export interface NestedField {
  id: number
  /** Names joined by dots: `address.street`, `codes.element`, `labels.key`. */
  path: string
  type: FieldType
  required: boolean
  parent?: NestedField
}

/** Every field of a struct, parents before what is in them. */
export function listFields(struct: StructType): NestedField[] {
  return fieldsOf(struct, undefined).flatMap(withNested)
}

const withNested = (field: NestedField): NestedField[] => [
  field,
  ...(typeof field.type === 'string' ? [] : fieldsOf(field.type, field).flatMap(withNested)),
]

function fieldsOf(type: Exclude<FieldType, string>, parent: NestedField | undefined): NestedField[] {
  const make = (id: number, name: string, type: FieldType, required: boolean): NestedField => ({
    id,
    path: parent ? `${parent.path}.${name}` : name,
    type,
    required,
    ...(parent ? { parent } : {}),
  })
  switch (type.type) {
    case 'struct':
      return type.fields.map(field => make(field.id, field.name, field.type, field.required))
    case 'list':
      return [make(type['element-id'], 'element', type.element, type['element-required'])]
    case 'map':
      return [
        make(type['key-id'], 'key', type.key, true),
        make(type['value-id'], 'value', type.value, type['value-required']),
      ]
  }
}

/** The fields of a struct by their ids. */
export const indexFields = (struct: StructType): Map<number, NestedField> =>
  new Map(listFields(struct).map(field => [field.id, field]))

/** True where two schemas are the same but for their ids: fields, order, docs, and the set of identifier fields. */
export const sameSchema = (a: ComparedSchema, b: ComparedSchema): boolean =>
  canonicalJson(comparable(a)) === canonicalJson(comparable(b))

type ComparedSchema = StructType & { 'identifier-field-ids'?: unknown }

const comparable = ({ fields, 'identifier-field-ids': identifiers }: ComparedSchema) => ({
  fields: comparableType({ type: 'struct', fields }),
  identifiers: [...new Set(Array.isArray(identifiers) ? identifiers.map(Number) : [])].sort((a, b) => a - b),
})

// Writers differ in blanks inside decimal(p, s), and in saying null or nothing.
function comparableType(value: unknown, member?: string): unknown {
  if (Array.isArray(value)) return value.map(item => comparableType(item))
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, inner]) => inner !== null)
    return Object.fromEntries(members.map(([name, inner]) => [name, comparableType(inner, name)]))
  }
  const isType = member === 'type' || member === 'element' || member === 'key' || member === 'value'
  return isType && typeof value === 'string' ? value.replaceAll(/\s/g, '') : value
}
