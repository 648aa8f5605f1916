import type { Field } from '../fields.ts'
import { uuidV5 } from '../hash.ts'
import { address, type Layer, tableLocationKey } from '../layout.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { DataFileEntry } from './data-file.ts'
import { IcebergError } from './error.ts'
import { createLakeWriter } from './lake-writer.ts'
import { currentSnapshot, formatTableMetadata, type TableMetadata } from './metadata.ts'
import { addSnapshot, ensureUnpartitioned, newTable, resetLayout, setSchema, succeed } from './next-metadata.ts'
import { type Change, isNoChange, planChange, type WriteMode } from './plan-change.ts'
import { readManifests } from './read-table.ts'
import { type IcebergSchema, nameMapping } from './schema.ts'
import { writeSnapshot } from './write-snapshot.ts'

// Fixed for ever: table uuids are made from it.
const tableNamespace = 'b5a0c1de-3f5e-5c6f-9d0c-6a3f8d0e7b21'

export interface WriteTableOptions {
  store: ObjectStore
  study: string
  layer: Layer
  dataset: string
  /** The columns that the table shall have. */
  fields: Field[]
  files: DataFileEntry[]
  mode: WriteMode
  /** The table as it is; left out for a new one. */
  parent?: TableMetadata
  /** The parent's document, where `formatTableMetadata` did not write it. */
  parentText?: string
  /** The newest landing time: the snapshot is dated then, or 1 ms after the parent's last change where that is later. */
  time: Date
  /** Table properties to set; the parent's others stay. */
  properties?: Record<string, string>
  /** Sets `schema.name-mapping.default`, for data files that carry no field ids. */
  nameMapping?: boolean
}

export interface WrittenTable {
  metadata: TableMetadata
  /** The metadata document: the bytes of the object at `key` and of the table object on the branch. */
  text: string
  /** Of the metadata document, in the lake. */
  key: string
  /** False where the parent is already what was asked for: then metadata and text are the parent's. */
  changed: boolean
}

/**
 * Writes a table's next state: manifests, manifest list and metadata document, each under the hash of its bytes, each only if absent. Equal
 * input gives equal bytes and keys, so a repetition writes nothing new.
 *
 * Files that are new or go make a snapshot; so does the first write, even without files. Files without rows are listed like all others:
 * engines read them as empty. A change of columns, labels or properties alone changes the metadata and makes no snapshot. Snapshots are never
 * expired here, and appends never merge manifests: both grow by one with each change.
 *
 * Throws IcebergError, which names table and file, for a parent that cannot be read, a file given twice, or a file that changed in size.
 */
export async function writeTable(options: WriteTableOptions): Promise<WrittenTable> {
  const { store, study, layer, dataset, fields, files, mode, parent, time } = options
  const lake = createLakeWriter(options)
  const location = address(store.bucket, tableLocationKey(study, layer, dataset))
  const before = parent ?? newTable({ uuid: tableUuid(study, layer, dataset), location, time })
  const updated = parent ? Math.max(time.getTime(), parent['last-updated-ms'] + 1) : time.getTime()

  const { metadata: withColumns, schema } = setSchema(before, fields)
  const { metadata: withSpec, specId } = ensureUnpartitioned(withColumns)
  let metadata: TableMetadata = {
    ...(mode === 'replace' ? resetLayout(withSpec, specId) : withSpec),
    properties: tableProperties(before, schema, options),
  }
  const change = await planFor(before, options)
  if (!currentSnapshot(before) || !isNoChange(change)) {
    metadata = addSnapshot(
      metadata,
      await writeSnapshot({ before, schema, specId, mode, files, change, time: updated, lake }),
    )
  }

  if (parent) {
    const parentText = options.parentText ?? formatTableMetadata(parent)
    const key = lake.metadataKey(parentText)
    if (formatTableMetadata(metadata) === formatTableMetadata(parent)) {
      return { metadata: parent, text: parentText, key, changed: false }
    }
    metadata = succeed(metadata, { parent, parentAddress: address(store.bucket, key), updated })
  }
  const text = formatTableMetadata(metadata)
  return { metadata, text, key: await lake.putMetadata(text), changed: true }
}

/** The uuid of a table: the same in every version and every lake. */
export function tableUuid(study: string, layer: Layer, dataset: string): string {
  return uuidV5(tableNamespace, `${study}/${layer}/${dataset}`)
}

async function planFor(before: TableMetadata, { store, mode, files }: WriteTableOptions): Promise<Change> {
  const manifests = await readManifests(store, before)
  try {
    return planChange(mode, files, manifests)
  } catch (cause) {
    throw new IcebergError(`table ${before.location}: ${(cause as Error).message}`, { cause })
  }
}

function tableProperties(
  { properties: present }: TableMetadata,
  schema: IcebergSchema,
  { properties, nameMapping: withMapping = false }: WriteTableOptions,
): Record<string, string> {
  return {
    'write.format.default': 'parquet',
    ...present,
    ...properties,
    // Data files are shared between versions: an engine that expires snapshots of one must not delete them.
    'gc.enabled': 'false',
    ...(withMapping ? { 'schema.name-mapping.default': nameMapping(schema) } : {}),
  }
}
