import type { ColumnBatch } from '../columns.ts'
import { assignFieldIds } from '../contents/field-ids.ts'
import { Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'
import { currentSchemaFields, type TableMetadata } from '../iceberg/metadata.ts'
import { readDataFiles } from '../iceberg/read-table.ts'
import { firstVersionColumn, keyColumn, keyOfAddress, studyFile } from '../layout.ts'
import { readColumns } from '../parquet/read.ts'
import { indexedColumn } from '../parquet/read-chunk.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { Entity } from './entities.ts'
import { KnownKeys } from './known-keys.ts'
import type { PartNumbers } from './part-numbers.ts'

/** A study's map from the natural keys of one entity to their surrogate keys. */
export interface KeyMap {
  known: KnownKeys
  /** The version that first delivered each natural key, by place. */
  firstVersions: string[]
}

/** A map that knows nothing yet. */
export const emptyKeyMap = (parts?: PartNumbers[]): KeyMap => ({ known: new KnownKeys(parts), firstVersions: [] })

/**
 * The columns of an entity's key table: the natural key as it was declared when the table was made, the surrogate key, and the version that
 * brought it. A table that exists decides; its natural key cannot change. Throws Rejection when it differs from the entity's.
 */
export function keyTableFields(entity: Entity, naturalKey: Field[], table: TableMetadata | undefined): Field[] {
  if (!table) {
    const columns: Omit<Field, 'id'>[] = [
      ...naturalKey.map(({ name, type }) => ({ name, type, nullable: false })),
      { name: keyColumn(entity.name), type: { kind: 'bigint' }, nullable: false },
      { name: firstVersionColumn, type: { kind: 'string' }, nullable: false },
    ]
    const { ids } = assignFieldIds(columns)
    return columns.map((column, index) => ({ ...column, id: ids[index]! }))
  }
  const fields = currentSchemaFields(table)
  const fixed = fields.slice(0, -2).map(({ name }) => name)
  const same =
    fixed.length === naturalKey.length &&
    fixed.every((name, at) => name.toLowerCase() === naturalKey[at]!.name.toLowerCase())
  if (same) return fields
  throw new Rejection({
    code: 'natural-key-changed',
    file: studyFile,
    message:
      `the natural key of "${entity.name}" is ${fixed.join(', ')} since its first keys were assigned, and cannot become ` +
      `${naturalKey.map(({ name }) => name).join(', ')}: declare it so in ${studyFile}, or give the new key an entity name of its own`,
  })
}

/** Reads a key table whole. An absent table is an empty map. Maps may share `parts`, see createPartPool. */
export async function readKeyMap(
  lake: ObjectStore,
  table: TableMetadata | undefined,
  parts?: PartNumbers[],
): Promise<KeyMap> {
  const map = emptyKeyMap(parts)
  if (!table) return map
  const fields = currentSchemaFields(table)
  const types = fields.slice(0, -2).map(({ type }) => type)
  for (const file of await readDataFiles(lake, table)) {
    const key = keyOfAddress(lake.bucket, file.address)
    if (key === undefined)
      throw new Error(`${file.address} of ${table.location} is not in the lake bucket ${lake.bucket}`)
    for await (const batch of readColumns(lake, key, { fields, size: file.bytes })) addBatch(map, batch, types)
  }
  return map
}

function addBatch({ known, firstVersions }: KeyMap, { rows, columns }: ColumnBatch, types: Field['type'][]): void {
  const [keys, versions] = columns.slice(-2)
  if (keys?.kind !== 'int64' || versions?.kind !== 'text')
    throw new Error('a key table ends with a key and a version column')
  const parts = columns.slice(0, -2).map(column => indexedColumn(column, rows))
  const { places } = known.places.find(parts, types, rows)
  for (let row = 0; row < rows; row++) {
    const place = places[row]!
    known.set(place, Number(keys.values[row]!))
    firstVersions[place] = versions.values[versions.indices[row]!]!
  }
}
