import { equalIds, type Id, type Snapshot, type TableMetadata } from './metadata.ts'
import { describeType, mayBecome, type NestedType, parseNestedFields, walkFields } from './nested-type.ts'

/** Stable names of what can be wrong within one table's metadata, manifests included. */
export type MetadataCode =
  | `schema-${'duplicate' | 'field-id' | 'name' | 'last-column' | 'field-type'}`
  | `${'partition-spec' | 'sort-order'}-${'missing' | 'duplicate' | 'column'}`
  | `snapshot-${'duplicate' | 'sequence' | 'chain' | 'schema' | 'ref' | 'branch' | 'totals'}`
  | `manifest-${'size' | 'counts' | 'spec' | 'sequence' | 'content'}`
  | 'file-duplicate'

/** A disagreement within one table's metadata. */
export interface MetadataProblem {
  code: MetadataCode
  message: string
  column?: string
  expected?: string
  found?: string
}

/**
 * What the members of a table's metadata say of each other (spec, "Table Metadata Fields", format version 2): schemas, partition specs and sort
 * orders that are there and name columns that are there, snapshots in one chain. No file is read, no snapshot but by its own entry.
 * Throws IcebergError for a type that format version 2 does not know.
 */
export function verifyMetadata(metadata: TableMetadata): MetadataProblem[] {
  return [...checkSchemas(metadata), ...checkLayout(metadata), ...checkSnapshots(metadata)]
}

function checkSchemas({ schemas, 'last-column-id': last }: TableMetadata): MetadataProblem[] {
  const problems: MetadataProblem[] = []
  const schemaIds = schemas.map(schema => schema['schema-id'])
  if (new Set(schemaIds).size < schemaIds.length)
    problems.push({ code: 'schema-duplicate', message: 'two of its schemas have one schema id' })
  for (const { 'schema-id': schemaId, fields } of schemas) {
    const seen = new Set<number>()
    const paths = new Set<string>()
    for (const { field, path } of walkFields(parseNestedFields(fields))) {
      const say = (code: MetadataCode, message: string) =>
        problems.push({ code, column: path, message: `schema ${schemaId} ${message}`, found: `${field.id}` })
      if (seen.has(field.id)) say('schema-field-id', 'has two columns of one field id')
      if (paths.has(path)) say('schema-name', 'has two columns of one name')
      if (field.id > last) say('schema-last-column', `has a field id above last-column-id, ${last}`)
      seen.add(field.id)
      paths.add(path)
    }
  }
  return problems
}

/**
 * A field id stands for one column, in all schemas: its type may be widened and never becomes another. Engines do otherwise where they replace
 * a table: there a column that keeps its name keeps its id, whatever its type becomes.
 */
export function verifyFieldTypes({ schemas }: TableMetadata): MetadataProblem[] {
  const problems: MetadataProblem[] = []
  const types = new Map<number, NestedType>()
  for (const { fields } of schemas) {
    for (const { field, path } of walkFields(parseNestedFields(fields))) {
      const before = types.get(field.id)
      if (before && !isSameColumn(before, field.type)) {
        const message = 'its field id stands for a column of another type in another schema'
        const difference = { expected: describeType(before), found: describeType(field.type) }
        problems.push({ code: 'schema-field-type', column: path, message, ...difference })
      }
      types.set(field.id, field.type)
    }
  }
  return problems
}

// Either way: a version may declare again what was narrower before.
function isSameColumn(a: NestedType, b: NestedType): boolean {
  if (a.kind !== 'primitive' || b.kind !== 'primitive') return a.kind === b.kind
  return mayBecome(a.name, b.name) || mayBecome(b.name, a.name)
}

function checkLayout(metadata: TableMetadata): MetadataProblem[] {
  const problems: MetadataProblem[] = []
  const columns = (schemas: TableMetadata['schemas']) =>
    new Set(schemas.flatMap(({ fields }) => [...walkFields(parseNestedFields(fields))].map(({ field }) => field.id)))
  const current = columns(metadata.schemas.filter(schema => schema['schema-id'] === metadata['current-schema-id']))
  const ever = columns(metadata.schemas)
  const check = (
    what: 'partition-spec' | 'sort-order',
    { id, all }: { id: number; all: { id: number; sources: number[] }[] },
  ) => {
    const code = `${what}-missing` as const
    if (!all.some(item => item.id === id))
      problems.push({ code, message: `has no ${what} ${id}, which is its default` })
    if (new Set(all.map(item => item.id)).size < all.length)
      problems.push({ code: `${what}-duplicate`, message: `has two ${what}s of one id` })
    for (const item of all) {
      const lost = item.sources.filter(source => !(item.id === id ? current : ever).has(source))
      for (const source of lost)
        problems.push({
          code: `${what}-column`,
          message: `its ${what} ${item.id} is made of a column that is not there`,
          found: `${source}`,
        })
    }
  }
  // A partition by a dropped column is void, in version 2 too: engines keep the field and write null.
  const sourcesOf = (fields: Record<string, unknown>[]) =>
    fields.filter(field => field.transform !== 'void').map(field => field['source-id'] as number)
  check('partition-spec', {
    id: metadata['default-spec-id'],
    all: metadata['partition-specs'].map(spec => ({ id: spec['spec-id'], sources: sourcesOf(spec.fields) })),
  })
  check('sort-order', {
    id: metadata['default-sort-order-id'],
    all: metadata['sort-orders'].map(order => ({ id: order['order-id'], sources: sourcesOf(order.fields) })),
  })
  return problems
}

const key = (id: Id): string => BigInt(id).toString()

function checkSnapshots(metadata: TableMetadata): MetadataProblem[] {
  const problems: MetadataProblem[] = []
  const { snapshots = [], refs = {}, 'last-sequence-number': last, 'current-snapshot-id': current } = metadata
  const say = (code: MetadataCode, message: string, difference: { expected?: string; found?: string } = {}) =>
    problems.push({ code, message, ...difference })
  const byId = new Map(snapshots.map(snapshot => [key(snapshot['snapshot-id']), snapshot]))
  if (byId.size < snapshots.length) say('snapshot-duplicate', 'two of its snapshots have one id')
  const numbers = snapshots.map(snapshot => snapshot['sequence-number'])
  if (new Set(numbers).size < numbers.length) say('snapshot-sequence', 'two of its snapshots have one sequence number')
  const newest = Math.max(0, ...numbers)
  if (newest > last)
    say('snapshot-sequence', 'a snapshot has a sequence number above the last', {
      expected: `${last}`,
      found: `${newest}`,
    })
  for (const snapshot of snapshots) problems.push(...checkParent(snapshot, byId))
  const schemaIds = new Set(metadata.schemas.map(schema => schema['schema-id']))
  for (const { 'snapshot-id': id, 'schema-id': schemaId } of snapshots) {
    if (schemaId !== null && schemaId !== undefined && !schemaIds.has(schemaId))
      say('snapshot-schema', `snapshot ${id} was written by a schema that the table does not have`, {
        found: `${schemaId}`,
      })
  }
  for (const [name, { 'snapshot-id': id }] of Object.entries(refs))
    if (!byId.has(key(id))) say('snapshot-ref', `its ref ${name} names a snapshot that is not there`)
  const main = refs.main?.['snapshot-id']
  const isSet = current !== null && current !== undefined && !equalIds(current, -1)
  if (main !== undefined && !(isSet && equalIds(current, main)))
    say('snapshot-branch', 'its branch main is not its current snapshot')
  return problems
}

/** A parent that is there came before; one that is not there was expired. */
function checkParent(snapshot: Snapshot, byId: Map<string, Snapshot>): MetadataProblem[] {
  const parentId = snapshot['parent-snapshot-id']
  const parent = parentId === null || parentId === undefined ? undefined : byId.get(key(parentId))
  if (!parent || parent['sequence-number'] < snapshot['sequence-number']) return []
  const message = `snapshot ${snapshot['snapshot-id']} is not newer than the one that it goes on from`
  return [
    {
      code: 'snapshot-chain',
      message,
      expected: `above ${parent['sequence-number']}`,
      found: `${snapshot['sequence-number']}`,
    },
  ]
}
