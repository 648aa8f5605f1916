import { type ColumnBatch, isNull } from '../../../lib/columns.ts'
import { type CsvOptions, type CsvResult, decodeCsv } from '../../../lib/csv/decode-csv.ts'
import { type Problem, Rejection } from '../../../lib/errors.ts'
import type { Field, FieldType } from '../../../lib/fields.ts'

/** The bytes in pieces of the given size; without one, whole. */
export async function* inPieces(bytes: Uint8Array | string, size = Infinity): AsyncGenerator<Uint8Array, void> {
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, Math.min(all.length, at + size))
}

/** The bytes in two pieces. */
export async function* cutAt(bytes: Uint8Array, position: number): AsyncGenerator<Uint8Array, void> {
  yield bytes.subarray(0, position)
  yield bytes.subarray(position)
}

/** `fields({ AGE: 'integer', W: 'decimal(5,2)', 'X!': 'string' })`: a `!` makes a column not nullable. */
export function makeFields(declared: Record<string, FieldType['kind'] | FieldType>): Field[] {
  return Object.entries(declared).map(([name, type], i) => ({
    id: i + 1,
    name: name.replace(/!$/, ''),
    type: typeof type === 'string' ? ({ kind: type } as FieldType) : type,
    nullable: !name.endsWith('!'),
  }))
}

/** The rows of a batch as plain values, null for nulls. */
export function rowsOf({ rows, columns }: ColumnBatch): unknown[][] {
  return Array.from({ length: rows }, (_, row) =>
    columns.map(column => {
      if (isNull(column, row)) return null
      return column.kind === 'text' ? column.values[column.indices[row]!] : column.values[row]
    }),
  )
}

export interface Decoded {
  rows: unknown[][]
  batches: ColumnBatch[]
  result: CsvResult
}

export async function decodeAll(
  body: AsyncIterable<Uint8Array>,
  options: Omit<CsvOptions, 'file'> & { file?: string },
): Promise<Decoded> {
  const decoder = decodeCsv(body, { file: 'dm.csv', ...options })
  const batches: ColumnBatch[] = []
  for (;;) {
    const step = await decoder.next()
    if (step.done) return { batches, rows: batches.flatMap(rowsOf), result: step.value }
    batches.push(step.value)
  }
}

export const decodeText = (text: string, fields: Field[], options: Partial<CsvOptions> = {}): Promise<Decoded> =>
  decodeAll(inPieces(text), { fields, ...options })

/** The problems of the Rejection that the work ends in; any other end is an error. */
export async function rejectionOf(work: Promise<unknown> | (() => unknown)): Promise<Problem[]> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof Rejection) return error.problems
    throw error
  }
  throw new Error('expected a Rejection')
}
