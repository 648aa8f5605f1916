import type { ColumnSlots } from './column-slots.ts'
import type { BadValuePolicy } from './decode-csv.ts'
import type { ProblemLog } from './problem-log.ts'

/** Puts a record's cells into slots, or leaves them out and says why. */
export interface RowFiller {
  /** Takes the record into the slot `state.row`, or none; adds to `state` and to the counts. */
  fill(cells: string[], state: { row: number; cost: number }): void
}

export function createRowFiller({
  columns,
  positions,
  onBadValue,
  counts,
  log,
}: {
  /** In the order of the fields. */
  columns: ColumnSlots[]
  /** Where each of them stands in a record. */
  positions: number[]
  onBadValue: BadValuePolicy
  counts: { rowsOut: number; rowsRejected: number; valuesNulled: number }
  log: ProblemLog
}): RowFiller {
  const rowCost = columns.reduce((sum, { width }) => sum + width, 0)

  return {
    fill(cells, state) {
      const row = counts.rowsOut + counts.rowsRejected + 1
      if (cells.length !== columns.length) {
        log.add(describeRaggedRow({ row, cells: cells.length, columns: columns.length }))
        counts.rowsRejected++
        clearSlots(state.row)
        return
      }
      const misfits = fillSlots(cells, state)
      const kept = misfits.every(({ fatal }) => !fatal)
      for (const misfit of misfits) log.add({ ...describeMisfit(misfit, kept), row, column: misfit.column })
      if (kept) {
        counts.valuesNulled += misfits.length
        counts.rowsOut++
        state.row++
      } else {
        clearSlots(state.row)
        counts.rowsRejected++
      }
    },
  }

  /** The loop over rows, or a record that was rejected, may have been here before. */
  function clearSlots(row: number): void {
    for (const column of columns) column.clear(row)
  }

  function fillSlots(cells: string[], state: { row: number; cost: number }): Misfit[] {
    clearSlots(state.row)
    const misfits: Misfit[] = []
    // Text of a rejected row stays in the dictionaries until the batch is taken, so it counts too.
    state.cost += rowCost
    for (const [at, column] of columns.entries()) {
      const { field, nullable } = column
      const cell = cells[positions[at]]
      if (field.type.kind === 'string') state.cost += Buffer.byteLength(cell)
      const outcome = column.read(cell, state.row)
      if (outcome === 'stored') continue
      column.setNull(state.row)
      if (outcome !== 'null') {
        misfits.push({ column: field.name, reason: outcome.reason, fatal: onBadValue === 'reject' || !nullable })
      } else if (!nullable) misfits.push({ column: field.name, fatal: true })
    }
    return misfits
  }
}

/** A row of another number of cells than the header has. */
export function describeRaggedRow({ row, cells, columns }: { row: number; cells: number; columns: number }) {
  return { code: 'ragged-row', message: `the row has ${cells} cells, and the header has ${columns}`, row }
}

/** Without a reason the value is missing where it must not be. */
interface Misfit {
  column: string
  reason?: string
  /** The row cannot be kept. */
  fatal: boolean
}

function describeMisfit({ reason }: Misfit, kept: boolean): { code: string; message: string } {
  if (reason === undefined) {
    const message = 'the value is missing, and the column is declared as not nullable'
    return { code: 'null-not-allowed', message }
  }
  return kept
    ? { code: 'value-set-to-null', message: `the value does not fit its type and was set to null: ${reason}` }
    : { code: 'value-does-not-fit', message: `the value does not fit its type: ${reason}` }
}
