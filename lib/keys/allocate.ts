import { createHash } from 'node:crypto'
import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import { castColumn, checkComparable } from './cast-column.ts'
import type { KeyMap } from './key-map.ts'
import { readNaturalKeys } from './natural-key.ts'
import { takeRows } from './take-rows.ts'

/** Distinct natural keys as one dataset delivered them, in the order of their first rows. */
export interface DeliveredKeys {
  /** Named in a rejection. */
  file: string
  fields: Field[]
  batches: ColumnBatch[]
}

export interface Allocation {
  /** Rows of the key table for the keys that are new, with all of its columns; one batch a delivered batch that has any. */
  batches: ColumnBatch[]
  /** Keys allocated. */
  added: number
}

/**
 * Gives a surrogate key to every delivered natural key that the map does not know: the next number each, datasets in the given order, rows in
 * theirs. The map is updated. Throws Rejection when a part does not fit the type that the key table has for it.
 */
export function allocateKeys(
  map: KeyMap,
  tableFields: Field[],
  delivered: DeliveredKeys[],
  version: string,
): Allocation {
  const targets = tableFields.slice(0, -2)
  const batches: ColumnBatch[] = []
  let added = 0
  for (const { file, fields, batches: deliveredBatches } of delivered) {
    const types = fields.map(({ type }) => type)
    for (const [at, from] of fields.entries()) checkComparable({ from, to: targets[at]!, file })
    for (const batch of deliveredBatches) {
      const naturalKey = readNaturalKeys(batch, types)
      const fresh: number[] = []
      const first = map.largest + 1
      for (let row = 0; row < batch.rows; row++) {
        const text = naturalKey(row)
        if (text === undefined || map.keys.has(text)) continue
        map.keys.set(text, ++map.largest)
        map.firstVersions.set(text, version)
        fresh.push(row)
      }
      if (fresh.length === 0) continue
      added += fresh.length
      const { columns } = takeRows(batch, fresh)
      batches.push({
        rows: fresh.length,
        columns: [
          ...columns.map((column, at) => castColumn(column, { from: fields[at]!, to: targets[at]!, file })),
          { kind: 'int64', values: BigInt64Array.from(fresh, (_, at) => BigInt(first + at)) },
          { kind: 'text', values: [version], indices: new Uint32Array(fresh.length) },
        ],
      })
    }
  }
  return { batches, added }
}

/** Names the keys that one dataset's natural keys have, in its order: equal where the dataset's key columns would be equal. */
export function hashKeys(map: KeyMap, { fields, batches }: DeliveredKeys): string {
  const hash = createHash('sha256')
  const types = fields.map(({ type }) => type)
  for (const batch of batches) {
    const naturalKey = readNaturalKeys(batch, types)
    for (let row = 0; row < batch.rows; row++) {
      const text = naturalKey(row)
      if (text !== undefined) hash.update(`${map.keys.get(text)},`)
    }
  }
  return hash.digest('hex')
}

/** Counts the distinct natural keys that were delivered, and those of them that the given version was the first to deliver. */
export function countKeys(map: KeyMap, delivered: DeliveredKeys[], version: string): { distinct: number; new: number } {
  const seen = new Set<string>()
  let fresh = 0
  for (const { fields, batches } of delivered) {
    const types = fields.map(({ type }) => type)
    for (const batch of batches) {
      const naturalKey = readNaturalKeys(batch, types)
      for (let row = 0; row < batch.rows; row++) {
        const text = naturalKey(row)
        if (text === undefined || seen.has(text)) continue
        seen.add(text)
        if (map.firstVersions.get(text) === version) fresh++
      }
    }
  }
  return { distinct: seen.size, new: fresh }
}
