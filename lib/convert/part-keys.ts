import { type Column, type ColumnBatch, textColumn } from '../columns.ts'
import type { Field } from '../fields.ts'
import type { CollectedKeys } from '../keys/collect.ts'
import { createDistinctKeys } from '../keys/distinct-keys.ts'
import { type Entity, naturalKeyFields } from '../keys/entities.ts'
import { takeRows } from '../keys/take-rows.ts'
import { encodeTexts, type Utf8Texts } from '../text-table.ts'

/** What a part of a file says of one entity. */
export interface KeysOfPart {
  /** Natural keys that were not in what the same thread converted before, in the order of their first rows. */
  batches: PlainBatch[]
  /** Rows with a null part. */
  nullRows: number
  /** 1-based row of the first of these, among the part's rows that are kept. */
  firstNullRow: number | undefined
}

/** A batch without functions, so that it can be posted to another thread. */
interface PlainBatch {
  rows: number
  columns: (Exclude<Column, { kind: 'text' }> | PlainText)[]
}
type PlainText = { kind: 'text'; utf8: Utf8Texts; indices: Uint32Array; nulls?: Uint8Array | undefined }

const noKeys = (): KeysOfPart => ({ batches: [], nullRows: 0, firstNullRow: undefined })

/** Collects natural keys of parts, as collectNaturalKeys does of a whole file. */
export function createPartKeys({ fields, entities }: { fields: Field[]; entities: Entity[] }) {
  const collectors = entities.map(entity => {
    const keyFields = naturalKeyFields({ fields }, entity)!
    return {
      positions: keyFields.map(field => fields.indexOf(field)),
      known: createDistinctKeys(keyFields.map(field => field.type)),
    }
  })
  let found = entities.map(noKeys)
  let rowsBefore = 0
  return {
    add(batch: ColumnBatch): void {
      for (const [at, { positions, known }] of collectors.entries()) {
        const part: ColumnBatch = { rows: batch.rows, columns: positions.map(position => batch.columns[position]) }
        const { fresh, nullRows, firstNullRow } = known.add(part)
        const keys = found[at]
        keys.nullRows += nullRows
        if (firstNullRow !== undefined) keys.firstNullRow ??= rowsBefore + firstNullRow + 1
        if (fresh.length > 0) keys.batches.push(flatten(takeRows(part, fresh)))
      }
      rowsBefore += batch.rows
    },
    /** The part's keys; the next batch is of another part. */
    take(): KeysOfPart[] {
      const taken = found
      found = entities.map(noKeys)
      rowsBefore = 0
      return taken
    },
  }
}

/** Joins the keys of a file's parts, in the order of the file: what collectNaturalKeys gives of the whole file. */
export function createKeyJoiner({ fields, entities }: { fields: Field[]; entities: Entity[] }) {
  const joined = entities.map(entity => {
    const keyFields = naturalKeyFields({ fields }, entity)!
    return {
      collected: { entity, fields: keyFields, batches: [], distinct: 0, nullRows: 0 } as CollectedKeys,
      known: createDistinctKeys(keyFields.map(field => field.type)),
    }
  })
  return {
    /** `rowsBefore`: rows kept of the parts before. */
    add(keys: KeysOfPart[], rowsBefore: number): void {
      for (const [at, { collected, known }] of joined.entries()) {
        const { batches, nullRows, firstNullRow } = keys[at]
        collected.nullRows += nullRows
        if (firstNullRow !== undefined) collected.firstNullRow ??= rowsBefore + firstNullRow
        for (const flat of batches) {
          const batch = raise(flat)
          const { fresh } = known.add(batch)
          if (fresh.length > 0) collected.batches.push(fresh.length === batch.rows ? batch : takeRows(batch, fresh))
        }
        collected.distinct = known.count()
      }
    },
    result: (): CollectedKeys[] => joined.map(({ collected }) => collected),
  }
}

/** Texts that the rows do not use are left behind: the dictionary is that of all rows. */
function flatten({ rows, columns }: ColumnBatch): PlainBatch {
  return { rows, columns: columns.map(column => (column.kind === 'text' ? flattenText(column) : column)) }
}

function flattenText(column: Column & { kind: 'text' }): PlainText {
  const { count, bytes, offsets } = column.utf8 ?? encodeTexts(column.values)
  const places = new Int32Array(count).fill(-1)
  const used: number[] = []
  const indices = column.indices.map(index => {
    if (places[index] < 0) places[index] = used.push(index) - 1
    return places[index]
  })
  const starts = new Int32Array(used.length + 1)
  for (const [at, index] of used.entries()) starts[at + 1] = starts[at] + offsets[index + 1] - offsets[index]
  const texts = new Uint8Array(starts[used.length])
  for (const [at, index] of used.entries()) texts.set(bytes.subarray(offsets[index], offsets[index + 1]), starts[at])
  return { kind: 'text', utf8: { count: used.length, bytes: texts, offsets: starts }, indices, nulls: column.nulls }
}

function raise({ rows, columns }: PlainBatch): ColumnBatch {
  return {
    rows,
    columns: columns.map(column =>
      column.kind === 'text' ? textColumn(column.utf8, column.indices, column.nulls) : column,
    ),
  }
}
