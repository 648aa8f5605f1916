import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { DatasetReport } from '../report.ts'
import type { LandedDataset, LandingState } from './landing-state.ts'
import { type Outcome, readOutcome } from './outcome.ts'

/** Outcomes read at once, at most. */
const readsAtOnce = 8

export interface ConvertedDataset {
  item: LandedDataset
  outcome: Outcome
}

/** How far a version has come, judged from what is landed and converted now. */
export type Judgement =
  /** Some file that is present is not converted yet. */
  | { state: 'converting'; unconverted: LandedDataset[] }
  /** No retry mends it; a change of the inputs may. */
  | { state: 'rejected'; problems: Problem[]; converted: ConvertedDataset[] }
  /** Something is declared and not there. */
  | { state: 'waiting'; converted: ConvertedDataset[] }
  | { state: 'complete'; converted: ConvertedDataset[] }

/**
 * Judges a version. A problem of the contents file or a rejected conversion refuses it even while other files are missing, but only when all
 * that is present is converted, so that the report names everything at once.
 */
export async function judgeVersion({ lake }: Pick<Environment, 'lake'>, state: LandingState): Promise<Judgement> {
  const converted: ConvertedDataset[] = []
  const unconverted: LandedDataset[] = []
  const outcomes = await mapConcurrently(state.landed, readsAtOnce, ({ dataset, contentKey }) =>
    readOutcome(lake, { study: state.study, dataset: dataset.name, contentKey }),
  )
  for (const [at, item] of state.landed.entries()) {
    const outcome = outcomes[at]
    if (outcome) converted.push({ item, outcome })
    else unconverted.push(item)
  }
  if (unconverted.length > 0) return { state: 'converting', unconverted }
  const refused = converted.filter(({ outcome }) => outcome.status === 'rejected')
  const problems = [...state.problems, ...refused.flatMap(({ outcome }) => outcome.problems)]
  if (problems.length > 0) return { state: 'rejected', problems, converted }
  if (state.missing.length > 0) return { state: 'waiting', converted }
  return { state: 'complete', converted }
}

/** The report's line on a converted dataset. */
export function reportDataset({ item, outcome }: ConvertedDataset): DatasetReport {
  return {
    dataset: item.dataset.name,
    file: item.file,
    columns: item.dataset.fields.length,
    rowsIn: outcome.rowsIn,
    rowsOut: outcome.rowsOut,
    rowsRejected: outcome.rowsRejected,
    valuesNulled: outcome.valuesNulled,
    nullKeys: Object.fromEntries(
      outcome.entities.filter(({ nullRows }) => nullRows > 0).map(({ entity, nullRows }) => [entity, nullRows]),
    ),
  }
}

/** What a person should know of an accepted dataset: values that were stored as null. */
export function warningsOf(converted: Pick<ConvertedDataset, 'outcome'>[]): Problem[] {
  return converted.flatMap(({ outcome }) => outcome.problems)
}
