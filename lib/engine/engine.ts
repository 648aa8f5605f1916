import { TransientError } from '../errors.ts'
import type { Layer } from '../layout.ts'

/** A SQL engine, as far as the gate asks it. */
export interface SqlEngine {
  /** Runs one statement to its end; resolves with its rows, integers exact. Throws EngineError, within a time that suits a hook. */
  query(statement: string): Promise<unknown[][]>
}

/** A Hive-style catalog of a SQL engine in which a site registers the tables of its versions beside the lake, and by what names. */
export interface Engine {
  sql: SqlEngine
  /** `hive` */
  catalog: string
  names: EngineNames
}

/** What tables are called there; see names.ts. */
export interface EngineNames {
  /** `{study}__{version}` */
  schema: string
  /** `{layer}_{dataset}` */
  table: string
  /** Those that are registered. */
  layers: readonly Layer[]
}

/** The engine could not be asked, or its answer is none: what is registered there is not known, which may be otherwise at the next try. */
export class EngineError extends TransientError {
  override name = 'EngineError'
}
