import type { Environment } from '../../environment.ts'
import { formatTableMetadata, parseTableMetadata, type TableMetadata } from '../../iceberg/metadata.ts'
import { type Layer, tablePath } from '../../layout.ts'
import { mapConcurrently } from '../../map-concurrently.ts'
import type { TableEdit } from '../table-edit.ts'

/** A table's metadata, and the document that says it: the bytes of the table object. */
export interface TableDocument {
  metadata: TableMetadata
  text: string
}

/** One table before and after all edits of it. */
export interface EditedTable {
  layer: Layer
  table: string
  before: TableDocument | undefined
  after: TableDocument | undefined
}

/** Tables that are read at once, at most. */
const readsAtOnce = 8

/** `work.summary` */
export const nameOf = ({ layer, table }: { layer: Layer; table: string }): string => `${layer}.${table}`

export const isChanged = ({ before, after }: EditedTable): boolean => before?.text !== after?.text

/** The document as it lies there is kept for as long as the metadata stays: somebody else may have written it in another form. */
function documentOf(metadata: TableMetadata | undefined, before: TableDocument | undefined): TableDocument | undefined {
  if (metadata === undefined || metadata === before?.metadata) return metadata && before
  return { metadata, text: formatTableMetadata(metadata) }
}

/**
 * Reads the tables of the edits at a commit and edits them, in the order given: an edit sees what those before it have made of its table. Each
 * table is there once, in the order of the first edits. Throws what an edit throws.
 */
export async function applyEdits(
  { lakefs }: Pick<Environment, 'lakefs'>,
  { study, commit, edits }: { study: string; commit: string; edits: readonly TableEdit[] },
): Promise<EditedTable[]> {
  const tables = [...new Map(edits.map(({ layer, table }) => [tablePath(layer, table), { layer, table }]))]
  const read = await mapConcurrently(tables, readsAtOnce, async ([path, name]) => {
    const bytes = await lakefs.getObject(study, commit, path)
    const text = bytes && new TextDecoder().decode(bytes)
    const before = text === undefined ? undefined : { metadata: parseTableMetadata(text, path), text }
    return [path, { ...name, before }] as const
  })
  const current = new Map(read.map(([path, { before }]) => [path, before?.metadata]))
  for (const { layer, table, edit } of edits) {
    const path = tablePath(layer, table)
    current.set(path, edit(current.get(path)))
  }
  return read.map(([path, { before, ...name }]) => ({ ...name, before, after: documentOf(current.get(path), before) }))
}
