import type { ColumnBatch } from '../columns.ts'
import { assignFieldIds } from '../contents/field-ids.ts'
import { Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'
import { currentSchemaFields, type TableMetadata } from '../iceberg/metadata.ts'
import { readDataFiles } from '../iceberg/read-table.ts'
import { firstVersionColumn, keyColumn, keyOfAddress, studyFile } from '../layout.ts'
import { readColumns } from '../parquet/read.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { Entity } from './entities.ts'
import { readNaturalKeys } from './natural-key.ts'

/** A study's map from the natural keys of one entity to their surrogate keys. */
export interface KeyMap {
  /** By natural key as text. */
  keys: Map<string, number>
  /** The version that first delivered it, by natural key as text. */
  firstVersions: Map<string, string>
  /** The largest key in use; 0 in an empty map. */
  largest: number
}

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

/** Reads a key table whole. An absent table is an empty map. */
export async function readKeyMap(lake: ObjectStore, table: TableMetadata | undefined): Promise<KeyMap> {
  const map: KeyMap = { keys: new Map(), firstVersions: new Map(), largest: 0 }
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

function addBatch(map: KeyMap, { rows, columns }: ColumnBatch, types: Field['type'][]): void {
  const naturalKey = readNaturalKeys({ rows, columns: columns.slice(0, -2) }, types)
  const [keys, versions] = columns.slice(-2)
  if (keys?.kind !== 'int64' || versions?.kind !== 'text')
    throw new Error('a key table ends with a key and a version column')
  for (let row = 0; row < rows; row++) {
    const text = naturalKey(row)!
    const key = Number(keys.values[row]!)
    map.keys.set(text, key)
    map.firstVersions.set(text, versions.values[versions.indices[row]!]!)
    if (key > map.largest) map.largest = key
  }
}
