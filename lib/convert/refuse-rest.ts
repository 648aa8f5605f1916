import { describeTextFault } from '../csv/describe-fault.ts'
import { createProblemLog } from '../csv/problem-log.ts'
import { createRecordDecoder } from '../csv/record-decoder.ts'
import { Rejection } from '../errors.ts'
import type { ConversionJob } from './convert-part.ts'
import type { Part } from './cut-parts.ts'

/** Bytes given to the decoder at once. */
const sliceBytes = 128 * 1024

/**
 * Decodes the rest of a file in one piece for what makes it unreadable: `parts` and then those that `next` gives. Throws that as a Rejection, its
 * rows counted over the whole file, of which `recordsBefore` are before the parts.
 */
export async function refuseRest({
  job,
  parts,
  next,
  recordsBefore,
}: {
  job: ConversionJob
  parts: Part[]
  next: () => Promise<Part | undefined>
  recordsBefore: number
}): Promise<never> {
  const limits = { maxBatchRows: job.rowGroupRows, maxBatchBytes: job.rowGroupBytes }
  const decoder = createRecordDecoder({ ...job, ...limits, log: createProblemLog(job) })
  const waiting = [...parts]
  try {
    for (let part = waiting.shift() ?? (await next()); part; part = waiting.shift() ?? (await next())) {
      for (let at = 0; at < part.bytes.length; at += sliceBytes) {
        for (const _ of decoder.feed(part.bytes.subarray(at, at + sliceBytes)));
      }
      const { fault } = part
      if (fault) throw new Rejection(describeTextFault(fault, { file: job.file, row: decoder.placeFault() }))
    }
    for (const _ of decoder.finish());
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    throw new Rejection(error.problems.map(({ row, ...problem }) => ({ ...problem, ...place(row) })))
  }
  throw new Error(`${job.file}: a part of the file cannot be read, and the whole file can`)

  function place(row: number | undefined): { row?: number } {
    return row === undefined ? {} : { row: row + recordsBefore }
  }
}
