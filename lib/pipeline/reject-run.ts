import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { runBranch } from '../layout.ts'
import { datasetReports, type VersionRecord } from './version-record.ts'
import { writeReport } from './version-report.ts'

/** Ends a run that may not become a version: its report says why, its branch goes. Nothing else was visible of it. */
export async function rejectRun(
  environment: Environment,
  { record, run, problems }: { record: VersionRecord; run: string; problems: Problem[] },
): Promise<void> {
  const { study, version, fingerprint } = record
  await writeReport(
    environment,
    {
      study,
      version,
      run,
      fingerprint,
      status: 'rejected',
      datasets: datasetReports(record),
      entities: [],
      waitingFor: [],
      problems,
      warnings: [],
    },
    undefined,
  )
  await environment.lakefs.deleteBranch(study, runBranch(version, run))
  environment.log.warn('run is rejected', { problems: problems.length })
}
