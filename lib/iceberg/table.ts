/** Iceberg tables, format version 2, as Studylake reads and writes them: what the rest of the project uses of this folder. */
export type { ColumnMetrics } from '../parquet/metrics.ts'
export type { DataFile, DataFileEntry } from './data-file.ts'
export { IcebergError } from './error.ts'
export {
  currentSchema,
  currentSchemaFields,
  currentSnapshot,
  equalIds,
  findSnapshot,
  formatTableMetadata,
  type Id,
  parseTableMetadata,
  type Snapshot,
  type TableMetadata,
} from './metadata.ts'
export type { WriteMode } from './plan-change.ts'
export { readDataFiles, type SnapshotOptions } from './read-table.ts'
export {
  equalSchemas,
  fieldsOfSchema,
  fieldType,
  type IcebergField,
  type IcebergSchema,
  icebergSchema,
  icebergType,
} from './schema.ts'
export { verifySnapshot } from './verify-table.ts'
export { tableUuid, type WriteTableOptions, type WrittenTable, writeTable } from './write-table.ts'
