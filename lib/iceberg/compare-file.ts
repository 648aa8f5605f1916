import { parseJson } from '../json.ts'
import type { ParquetNode } from '../parquet/schema-tree.ts'
import { currentSchema, type TableMetadata } from './metadata.ts'
import {
  describeType,
  mayBecome,
  type NestedField,
  type NestedType,
  parseNestedFields,
  walkFields,
} from './nested-type.ts'

/** What a data file of a table has otherwise than the table says. */
export interface FileDifference {
  /** The part of a stable code: `type` of `footer-type`. */
  kind: 'column-missing' | 'column-extra' | 'type' | 'nullability' | 'name' | 'field-id'
  /** Its path in dots. */
  column: string
  message: string
  expected?: string
  found?: string
}

/** What a table says of its columns, now and before. */
export interface ColumnHistory {
  current: NestedField[]
  /** Every field that the table has or had, by id. */
  known: Map<number, NestedField[]>
  /** Ids by path, for files without field ids; undefined where the table maps no names. */
  mapping: Map<string, number> | undefined
}

/** Reads the schemas and the name mapping of a table. Throws IcebergError for a type that format version 2 does not know. */
export function readHistory(metadata: TableMetadata): ColumnHistory {
  const known = new Map<number, NestedField[]>()
  for (const { fields } of metadata.schemas)
    for (const { field } of walkFields(parseNestedFields(fields)))
      known.set(field.id, [...(known.get(field.id) ?? []), field])
  const mapping = metadata.properties?.['schema.name-mapping.default']
  return {
    current: parseNestedFields(currentSchema(metadata).fields),
    known,
    mapping: mapping === undefined ? undefined : readMapping(parseJson(mapping, 'the name mapping')),
  }
}

/** Spec, "Name Mapping Serialization". What is no mapping maps nothing. */
function readMapping(fields: unknown, prefix = '', found = new Map<string, number>()): Map<string, number> {
  for (const field of Array.isArray(fields) ? (fields as Record<string, unknown>[]) : []) {
    for (const name of Array.isArray(field.names) ? field.names : []) {
      const path = `${prefix}${name}`
      if (typeof field['field-id'] === 'number') found.set(path, field['field-id'])
      readMapping(field.fields, `${path}.`, found)
    }
  }
  return found
}

/** The name under which Iceberg's writers put a column into a file (Java `AvroSchemaUtil.makeCompatibleName`). */
export function fileName(name: string): string {
  const sanitise = (character: string) => `_x${character.codePointAt(0)!.toString(16).toUpperCase()}`
  const rest = [...name].map((character, at) => {
    if (/[\p{L}_]/u.test(character)) return character
    if (/\p{Nd}/u.test(character)) return at === 0 ? `_${character}` : character
    return sanitise(character)
  })
  return rest.join('')
}

const hasIds = (nodes: ParquetNode[]): boolean => nodes.some(node => node.id !== undefined || hasIds(below(node)))

function below({ type }: ParquetNode): ParquetNode[] {
  if (type.kind === 'struct') return type.fields
  if (type.kind === 'list') return [type.element]
  return type.kind === 'map' ? [type.key, type.value] : []
}

/** The nodes with the ids that the name mapping gives them. Elements, keys and values are called so, whatever the file calls them. */
function mapNames(nodes: ParquetNode[], mapping: Map<string, number>, prefix = ''): ParquetNode[] {
  const mapNode = (node: ParquetNode, name: string): ParquetNode => {
    const path = `${prefix}${name}`
    const [first, second] = below(node)
    const child = (of: ParquetNode, as: string) => mapNames([{ ...of, name: as }], mapping, `${path}.`)[0]!
    const { type } = node
    const id = mapping.get(path)
    if (type.kind === 'struct')
      return { ...node, id, type: { ...type, fields: mapNames(type.fields, mapping, `${path}.`) } }
    if (type.kind === 'list') return { ...node, id, type: { ...type, element: child(first!, 'element') } }
    if (type.kind === 'map')
      return { ...node, id, type: { ...type, key: child(first!, 'key'), value: child(second!, 'value') } }
    return { ...node, id }
  }
  return nodes.map(node => mapNode(node, node.name))
}

/**
 * Compares the columns of a data file with its table, by field id and recursively (spec, "Column Projection"). Lawful are columns that the file lacks and
 * that are optional or in `identityIds` (their value is the partition's), columns that the table dropped, old names, and types that the
 * table's has been promoted from. A file without field ids is read through the name mapping.
 */
export function compareFile(
  history: ColumnHistory,
  file: ParquetNode[],
  { identityIds = new Set() }: { identityIds?: ReadonlySet<number> } = {},
): FileDifference[] {
  const named = !hasIds(file)
  if (named && file.length > 0 && !history.mapping)
    return [{ kind: 'field-id', column: file[0]!.name, message: 'carries no field ids, and the table maps no names' }]
  const differences: FileDifference[] = []
  const nodes = named ? mapNames(file, history.mapping ?? new Map()) : file
  compareFields({ history, named, identityIds, differences }, { expected: history.current, found: nodes, prefix: '' })
  return differences
}

interface Comparison {
  history: ColumnHistory
  /** Ids are from the name mapping. */
  named: boolean
  identityIds: ReadonlySet<number>
  differences: FileDifference[]
}

function compareFields(
  comparison: Comparison,
  { expected, found, prefix }: { expected: NestedField[]; found: ParquetNode[]; prefix: string },
): void {
  const { history, identityIds, differences } = comparison
  const byId = new Map(found.flatMap(node => (node.id === undefined ? [] : [[node.id, node] as const])))
  for (const field of expected) {
    const node = byId.get(field.id)
    const column = `${prefix}${field.name}`
    if (node) compareNode(comparison, field, node, column)
    else if (field.required && !identityIds.has(field.id))
      differences.push({ kind: 'column-missing', column, message: 'lacks a required column' })
  }
  const current = new Set(expected.map(({ id }) => id))
  for (const node of found) {
    const column = `${prefix}${node.name}`
    if (node.id === undefined) {
      differences.push({ kind: 'field-id', column, message: 'has a column without a field id' })
      continue
    }
    if (current.has(node.id)) continue
    const before = history.known.get(node.id)
    if (!before) differences.push({ kind: 'column-extra', column, message: 'has a column that the table never had' })
    else compareDropped(comparison, before, node, column)
  }
  if (byId.size < found.filter(({ id }) => id !== undefined).length)
    differences.push({ kind: 'field-id', column: prefix || '*', message: 'has two columns of one field id' })
}

/** A column that went is in some form that it had. */
function compareDropped(comparison: Comparison, forms: NestedField[], node: ParquetNode, column: string): void {
  const attempts = forms.map(form => {
    const differences: FileDifference[] = []
    compareNode({ ...comparison, differences }, form, node, column)
    return differences
  })
  if (attempts.every(differences => differences.length > 0)) comparison.differences.push(...attempts.at(-1)!)
}

function compareNode(comparison: Comparison, field: NestedField, node: ParquetNode, column: string): void {
  const { history, named, differences } = comparison
  const names = (history.known.get(field.id) ?? [field]).map(({ name }) => name)
  const isNamed = names.some(name => name === node.name || fileName(name) === node.name)
  // The inner names of lists and maps are the writer's own.
  const inner = column.includes('.') && ['element', 'key', 'value'].includes(field.name)
  if (!named && !inner && !isNamed) {
    const message = 'calls a column by a name that it never had'
    differences.push({ kind: 'name', column, message, expected: field.name, found: node.name })
  }
  if (field.required && !node.required) {
    const message = 'lets be null what the table requires'
    differences.push({ kind: 'nullability', column, message, expected: 'required', found: 'optional' })
  }
  compareTypes(comparison, field.type, node, column)
}

function compareTypes(comparison: Comparison, type: NestedType, { type: stored }: ParquetNode, column: string): void {
  const prefix = `${column}.`
  if (type.kind === 'struct' && stored.kind === 'struct') {
    compareFields(comparison, { expected: type.fields, found: stored.fields, prefix })
  } else if (type.kind === 'list' && stored.kind === 'list') {
    compareFields(comparison, { expected: [type.element], found: [stored.element], prefix })
  } else if (type.kind === 'map' && stored.kind === 'map') {
    compareFields(comparison, { expected: [type.key, type.value], found: [stored.key, stored.value], prefix })
  } else if (!isReadable(type, stored)) {
    const found = stored.kind === 'primitive' ? (stored.readableAs[0] ?? stored.stored) : stored.kind
    const message = 'has another type'
    comparison.differences.push({ kind: 'type', column, message, expected: describeType(type), found })
  }
}

const isReadable = (type: NestedType, stored: ParquetNode['type']): boolean =>
  type.kind === 'primitive' && stored.kind === 'primitive' && stored.readableAs.some(name => mayBecome(name, type.name))
