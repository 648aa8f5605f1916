import { createHash } from 'node:crypto'
import type { ColumnBatch } from '../../../../lib/columns.ts'
import type { BadValuePolicy, CsvOptions, CsvResult } from '../../../../lib/csv/decode-csv.ts'
import { defaultMaxCellBytes } from '../../../../lib/csv/limits.ts'
import { matchHeader } from '../../../../lib/csv/match-header.ts'
import { createProblemLog, type ProblemLog } from '../../../../lib/csv/problem-log.ts'
import { tokenize } from '../../../../lib/csv/tokenize.ts'
import { Rejection } from '../../../../lib/errors.ts'
import type { Field } from '../../../../lib/fields.ts'
import { createColumnBuilder } from './column-builder.ts'

/**
 * The oracle of decodeCsv: csv-parse's records, cell by cell as strings. Slow, and simple enough to be believed. Text is
 * reckoned by its characters, so batches end as decodeCsv's where text is ASCII.
 */
export async function* decodeByStrings(
  body: AsyncIterable<Uint8Array>,
  {
    file,
    fields,
    encoding,
    onBadValue = 'reject',
    maxCellBytes = defaultMaxCellBytes,
    maxBatchRows = 131_072,
    maxBatchBytes = 64 * 1024 * 1024,
    maxProblems = 100,
  }: CsvOptions,
): AsyncGenerator<ColumnBatch, CsvResult> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* counted(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of body) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }

  const log = createProblemLog({ file, maxProblems })
  let decoder: RowDecoder | undefined
  let blanks = 0
  const names = fields.map(field => field.name)
  for await (const records of tokenize(counted(), { file, names, encoding, maxCellBytes })) {
    for (const record of records) {
      if (!decoder) {
        decoder = createRowDecoder({
          positions: matchHeader({ header: record, fields, file }),
          fields,
          onBadValue,
          log,
        })
        continue
      }
      if (record.length === 1 && record[0] === '' && fields.length > 1) {
        blanks++
        continue
      }
      for (; blanks > 0; blanks--) decoder.decode([''])
      decoder.decode(record)
      if (decoder.size.rows < maxBatchRows && decoder.size.bytes < maxBatchBytes) continue
      const batch = decoder.take()
      if (batch.rows > 0) yield batch
    }
  }
  if (!decoder) {
    throw new Rejection({ code: 'empty-file', message: 'the file is empty: it has no line of column names', file })
  }
  if (decoder.size.rows > 0) yield decoder.take()
  return {
    ...decoder.counts,
    rowsIn: decoder.counts.rowsOut + decoder.counts.rowsRejected,
    problems: log.problems(),
    problemCount: log.count(),
    sha256: hash.digest('hex'),
    bytes,
  }
}

interface RowDecoder {
  decode(record: string[]): void
  /** Of the batch under way. */
  readonly size: { rows: number; bytes: number }
  readonly counts: { rowsOut: number; rowsRejected: number; valuesNulled: number }
  take(): ColumnBatch
}

/** Puts records into column builders, or leaves them out and says why. */
function createRowDecoder({
  positions,
  fields,
  onBadValue,
  log,
}: {
  positions: number[]
  fields: Field[]
  onBadValue: BadValuePolicy
  log: ProblemLog
}): RowDecoder {
  const columns = fields.map((field, i) => ({ field, position: positions[i]!, builder: createColumnBuilder(field) }))
  const size = { rows: 0, bytes: 0 }
  const counts = { rowsOut: 0, rowsRejected: 0, valuesNulled: 0 }

  /** False where the row cannot be kept. */
  function fill(record: string[], row: number): boolean {
    let kept = true
    let cost = 0
    const misfits: Misfit[] = []
    for (const { field, position, builder } of columns) {
      const cell = record[position]!
      cost += builder.cost(cell)
      const outcome = cell === '' ? 'null' : builder.read(cell, size.rows)
      if (outcome === 'stored') continue
      builder.setNull(size.rows)
      if (outcome !== 'null') {
        misfits.push({ column: field.name, reason: outcome.reason })
        if (onBadValue === 'reject' || !field.nullable) kept = false
      } else if (!field.nullable) {
        misfits.push({ column: field.name })
        kept = false
      }
    }
    for (const misfit of misfits) log.add({ ...describeMisfit(misfit, kept), row, column: misfit.column })
    if (kept) counts.valuesNulled += misfits.length
    // Text of a rejected row stays in the dictionaries until the batch is taken, so it counts too.
    size.bytes += cost
    return kept
  }

  return {
    size,
    counts,
    decode(record) {
      const row = counts.rowsOut + counts.rowsRejected + 1
      if (record.length !== fields.length) {
        const message = `the row has ${record.length} cells, and the header has ${fields.length}`
        log.add({ code: 'ragged-row', message, row })
        counts.rowsRejected++
      } else if (fill(record, row)) {
        size.rows++
        counts.rowsOut++
      } else {
        for (const { builder } of columns) builder.clear(size.rows)
        counts.rowsRejected++
      }
    },
    take() {
      const batch = { rows: size.rows, columns: columns.map(({ builder }) => builder.take(size.rows)) }
      size.rows = 0
      size.bytes = 0
      return batch
    },
  }
}

/** Without a reason the value is missing where it must not be. */
interface Misfit {
  column: string
  reason?: string
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
