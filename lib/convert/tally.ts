import type { CsvResult } from '../csv/decode-csv.ts'
import { createProblemLog } from '../csv/problem-log.ts'
import { describeRaggedRow } from '../csv/row-filler.ts'
import type { CollectedKeys } from '../keys/collect.ts'
import type { ConversionJob, PartOutcome } from './convert-part.ts'
import { createKeyJoiner } from './part-keys.ts'

/** What has been found out of a file so far. */
export interface Findings extends Omit<CsvResult, 'sha256' | 'bytes'> {
  keys: CollectedKeys[]
}

/** Adds up what became of a file's parts, in the order of the file: together it is what one decoder of the whole file would say. */
export function createTally(job: Pick<ConversionJob, 'file' | 'fields' | 'entities' | 'maxProblems'>) {
  const log = createProblemLog(job)
  const keys = createKeyJoiner(job)
  let [rowsOut, rowsRejected, valuesNulled, blankLines] = [0, 0, 0, 0]

  return {
    add(part: PartOutcome): void {
      if (part.rowsOut + part.rowsRejected > 0) {
        // Rows behind them make rows of the blank lines at the end of the part before.
        for (; blankLines > 0; blankLines--) {
          const row = rowsOut + ++rowsRejected
          log.add(describeRaggedRow({ row, cells: 1, columns: job.fields.length }))
        }
      }
      log.addPart(part.problems, rowsOut + rowsRejected)
      keys.add(part.keys, rowsOut)
      rowsOut += part.rowsOut
      rowsRejected += part.rowsRejected
      valuesNulled += part.valuesNulled
      blankLines += part.blankLines
    },
    /** Rows before the next part's first record, blank lines counted. */
    recordsBefore: (): number => rowsOut + rowsRejected + blankLines,
    findings: (): Findings => ({
      rowsIn: rowsOut + rowsRejected,
      rowsOut,
      rowsRejected,
      valuesNulled,
      problems: log.problems(),
      problemCount: log.count(),
      keys: keys.result(),
    }),
  }
}
