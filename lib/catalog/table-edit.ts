import type { TableMetadata } from '../iceberg/metadata.ts'
import type { Layer } from '../layout.ts'

/** A table of a study at a ref: branch, tag or commit id. */
export interface TableName {
  study: string
  ref: string
  layer: Layer
  table: string
}

/** What is to become of one table of a branch. */
export interface TableEdit {
  layer: Layer
  table: string
  /**
   * The table's metadata after the edit, from what it is at the head that is edited; undefined on either side = not there. Returning what it was
   * given = no change. Throws CatalogError where that cannot be: a requirement that does not hold, a table that is there already.
   */
  edit(before: TableMetadata | undefined): TableMetadata | undefined
}
