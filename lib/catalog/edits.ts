import { sha256 } from '../hash.ts'
import { formatTableMetadata, type TableMetadata } from '../iceberg/metadata.ts'
import { address, keyOfAddress, metadataKey, tableFilePrefixes } from '../layout.ts'
import { CatalogError } from './error.ts'
import { applyUpdates } from './metadata/apply-updates.ts'
import type { CommitTableRequest } from './metadata/bodies.ts'
import { fixedProperties } from './metadata/properties.ts'
import { checkRequirements, isCreate } from './metadata/requirements.ts'
import { noSuch } from './route.ts'
import type { TableEdit, TableName } from './table-edit.ts'

/** What edits are made with. */
export interface EditContext {
  /** Of the lake. */
  bucket: string
  now: Date
}

const show = ({ study, ref, layer, table }: TableName): string => `${study}@${ref}.${layer}.${table}`

/** What to throw where a table is there that is to be made. */
export const alreadyThere = (name: TableName): CatalogError =>
  new CatalogError('AlreadyExistsException', `there is a table ${show(name)} already`)

/**
 * Says of an address whether tables of the study may have files there: in the study's own part of the lake, and named so that no reader takes it for
 * another place.
 */
export const allowLocations =
  (bucket: string, study: string) =>
  (location: string): boolean => {
    const key = keyOfAddress(bucket, location)
    if (key === undefined || key.split('/').some(part => part === '.' || part === '..')) return false
    return tableFilePrefixes(study).some(prefix => key.startsWith(prefix))
  }

/** A commit of an engine to one table. Throws, when it is made, NoSuchTable and what requirements and updates throw. */
export function commitEdit(name: TableName, request: CommitTableRequest, { bucket, now }: EditContext): TableEdit {
  const { study, layer, table } = name
  return {
    layer,
    table,
    edit(before) {
      if (!before && !isCreate(request.requirements)) throw noSuch('NoSuchTableException', show(name))
      checkRequirements(before, request.requirements)
      const document = before && metadataKey(study, layer, table, sha256(formatTableMetadata(before)))
      return applyUpdates(before, request.updates, {
        now,
        previousLocation: document && address(bucket, document),
        isAllowedLocation: allowLocations(bucket, study),
      })
    },
  }
}

/** A new table of that metadata. Throws AlreadyExists where there is one; with `overwrite` that one is replaced. */
export function placeEdit(
  name: TableName,
  metadata: TableMetadata,
  { overwrite = false }: { overwrite?: boolean } = {},
): TableEdit {
  const { layer, table } = name
  return {
    layer,
    table,
    edit(before) {
      if (before && !overwrite) throw alreadyThere(name)
      return { ...metadata, properties: { ...metadata.properties, ...fixedProperties } }
    },
  }
}

/** Takes a table away; its files stay. Throws NoSuchTable. */
export function dropEdit(name: TableName): TableEdit {
  const { layer, table } = name
  return {
    layer,
    table,
    edit(before) {
      if (!before) throw noSuch('NoSuchTableException', show(name))
      return undefined
    },
  }
}

/** A table under another name: one edit takes it away, one puts it there. Throws NoSuchTable and AlreadyExists. */
export function renameEdits(source: TableName, destination: TableName): TableEdit[] {
  let moved: TableMetadata | undefined
  const { edit: take } = dropEdit(source)
  return [
    {
      layer: source.layer,
      table: source.table,
      edit(before) {
        moved = before
        return take(before)
      },
    },
    {
      layer: destination.layer,
      table: destination.table,
      edit(before) {
        if (before) throw alreadyThere(destination)
        return moved
      },
    },
  ]
}
