import { IcebergError } from './error.ts'

/** An Iceberg type of any kind (spec, "Schemas and Data Types", format version 2). */
export type NestedType =
  /** The canonical name: `long`, `decimal(9, 2)`, `fixed[16]`. */
  | { kind: 'primitive'; name: string }
  | { kind: 'struct'; fields: NestedField[] }
  | { kind: 'list'; element: NestedField }
  | { kind: 'map'; key: NestedField; value: NestedField }

/** A column, a member of a struct, an element of a list, a key or value of a map. */
export interface NestedField {
  id: number
  name: string
  required: boolean
  type: NestedType
}

const primitives = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
])

function primitiveName(type: string): string | undefined {
  if (primitives.has(type)) return type
  const fixed = /^fixed\[\s*(\d+)\s*\]$/.exec(type)
  if (fixed) return `fixed[${Number(fixed[1])}]`
  const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type)
  if (!decimal) return undefined
  const [precision, scale] = [Number(decimal[1]), Number(decimal[2])]
  return precision >= 1 && precision <= 38 && scale <= precision ? `decimal(${precision}, ${scale})` : undefined
}

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object'

function childField(subject: string, name: string, id: unknown, required: unknown, type: unknown): NestedField {
  if (typeof id !== 'number') throw new IcebergError(`${subject}.${name} has no field id`)
  return { id, name, required: required === true, type: parseNestedType(type, `${subject}.${name}`) }
}

/** Reads a type as table metadata has it (spec, appendix C). Throws IcebergError, which names `subject`, for what format version 2 does not know. */
export function parseNestedType(type: unknown, subject: string): NestedType {
  if (typeof type === 'string') {
    const name = primitiveName(type)
    if (name === undefined) throw new IcebergError(`column ${subject}: ${type} is no Iceberg type of format version 2`)
    return { kind: 'primitive', name }
  }
  if (isObject(type) && type.type === 'struct' && Array.isArray(type.fields)) {
    return { kind: 'struct', fields: parseNestedFields(type.fields as unknown[], subject) }
  }
  if (isObject(type) && type.type === 'list') {
    const element = childField(subject, 'element', type['element-id'], type['element-required'], type.element)
    return { kind: 'list', element }
  }
  if (isObject(type) && type.type === 'map') {
    return {
      kind: 'map',
      key: childField(subject, 'key', type['key-id'], true, type.key),
      value: childField(subject, 'value', type['value-id'], type['value-required'], type.value),
    }
  }
  throw new IcebergError(`column ${subject} has a type that is none of Iceberg`)
}

/** The fields of a struct or of a whole schema. Throws as parseNestedType does. */
export function parseNestedFields(fields: unknown[], subject = ''): NestedField[] {
  return fields.map(field => {
    if (!isObject(field) || typeof field.name !== 'string')
      throw new IcebergError(`a field of ${subject || 'the schema'} has no name`)
    const { id, name, required, type } = field
    const path = subject === '' ? name : `${subject}.${name}`
    if (typeof id !== 'number') throw new IcebergError(`column ${path} has no field id`)
    return { id, name, required: required === true, type: parseNestedType(type, path) }
  })
}

/** The fields directly below a type. */
export function childrenOf(type: NestedType): NestedField[] {
  switch (type.kind) {
    case 'primitive':
      return []
    case 'struct':
      return type.fields
    case 'list':
      return [type.element]
    case 'map':
      return [type.key, type.value]
  }
}

/** Every field with its path in dots, parents before their children. */
export function* walkFields(fields: NestedField[], prefix = ''): Generator<{ field: NestedField; path: string }> {
  for (const field of fields) {
    const path = `${prefix}${field.name}`
    yield { field, path }
    yield* walkFields(childrenOf(field.type), `${path}.`)
  }
}

/** The name of a type for people: a primitive's own, otherwise the kind. */
export const describeType = (type: NestedType): string => (type.kind === 'primitive' ? type.name : type.kind)

const decimalParts = (name: string): [number, number] | undefined => {
  const match = /^decimal\((\d+), (\d+)\)$/.exec(name)
  return match ? [Number(match[1]), Number(match[2])] : undefined
}

/** True where values of the one primitive may be read as the other (spec, "Schema Evolution", type promotion), or both are the same. */
export function mayBecome(from: string, to: string): boolean {
  if (from === to || (from === 'int' && to === 'long') || (from === 'float' && to === 'double')) return true
  const [a, b] = [decimalParts(from), decimalParts(to)]
  return a !== undefined && b !== undefined && a[1] === b[1] && a[0] <= b[0]
}
