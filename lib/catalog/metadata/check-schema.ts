import type { FieldType, SchemaBody } from './body-parts.ts'
import { badRequest, quote } from './refuse.ts'
import { indexFields, listFields, type NestedField } from './schema-fields.ts'

// The format keeps the last 200 ids of 32 bits for columns of its own (spec, "Reserved Field IDs").
const largestFieldId = 2_147_483_447

const primitives = new Set(
  'boolean int long float double date time timestamp timestamptz string uuid binary'.split(' '),
)
const laterTypes = /^(timestamp_ns|timestamptz_ns|variant|unknown|geometry(\(.*\))?|geography(\(.*\))?)$/s

/**
 * The schema of a client, checked, without members that say null, which other readers refuse. Throws CatalogError BadRequestException, which names
 * the column: a type that version 2 does not have, a default value, an id or a name twice, an identifier field that cannot be one.
 */
export function checkSchema(schema: SchemaBody): SchemaBody {
  const clean = withoutNulls(schema) as SchemaBody
  const fields = listFields(clean)
  const ids = new Map<number, string>()
  const paths = new Set<string>()
  for (const { id, path, type } of fields) {
    if (id < 0 || id > largestFieldId)
      throw badRequest(`column ${quote(path)}: the field id ${id} is not one of 0 to ${largestFieldId}`)
    const twin = ids.get(id)
    if (twin !== undefined) throw badRequest(`columns ${quote(twin)} and ${quote(path)} have one field id, ${id}`)
    if (paths.has(path)) throw badRequest(`two columns are called ${quote(path)}`)
    ids.set(id, path)
    paths.add(path)
    checkType(path, type)
  }
  for (const { name, ...field } of clean.fields) checkDefaults(name, field)
  const index = indexFields(clean)
  for (const id of clean['identifier-field-ids'] ?? []) checkIdentifier(id, index.get(id))
  return clean
}

function checkType(path: string, type: FieldType): void {
  if (typeof type !== 'string') {
    for (const { name, ...field } of type.type === 'struct' ? type.fields : []) checkDefaults(`${path}.${name}`, field)
    return
  }
  if (laterTypes.test(type)) {
    throw badRequest(
      `column ${quote(path)}: the type ${quote(type)} needs format version 3; tables here are of version 2`,
    )
  }
  if (!isPrimitive(type)) throw badRequest(`column ${quote(path)}: ${quote(type)} is no type of Iceberg`)
}

function isPrimitive(type: string): boolean {
  if (primitives.has(type)) return true
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(type)
  if (decimal) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])]
    return precision >= 1 && precision <= 38 && scale <= precision
  }
  return /^fixed\[\s*[1-9]\d{0,8}\s*\]$/.test(type)
}

function checkDefaults(path: string, field: Record<string, unknown>): void {
  for (const member of ['initial-default', 'write-default']) {
    if (field[member] !== undefined) {
      throw badRequest(`column ${quote(path)}: ${member} needs format version 3; tables here are of version 2`)
    }
  }
}

// Spec, "Identifier Field IDs".
function checkIdentifier(id: number, field: NestedField | undefined): void {
  if (!field) throw badRequest(`the identifier field ${id} is no column`)
  const refuse = (reason: string) => badRequest(`column ${quote(field.path)} cannot be an identifier field: ${reason}`)
  if (typeof field.type !== 'string') throw refuse('its type is nested')
  if (field.type === 'float' || field.type === 'double') throw refuse(`its type is ${field.type}`)
  for (let part: NestedField | undefined = field; part; part = part.parent) {
    if (!part.required) throw refuse(`${quote(part.path)} is optional`)
    if (part !== field && (typeof part.type === 'string' || part.type.type !== 'struct'))
      throw refuse(`it lies in ${quote(part.path)}, which is no struct`)
  }
}

/** A copy without the members, at any depth, that are null. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined)
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]))
}
