import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import { createDistinctKeys } from './distinct-keys.ts'
import { type Entity, naturalKeyFields } from './entities.ts'
import { createPartPool } from './known-keys.ts'
import { takeRows } from './take-rows.ts'

/** What one dataset says of one entity. */
export interface CollectedKeys {
  entity: Entity
  /** The natural key's fields, in the key's order. */
  fields: Field[]
  /** Batches of distinct natural keys, in the order of their first rows; columns as `fields`. */
  batches: ColumnBatch[]
  /** Distinct natural keys without a null part. */
  distinct: number
  /** Rows with a null part. */
  nullRows: number
  /** 1-based row of the first of these. */
  firstNullRow?: number
}

/**
 * Collects the distinct natural keys of each entity while batches pass by. Memory grows with the distinct keys, not with the rows.
 * `add` takes the dataset's batches in order.
 */
export function collectNaturalKeys(fields: Field[], entities: Entity[]) {
  let rowsBefore = 0
  const parts = createPartPool()
  const collectors = entities.map(entity => {
    const keyFields = naturalKeyFields({ fields }, entity)!
    return {
      collected: { entity, fields: keyFields, batches: [], distinct: 0, nullRows: 0 } as CollectedKeys,
      positions: keyFields.map(field => fields.indexOf(field)),
      keys: createDistinctKeys(
        keyFields.map(field => field.type),
        parts(keyFields.map(({ name }) => name)),
      ),
    }
  })
  return {
    add(batch: ColumnBatch): void {
      for (const { collected, positions, keys } of collectors) {
        const part: ColumnBatch = { rows: batch.rows, columns: positions.map(position => batch.columns[position]!) }
        const { fresh, nullRows, firstNullRow } = keys.add(part)
        collected.nullRows += nullRows
        if (firstNullRow !== undefined) collected.firstNullRow ??= rowsBefore + firstNullRow + 1
        if (fresh.length > 0) collected.batches.push(takeRows(part, fresh))
        collected.distinct = keys.count()
      }
      rowsBefore += batch.rows
    },
    result: (): CollectedKeys[] => collectors.map(({ collected }) => collected),
  }
}
