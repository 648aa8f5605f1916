import type { Environment } from '../environment.ts'
import { type Problem, Rejection } from '../errors.ts'
import { judgeCommit } from '../gate/attest.ts'
import { mainBranch } from '../layout.ts'
import { warningsOf } from './judge.ts'
import { readLandingState } from './landing-state.ts'
import { readOutcome } from './outcome.ts'
import { promoteVersion } from './promote.ts'
import { datasetReports, readVersionRecord } from './version-record.ts'
import { writeReport } from './version-report.ts'

/** Promotes a version. A refusal concerns `main` alone: the version is committed all the same, and its report says what stood in the way. */
async function promote(
  environment: Environment,
  version: { study: string; version: string; commit: string; landed: Date | undefined },
): Promise<{ promoted?: boolean; problems?: Problem[] }> {
  try {
    return { promoted: await promoteVersion(environment, version) }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    const refused = { code: 'promotion-refused', message: `the version was not promoted to ${mainBranch}` }
    return { problems: [refused, ...error.problems] }
  }
}

/** Says why a version that is there is rejected. */
const unattested: Problem = {
  code: 'unattested',
  message: `UNATTESTED: the gate has not passed what is on the branch, and does not now; it is not served, and not promoted to ${mainBranch}`,
}

/**
 * What follows a version's commit: the attestation, promotion where the study asks for it, the report. All of it may be done again, or after an
 * interruption. A head that came about without the gate is judged first; one that does not pass is reported as such and goes no further.
 */
export async function completeVersion(
  environment: Environment,
  { study, version, commit }: { study: string; version: string; commit: string },
): Promise<void> {
  const { lake, lakefs, log } = environment
  const record = await readVersionRecord(environment, study, commit)
  if (!record) throw new Error(`commit ${commit} of ${study} has no record of its version`)
  const { fingerprint } = record
  const { run } = (await lakefs.getCommit(study, commit))?.metadata ?? {}
  const state = await readLandingState(environment, { study, version })
  const landing = state.fingerprint === fingerprint ? state.landing : undefined
  const common = { study, version, commit, run, fingerprint, landing, datasets: datasetReports(record), waitingFor: [] }
  const problems = await judgeCommit(environment, { study, commit, destination: version })
  if (problems.length > 0) {
    await writeReport(
      environment,
      { ...common, status: 'rejected', entities: [], problems: [unattested, ...problems], warnings: [] },
      state.newest,
    )
    log.error('a commit that passed no gate does not pass it now', { commit, problems: problems.length })
    return
  }
  const promotion =
    record.promote && landing ? await promote(environment, { study, version, commit, landed: state.newest }) : {}
  const outcomes = await Promise.all(record.datasets.map(item => readOutcome(lake, { study, ...item })))
  await writeReport(
    environment,
    {
      ...common,
      status: 'committed',
      ...(promotion.promoted && { promoted: true }),
      entities: record.keys ?? [],
      problems: [],
      warnings: [
        ...(promotion.problems ?? []),
        ...state.warnings,
        ...warningsOf(outcomes.flatMap(outcome => (outcome ? [{ outcome }] : []))),
      ],
    },
    state.newest,
  )
}
