import type { Environment } from '../environment.ts'
import type { Report } from '../report.ts'
import { judgeVersion, reportDataset } from './judge.ts'
import { readLandingState } from './landing-state.ts'
import { listLandedVersions, type VersionName } from './sweep.ts'
import { readReport, reportOn } from './version-report.ts'

export interface VersionStatus {
  /** `processing`: all that is needed is there, and the work is not done yet. */
  state: 'waiting' | 'processing' | 'rejected' | 'committed'
  report: Report
}

/**
 * Where a version stands, from what is landed and converted now. The report is the one that was written for these inputs; where there is none
 * yet, one made at this look.
 */
export async function inspectVersion(environment: Environment, study: string, version: string): Promise<VersionStatus> {
  const state = await readLandingState(environment, { study, version })
  const written = await readReport(environment, study, version)
  const onThese = written?.fingerprint === state.fingerprint && written.status !== 'waiting'
  // The schedule leaves a committed version alone whose files are the same, though newer code would convert them anew.
  const onSameFiles = written?.landing === state.landing && written.status === 'committed'
  if (written && (onThese || onSameFiles)) return { state: written.status as 'committed' | 'rejected', report: written }
  const time = environment.now().toISOString()
  const judgement = await judgeVersion(environment, state)
  const datasets = judgement.state === 'converting' ? [] : judgement.converted.map(reportDataset)
  if (judgement.state === 'rejected') {
    return {
      state: 'rejected',
      report: { ...reportOn(state), status: 'rejected', datasets, problems: judgement.problems, time },
    }
  }
  const waits = state.missing.length > 0 && judgement.state !== 'converting'
  return { state: waits ? 'waiting' : 'processing', report: { ...reportOn(state), status: 'waiting', datasets, time } }
}

/** The versions that have an object in the landing bucket, of one study or of all. */
export async function listVersions(environment: Environment, study?: string): Promise<VersionName[]> {
  return listLandedVersions(environment, study)
}
