import { createHash } from 'node:crypto'
import type { ColumnBatch } from '../columns.ts'
import type { Field } from '../fields.ts'
import { indexedColumn } from '../parquet/read-chunk.ts'
import { castColumn, checkComparable } from './cast-column.ts'
import type { KeyMap } from './key-map.ts'
import type { PlacesOfBatch } from './key-places.ts'
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
  const { known, firstVersions } = map
  for (const { file, fields, batches: deliveredBatches } of delivered) {
    for (const [at, from] of fields.entries()) checkComparable({ from, to: targets[at]!, file })
    for (const batch of deliveredBatches) {
      const first = known.largest + 1
      const { fresh } = findPlaces(map, batch, fields)
      known.allocate()
      while (firstVersions.length < known.count) firstVersions.push(version)
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

function findPlaces({ known }: KeyMap, { rows, columns }: ColumnBatch, fields: Field[]): PlacesOfBatch {
  const indexed = columns.map(column => indexedColumn(column, rows))
  const types = fields.map(({ type }) => type)
  return known.places.find(indexed, types, rows)
}

/** Names the keys that one dataset's natural keys have, in its order: equal where the dataset's key columns would be equal. All must be in the map. */
export function hashKeys(map: KeyMap, { fields, batches }: DeliveredKeys): string {
  const hash = createHash('sha256')
  for (const batch of batches) {
    const keys: string[] = []
    for (const place of findPlaces(map, batch, fields).places) if (place >= 0) keys.push(`${map.known.keyOf(place)},`)
    hash.update(keys.join(''))
  }
  return hash.digest('hex')
}

/**
 * Counts the distinct natural keys that were delivered, and those of them that the given version was the first to deliver. All must be in the
 * map.
 */
export function countKeys(map: KeyMap, delivered: DeliveredKeys[], version: string): { distinct: number; new: number } {
  const seen = new Uint8Array(map.known.count)
  const counts = { distinct: 0, new: 0 }
  for (const { fields, batches } of delivered) {
    for (const batch of batches) {
      for (const place of findPlaces(map, batch, fields).places) {
        if (place < 0 || seen[place]) continue
        seen[place] = 1
        counts.distinct++
        if (map.firstVersions[place] === version) counts.new++
      }
    }
  }
  return counts
}
