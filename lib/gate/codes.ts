import type { Problem } from '../errors.ts'
import type { FileDifference } from '../iceberg/compare-file.ts'
import type { MetadataCode } from '../iceberg/verify-metadata.ts'
import type { ColumnDifference } from './compare-columns.ts'

/** Stable names of what the gate refuses. docs/gate.md lists every one with its cause and its cure. */
export type GateCode =
  | MetadataCode
  | 'event-refused'
  | `gate-${'missing' | 'changed'}`
  | `object-${'stray' | 'outside'}`
  | `table-${'misplaced' | 'unreadable' | 'type' | 'uuid' | 'uuid-shared' | 'location' | 'replaced'}`
  | 'address-outside'
  | `snapshot-${'rewritten' | 'skipped' | 'lost'}`
  | `file-${'format' | 'missing' | 'size' | 'unreadable' | 'rows' | 'other'}`
  | 'delete-file'
  | 'delete-file-columns'
  | `footer-${FileDifference['kind'] | Exclude<ColumnDifference, 'label'>}`
  | 'declaration-unreadable'
  | `contents-${'missing' | 'table-missing' | 'table-undeclared' | ColumnDifference}`
  | `record-${'missing' | 'study' | 'rows' | 'columns' | 'content' | 'dataset-missing' | 'table-missing'}`
  | `base-${'without-raw' | 'rows' | 'content' | ColumnDifference}`
  | `key-table-${'missing' | 'columns'}`
  | `key-${'duplicate' | 'unknown' | 'wrong' | 'missing' | 'without-natural-key'}`
  | 'natural-key-duplicate'
  | `authority-${'table-lost' | 'rewritten'}`
  | 'keys-unauthorised'
  | `engine-${'column-missing' | 'column-extra' | 'type' | 'order' | 'table-extra'}`
  | 'version-replaced'

/** What a rule of the gate finds. */
export interface GateProblem extends Problem {
  code: GateCode
}

/**
 * True where a version was refused for nothing but what an engine beside the lake has registered: that is mended there, without a change of the
 * version's inputs.
 */
export const isEngineRefusal = (problems: readonly Problem[]): boolean =>
  problems.length > 0 && problems.every(({ code }) => code.startsWith('engine-'))
