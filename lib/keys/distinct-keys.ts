import type { ColumnBatch } from '../columns.ts'
import type { FieldType } from '../fields.ts'
import { indexedColumn } from '../parquet/read-chunk.ts'
import { createKeyPlaces, type PlacesOfBatch } from './key-places.ts'
import type { PartNumbers } from './part-numbers.ts'

/** What the rows of a batch bring. */
export type KeysOfBatch = Pick<PlacesOfBatch, 'fresh' | 'nullRows' | 'firstNullRow'>

/**
 * Tells natural keys apart over batches. Holds a few words a distinct key. `parts` are shared by entities that have parts in common; by
 * default they are this one's own.
 */
export function createDistinctKeys(types: FieldType[], parts?: PartNumbers[]) {
  const places = createKeyPlaces(parts)
  return {
    count: (): number => places.count,
    /** The batch's columns are the parts, in the key's order. */
    add({ rows, columns }: ColumnBatch): KeysOfBatch {
      const indexed = columns.map(column => indexedColumn(column, rows))
      const { fresh, nullRows, firstNullRow } = places.find(indexed, types, rows)
      return { fresh, nullRows, firstNullRow }
    },
  }
}
