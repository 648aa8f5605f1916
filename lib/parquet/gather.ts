import { type ColumnBatch, countNulls, isNull } from '../columns.ts'
import type { Field } from '../fields.ts'
import { columnKind } from './schema.ts'

/** Rows [start, end) of a batch. */
export interface Slice {
  batch: ColumnBatch
  start: number
  end: number
}

/** Says how far a row group reaches into a batch, and whether it is complete there. Called with rows in order, each once. */
export type Cutter = (batch: ColumnBatch, start: number) => { end: number; full: boolean }

/** Cuts batches anew into row groups: the small are gathered, the large split. Row groups hold slices; nothing is copied. */
export async function* gatherRowGroups({
  fields,
  batches,
  cut,
}: {
  fields: Field[]
  batches: AsyncIterable<ColumnBatch>
  cut: Cutter
}): AsyncGenerator<Slice[]> {
  let slices: Slice[] = []
  let before = 0
  for await (const batch of batches) {
    checkBatch(fields, batch, before)
    before += batch.rows
    for (let start = 0; start < batch.rows; ) {
      const { end, full } = cut(batch, start)
      if (end > start) slices.push({ batch, start, end })
      if (full) {
        yield slices
        slices = []
      }
      start = end
    }
  }
  if (slices.length > 0) yield slices
}

/**
 * Ends a row group after `rows` rows, or after the row with which the values' plain size reaches `bytes`. The size is that of the
 * values alone, so equal rows give equal row groups however they came in batches.
 */
export function cutByLimits({ fields, rows, bytes }: { fields: Field[]; rows: number; bytes: number }): Cutter {
  const fixed = fields.reduce((sum, { type }) => sum + plainWidth[columnKind(type)], 0)
  let rowsHeld = 0
  let bytesHeld = 0
  /** Taken in whole, and not yet counted into `bytesHeld`: most row groups end by their rows, and then nothing has to be counted. */
  let uncounted: Slice[] = []
  let most = 0
  let measured: { batch: ColumnBatch; text: Float64Array } | undefined
  const textOf = (batch: ColumnBatch): Float64Array => {
    if (measured?.batch !== batch) measured = { batch, text: textLengths(batch) }
    return measured.text
  }
  return (batch, start) => {
    const within = Math.min(batch.rows, start + rows - rowsHeld)
    const bound = (within - start) * (fixed + longestText(batch))
    let end = start
    let full = false
    if (bytesHeld + most + bound < bytes) {
      end = within
      rowsHeld += end - start
      most += bound
      uncounted.push({ batch, start, end })
      full = rowsHeld >= rows
    } else {
      for (const slice of uncounted) {
        const text = textOf(slice.batch)
        for (let row = slice.start; row < slice.end; row++) bytesHeld += fixed + text[row]
      }
      uncounted = []
      most = 0
      const text = textOf(batch)
      while (end < batch.rows && !full) {
        bytesHeld += fixed + text[end++]
        rowsHeld++
        full = rowsHeld >= rows || bytesHeld >= bytes
      }
    }
    if (full) {
      rowsHeld = 0
      bytesHeld = 0
      uncounted = []
      most = 0
    }
    return { end, full }
  }
}

/** Ends row groups after the given numbers of rows. Throws at a row beyond their sum. */
export function cutBySizes(sizes: number[]): Cutter {
  const filled = sizes.filter(size => size > 0)
  let group = 0
  let held = 0
  return (batch, start) => {
    if (group === filled.length)
      throw new Error(`more rows than the ${filled.reduce((sum, size) => sum + size, 0)} that the row groups hold`)
    const end = Math.min(batch.rows, start + filled[group] - held)
    held += end - start
    const full = held === filled[group]
    if (full) {
      group++
      held = 0
    }
    return { end, full }
  }
}

const plainWidth = { text: 4, int32: 4, int64: 8, double: 8, boolean: 1, decimal: 16 }

/** Bytes of text in each row. */
function textLengths({ rows, columns }: ColumnBatch): Float64Array {
  const sums = new Float64Array(rows)
  for (const column of columns) {
    if (column.kind !== 'text') continue
    const lengths = entryLengths(column)
    for (let row = 0; row < rows; row++) if (!isNull(column, row)) sums[row] += lengths[column.indices[row]]
  }
  return sums
}

/** Bytes of text that no row has more of. */
function longestText({ columns }: ColumnBatch): number {
  let sum = 0
  for (const column of columns) {
    if (column.kind !== 'text') continue
    let longest = 0
    for (const length of entryLengths(column)) if (length > longest) longest = length
    sum += longest
  }
  return sum
}

function entryLengths(column: ColumnBatch['columns'][number] & { kind: 'text' }): Uint32Array {
  const { utf8 } = column
  if (!utf8) return Uint32Array.from(column.values, value => Buffer.byteLength(value))
  const lengths = new Uint32Array(utf8.count)
  for (let at = 0; at < utf8.count; at++) lengths[at] = utf8.offsets[at + 1] - utf8.offsets[at]
  return lengths
}

function checkBatch(fields: Field[], { rows, columns }: ColumnBatch, before: number): void {
  if (columns.length !== fields.length)
    throw new Error(`a batch has ${columns.length} columns, the schema ${fields.length}`)
  for (const [at, column] of columns.entries()) {
    const { name, type, nullable } = fields[at]
    const subject = `column ${name}`
    const kind = columnKind(type)
    if (column.kind !== kind) throw new Error(`${subject}: a batch holds ${column.kind} values, expected ${kind}`)
    const length = column.kind === 'text' ? column.indices.length : column.values.length
    if (length < rows) throw new Error(`${subject}: a batch of ${rows} rows holds ${length} values`)
    if (nullable || countNulls(column) === 0) continue
    for (let row = 0; row < rows; row++)
      if (isNull(column, row))
        throw new Error(`${subject}, row ${before + row + 1}: null, but the column is not nullable`)
  }
}
