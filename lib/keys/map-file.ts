import { type Column, type ColumnBatch, isNull, setNull } from '../columns.ts'
import { assignFieldIds } from '../contents/field-ids.ts'
import { Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'
import type { ParquetMetadata } from '../parquet/footer.ts'
import { readIndexedColumns } from '../parquet/read.ts'
import { expandColumn, indexedColumn } from '../parquet/read-chunk.ts'
import type { ByteSource } from '../parquet/read-source.ts'
import { columnKind, footerFields, topLevelElements } from '../parquet/schema.ts'
import { writeParquetFile } from '../parquet/write.ts'
import { castColumn, checkComparable } from './cast-column.ts'
import type { KnownKeys } from './known-keys.ts'
import { takeRows } from './take-rows.ts'

/** The first and the last column of a map file; between them stand the natural keys' columns, null where an entity has no such part. */
const entityColumn = 'entity'
const keyColumn = 'surrogate_key'

/** The keys of one entity in a map file. */
interface Section {
  entity: string
  /** The parts of the natural key; their order is the file's. */
  fields: Field[]
  /** The parts, then the key. */
  batches: ColumnBatch[]
}

/** The natural keys of several entities with their surrogate keys, as one Parquet file: what a later file's keys go on from. */
export interface MapFile {
  /** What errors call it. */
  file: string
  sections: Section[]
}

/** Reads a map file whole. Throws Rejection where it is none, or holds rows that no map can have. */
export async function readMapFile(source: ByteSource, metadata: ParquetMetadata): Promise<MapFile> {
  const file = source.subject
  const found = footerFields(metadata)
  const elements = topLevelElements(metadata)
  const isMap =
    found.length > 2 &&
    found.every(({ type }) => type) &&
    found[0]!.name === entityColumn &&
    found[0]!.type!.kind === 'string' &&
    found.at(-1)!.name === keyColumn &&
    found.at(-1)!.type!.kind === 'bigint'
  if (!isMap) refuse(file, `is no key map: its columns are ${found.map(({ name }) => name).join(', ')}`)
  const fields = found.map(({ id, name, type, nullable }): Field => ({ id: id ?? 0, name, type: type!, nullable }))
  const columns = fields.map((field, at) => ({ field, ...elements[at]! }))
  const sections = new Map<string, Section>()
  for await (const { rows, columns: read } of readIndexedColumns(source, { metadata, columns }))
    addRows({ file, fields, sections }, { rows, columns: read.map(expandColumn) })
  return { file, sections: [...sections.values()] }
}

function refuse(file: string, message: string, column?: string): never {
  throw new Rejection({ code: 'key-map', file, message, ...(column !== undefined && { column }) })
}

function addRows(
  { file, fields, sections }: { file: string; fields: Field[]; sections: Map<string, Section> },
  batch: ColumnBatch,
): void {
  const entities = batch.columns[0] as Column & { kind: 'text' }
  const byEntity = new Map<number, number[]>()
  for (let row = 0; row < batch.rows; row++) {
    if (isNull(entities, row) || isNull(batch.columns.at(-1)!, row)) refuse(file, 'has a row without entity or key')
    const entity = entities.indices[row]!
    const rows = byEntity.get(entity)
    if (rows) rows.push(row)
    else byEntity.set(entity, [row])
  }
  for (const [index, rows] of byEntity) {
    const entity = entities.values[index]!
    const part = takeRows({ rows: batch.rows, columns: batch.columns.slice(1) }, rows)
    const own = fields.slice(1, -1).filter((_, at) => !isNull(part.columns[at]!, 0))
    const section = sections.get(entity) ?? { entity, fields: own, batches: [] }
    sections.set(entity, section)
    for (const [at, field] of fields.slice(1, -1).entries()) {
      const column = part.columns[at]!
      const isPart = section.fields.includes(field)
      for (let row = 0; row < rows.length; row++)
        if (isNull(column, row) === isPart)
          refuse(file, `has rows of ${entity} with natural keys of other columns`, field.name)
    }
    const columns = section.fields.map(field => part.columns[fields.indexOf(field) - 1]!)
    section.batches.push({ rows: rows.length, columns: [...columns, part.columns.at(-1)!] })
  }
}

/**
 * The keys of an entity as a map file has them, put into `known`; nothing where it has none. `naturalKey` are the fields by which they are to be
 * found. The result takes what is new. Throws Rejection where the natural key is another one, its types cannot be compared, or the map has a
 * key or a natural key twice.
 */
export function openSection(
  { file, sections }: MapFile,
  { entity, naturalKey, known, source }: { entity: string; naturalKey: Field[]; known: KnownKeys; source: string },
): { before: number; add(columns: Column[], rows: number): void } {
  for (const { name } of naturalKey)
    if ([entityColumn, keyColumn].includes(name.toLowerCase()))
      refuse(file, 'cannot hold a natural key of this name: the map has a column of its own that is called so', name)
  let section = sections.find(each => each.entity === entity)
  if (!section) {
    const alike = sections.flatMap(({ fields }) => fields)
    const fields = naturalKey.map(field => alike.find(({ name }) => sameName(name, field.name)) ?? field)
    section = { entity, fields, batches: [] }
    sections.push(section)
  }
  const { fields, batches } = section
  // In the order of the entity's natural key.
  const order = naturalKey.map(({ name }) => fields.findIndex(field => sameName(field.name, name)))
  if (order.includes(-1) || fields.length !== naturalKey.length)
    refuse(
      file,
      `has keys of ${entity} by ${fields.map(({ name }) => name).join(', ')}, and by these alone can it have more`,
    )
  for (const [at, from] of naturalKey.entries()) checkComparable({ from, to: fields[order[at]!]!, file: source })

  const types = order.map(at => fields[at]!.type)
  const taken = new Set<number>()
  for (const { rows, columns } of batches) {
    const parts = order.map(at => indexedColumn(columns[at]!, rows))
    const { fresh } = known.places.find(parts, types, rows)
    if (fresh.length < rows) refuse(file, `has a natural key of ${entity} twice`)
    const keys = columns.at(-1)!
    for (let row = 0; row < rows; row++) {
      const key = Number(keys.values[row])
      if (!(Number.isSafeInteger(key) && key > 0) || taken.has(key))
        refuse(file, `has a key of ${entity} twice, or one that is no positive number`)
      taken.add(key)
      known.set(known.count, key)
    }
  }
  return {
    before: known.count,
    add(columns, rows) {
      const first = known.count
      known.allocate()
      const cast = fields.map((to, at) => {
        const from = naturalKey[order.indexOf(at)]!
        return castColumn(columns[order.indexOf(at)]!, { from, to, file: source })
      })
      const keys = BigInt64Array.from({ length: rows }, (_, row) => BigInt(known.keyOf(first + row)))
      batches.push({ rows, columns: [...cast, { kind: 'int64', values: keys }] })
    },
  }
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** The bytes of a map file. Entities stand one behind the other, their keys in the order in which they were given. */
export async function writeMapFile({ sections }: MapFile): Promise<Uint8Array> {
  const parts: Omit<Field, 'id'>[] = []
  for (const { name, type } of sections.flatMap(({ fields }) => fields))
    if (!parts.some(part => sameName(part.name, name))) parts.push({ name, type, nullable: true })
  const columns: Omit<Field, 'id'>[] = [
    { name: entityColumn, type: { kind: 'string' }, nullable: false },
    ...parts,
    { name: keyColumn, type: { kind: 'bigint' }, nullable: false },
  ]
  const { ids } = assignFieldIds(columns)
  const fields = columns.map((column, at): Field => ({ ...column, id: ids[at]! }))
  const batches = sections.flatMap(({ entity, fields: own, batches }) =>
    batches.map(({ rows, columns }): ColumnBatch => {
      const byPart = parts.map(({ name, type }) => {
        const at = own.findIndex(field => sameName(field.name, name))
        return at < 0 ? nullColumn(type, rows) : columns[at]!
      })
      const entities: Column = { kind: 'text', values: [entity], indices: new Uint32Array(rows) }
      return { rows, columns: [entities, ...byPart, columns.at(-1)!] }
    }),
  )
  return (await writeParquetFile(fields, batches)).bytes
}

function nullColumn(type: Field['type'], rows: number): Column {
  const nulls = new Uint8Array(Math.ceil(rows / 8))
  for (let row = 0; row < rows; row++) setNull(nulls, row)
  const kind = columnKind(type)
  switch (kind) {
    case 'text':
      return { kind, values: [], indices: new Uint32Array(rows), nulls }
    case 'int32':
      return { kind, values: new Int32Array(rows), nulls }
    case 'int64':
      return { kind, values: new BigInt64Array(rows), nulls }
    case 'double':
      return { kind, values: new Float64Array(rows), nulls }
    case 'boolean':
      return { kind, values: new Uint8Array(rows), nulls }
    case 'decimal':
      return { kind, values: new Array<bigint>(rows).fill(0n), nulls }
  }
}
