import { verifyMetadata } from '../iceberg/verify-metadata.ts'
import type { GateProblem } from './codes.ts'
import type { StudyView } from './view.ts'

/** The members of each table's metadata agree: schemas, partition specs, sort orders, snapshots, refs. */
export const checkMetadata = ({ tables }: StudyView): GateProblem[] =>
  tables.flatMap(({ name, metadata }) => verifyMetadata(metadata).map(problem => ({ ...problem, table: name })))
