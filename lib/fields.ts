/** The types that a contents file can declare, by the names of the plain dialect. */
export type FieldType =
  | { kind: 'string' }
  | { kind: 'integer' } // 32 bits
  | { kind: 'bigint' } // 64 bits
  | { kind: 'decimal'; precision: number; scale: number } // 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision
  | { kind: 'double' }
  | { kind: 'boolean' }
  | { kind: 'date' }
  | { kind: 'timestamp' } // without zone, microseconds
  | { kind: 'time' } // microseconds of the day

/** One declared column. */
export interface Field {
  /** Iceberg field id, positive. */
  id: number
  /** In the declared case; unique within a dataset without case. */
  name: string
  type: FieldType
  nullable: boolean
  /** The declared label; the Iceberg column's doc. */
  label?: string
  /** The declared format, upper case, where it decides how text is read: `DATE9.`, `E8601DT.`. */
  format?: string
}

/** One declared dataset: a CSV file, a table. Fields are in the order of the contents file. */
export interface Dataset {
  /** Lower case. */
  name: string
  fields: Field[]
}

/** A contents file, normalised. */
export interface Contents {
  datasets: Dataset[]
}

/** The type as the plain dialect writes it: `decimal(10,2)`. */
export function formatType(type: FieldType): string {
  return type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : type.kind
}
