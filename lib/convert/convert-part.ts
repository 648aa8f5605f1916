import type { ColumnBatch } from '../columns.ts'
import type { BadValuePolicy } from '../csv/decode-csv.ts'
import type { Dialect } from '../csv/find-dialect.ts'
import { createProblemLog, type ProblemPart } from '../csv/problem-log.ts'
import { createRecordDecoder } from '../csv/record-decoder.ts'
import type { Field } from '../fields.ts'
import type { Entity } from '../keys/entities.ts'
import { type EncodedRowGroup, encodeRowGroup } from '../parquet/row-group.ts'
import { parquetSchema } from '../parquet/schema.ts'
import { createPartKeys, type KeysOfPart } from './part-keys.ts'

/** What the conversion of every part of a file goes by. Plain objects: it is posted to the threads. */
export interface ConversionJob {
  /** Named in problems. */
  file: string
  fields: Field[]
  dialect: Dialect
  /** The file's; undefined where the parts begin with it. */
  header: string[] | undefined
  onBadValue: BadValuePolicy
  maxCellBytes: number
  maxProblems: number
  rowGroupRows: number
  rowGroupBytes: number
  /** Whose natural keys are collected. */
  entities: Entity[]
}

/** What became of a part, its rows counted from its first. Plain objects and typed arrays: it is posted between threads. */
export interface PartOutcome {
  rowGroups: EncodedRowGroup[]
  rowsOut: number
  rowsRejected: number
  valuesNulled: number
  problems: ProblemPart
  /** At the end; see RecordDecoder. */
  blankLines: number
  /** Of each entity, the keys that no part before had in this thread. */
  keys: KeysOfPart[]
}

/** Bytes given to the decoder at once: what stays in a processor's cache. */
const sliceBytes = 128 * 1024

/**
 * Converts parts of a file in the calling thread: decodes, then encodes into row groups, as few as the limits allow and of equal rows. It goes
 * step by step, so that a thread that has other work can do it in between. A step throws Rejection for what makes a file unreadable, also a part
 * that ends within a record; nothing can be converted afterwards.
 */
export function createPartConverter(job: ConversionJob) {
  const schema = parquetSchema(job.fields)
  const log = createProblemLog(job)
  const keys = createPartKeys(job)
  const { rowGroupRows, rowGroupBytes } = job
  const limits = { maxBatchRows: Number.MAX_SAFE_INTEGER, maxBatchBytes: rowGroupBytes }
  const decoder = createRecordDecoder({ ...job, ...limits, log })

  function* encode(batch: ColumnBatch): Generator<undefined, EncodedRowGroup[]> {
    keys.add(batch)
    const rowGroups: EncodedRowGroup[] = []
    const step = evenRows(batch.rows, rowGroupRows)
    for (let start = 0; start < batch.rows; start += step) {
      yield
      const end = Math.min(batch.rows, start + step)
      rowGroups.push(encodeRowGroup({ schema, slices: [{ batch, start, end }] }))
    }
    return rowGroups
  }

  return function* convertPart(bytes: Uint8Array): Generator<undefined, PartOutcome> {
    const rowGroups: EncodedRowGroup[] = []
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      for (const batch of decoder.feed(bytes.subarray(at, at + sliceBytes))) rowGroups.push(...(yield* encode(batch)))
      yield
    }
    for (const batch of decoder.finish()) rowGroups.push(...(yield* encode(batch)))
    const outcome = {
      rowGroups,
      ...decoder.counts,
      problems: log.takePart(),
      blankLines: decoder.blankLines(),
      keys: keys.take(),
    }
    decoder.restart()
    return outcome
  }
}

/** The rows of each of as few row groups as `most` allows, of about equal rows; at multiples of 8, where null bitmaps have whole bytes. */
function evenRows(rows: number, most: number): number {
  const groups = Math.ceil(rows / most)
  return Math.min(most, Math.ceil(rows / groups / 8) * 8)
}

export type PartConverter = ReturnType<typeof createPartConverter>
