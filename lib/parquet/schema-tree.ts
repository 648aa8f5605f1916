import type { FileMetaData, SchemaElement } from 'hyparquet'

/** What a leaf of a file's schema may be read as: Iceberg names of primitives, the exact one first; none where it is no type of Iceberg. */
export interface ParquetNode {
  /** Undefined where the file carries no field ids. */
  id: number | undefined
  name: string
  required: boolean
  type:
    | { kind: 'primitive'; readableAs: string[]; stored: string }
    | { kind: 'struct'; fields: ParquetNode[] }
    | { kind: 'list'; element: ParquetNode }
    | { kind: 'map'; key: ParquetNode; value: ParquetNode }
}

interface Element {
  element: SchemaElement
  children: Element[]
}

function nest(schema: SchemaElement[]): Element {
  let at = 0
  const next = (): Element => {
    const element = schema[at++]
    if (!element) throw new Error('the footer says of more columns than it holds')
    const children: Element[] = []
    for (let child = 0; child < (element.num_children ?? 0); child++) children.push(next())
    return { element, children }
  }
  return next()
}

/**
 * The columns of a file as a tree, with lists and maps taken out of the groups that carry them, also as older writers shaped them.
 * Source: Parquet LogicalTypes, "Lists" and "Maps"; Iceberg spec, appendix A, Parquet. Throws an Error for a footer whose tree is broken.
 */
export function schemaTree({ schema }: Pick<FileMetaData, 'schema'>): ParquetNode[] {
  return nest(schema).children.map(readNode)
}

function readNode({ element, children }: Element): ParquetNode {
  const { field_id: id, name, repetition_type: repetition } = element
  const node = { id, name, required: repetition === 'REQUIRED' }
  // A repeated column that no list wraps is a list of required elements.
  if (repetition === 'REPEATED') {
    return { ...node, required: true, type: { kind: 'list', element: readNode(asRequired({ element, children })) } }
  }
  if (children.length === 0) return { ...node, type: leafType(element) }
  const annotation = element.logical_type?.type ?? element.converted_type
  const [repeated] = children
  if (annotation === 'LIST' && children.length === 1 && repeated!.element.repetition_type === 'REPEATED')
    return { ...node, type: { kind: 'list', element: readElement(repeated!) } }
  const isMap = annotation === 'MAP' || annotation === 'MAP_KEY_VALUE'
  if (isMap && children.length === 1 && repeated!.children.length === 2) {
    const [key, value] = repeated!.children as [Element, Element]
    return { ...node, type: { kind: 'map', key: readNode(key), value: readNode(value) } }
  }
  return { ...node, type: { kind: 'struct', fields: children.map(readNode) } }
}

const asRequired = ({ element, children }: Element): Element => ({
  element: { ...element, repetition_type: 'REQUIRED' },
  children,
})

/** The element of a list: below its repeated group or, with writers of two levels, that group itself. */
function readElement(repeated: Element): ParquetNode {
  const { element, children } = repeated
  const twoLevels = children.length !== 1 || element.name === 'array' || element.name.endsWith('_tuple')
  return readNode(twoLevels ? asRequired(repeated) : children[0]!)
}

function leafType(element: SchemaElement): ParquetNode['type'] {
  const { type = 'a group', type_length: length, converted_type: converted, logical_type: logical } = element
  const annotation = logical?.type ?? converted
  const primitive = (...readableAs: string[]): ParquetNode['type'] => ({
    kind: 'primitive',
    readableAs,
    stored: annotation ? `${type} as ${annotation}` : type,
  })
  const decimal = decimalName(element)
  if (decimal) return primitive(decimal)
  switch (type) {
    case 'BOOLEAN':
      return annotation ? primitive() : primitive('boolean')
    case 'FLOAT':
      return annotation ? primitive() : primitive('float')
    case 'DOUBLE':
      return annotation ? primitive() : primitive('double')
    case 'INT96':
      // What Hive and old Spark call a time stamp says nothing of its zone.
      return primitive('timestamptz', 'timestamp')
    case 'INT32':
      if (annotation === 'DATE') return primitive('date')
      return isSigned(element, [8, 16, 32]) ? primitive('int') : primitive()
    case 'INT64':
      return primitive(...int64Types(element))
    case 'BYTE_ARRAY':
      if (!annotation) return primitive('binary')
      return ['STRING', 'UTF8', 'ENUM', 'JSON'].includes(annotation) ? primitive('string') : primitive()
    case 'FIXED_LEN_BYTE_ARRAY':
      if (annotation === 'UUID') return length === 16 ? primitive('uuid') : primitive()
      if (annotation) return primitive()
      // Some writers leave the annotation of a uuid out.
      return length === 16 ? primitive('fixed[16]', 'uuid') : primitive(`fixed[${length}]`)
    default:
      return primitive()
  }
}

function int64Types(element: SchemaElement): string[] {
  const { converted_type: converted, logical_type: logical } = element
  if (logical?.type === 'TIMESTAMP') {
    if (logical.unit !== 'MICROS') return []
    return logical.isAdjustedToUTC ? ['timestamptz'] : ['timestamp']
  }
  if (logical?.type === 'TIME') return logical.unit === 'MICROS' ? ['time'] : []
  if (!logical && converted === 'TIMESTAMP_MICROS') return ['timestamptz', 'timestamp']
  if (!logical && converted === 'TIME_MICROS') return ['time']
  return isSigned(element, [64]) ? ['long'] : []
}

function isSigned({ converted_type: converted, logical_type: logical }: SchemaElement, bits: number[]): boolean {
  if (logical) return logical.type === 'INTEGER' && logical.isSigned && bits.includes(logical.bitWidth)
  return converted === undefined || bits.some(width => converted === `INT_${width}`)
}

const decimalDigits: Record<string, number> = { INT32: 9, INT64: 18, FIXED_LEN_BYTE_ARRAY: 38, BYTE_ARRAY: 38 }

function decimalName(element: SchemaElement): string | undefined {
  const { type = '', converted_type: converted, logical_type: logical } = element
  if ((logical?.type ?? converted) !== 'DECIMAL') return undefined
  const { precision = 0, scale = 0 } = logical?.type === 'DECIMAL' ? logical : element
  const lawful = precision >= 1 && precision <= (decimalDigits[type] ?? 0) && scale >= 0 && scale <= precision
  return lawful ? `decimal(${precision}, ${scale})` : undefined
}
