import type { Environment } from '../environment.ts'
import { isEngineRefusal } from '../gate/codes.ts'
import { parseLandingKey } from '../layout.ts'
import { judgeVersion, reportDataset } from './judge.ts'
import { type LandingState, readLandingState } from './landing-state.ts'
import { queueWork } from './queue-work.ts'
import { readReport, reportOn, writeReport } from './version-report.ts'

export interface VersionName {
  study: string
  version: string
}

/** Every version that has an object in the landing bucket, in the order of the keys. */
export async function listLandedVersions(
  { landing }: Pick<Environment, 'landing'>,
  study?: string,
): Promise<VersionName[]> {
  const found = new Map<string, VersionName>()
  for await (const { key } of landing.list(study === undefined ? '' : `${study}/`)) {
    const parsed = parseLandingKey(key)
    if (parsed.kind !== 'dataset' && parsed.kind !== 'contents') continue
    found.set(`${parsed.study}/${parsed.version}`, { study: parsed.study, version: parsed.version })
  }
  return [...found.values()]
}

/** Seconds since what is judged was last changed. */
function ageOf({ changed }: LandingState, now: Date): number {
  return changed ? (now.getTime() - changed.getTime()) / 1000 : 0
}

/**
 * Whether a look by the schedule is due: one and two intervals after the newest upload, then after four, eight and so on, and once a day. What
 * is still being worked on is not queued again with every tick, and what was lost is found all the same.
 */
export function isSweepDue(ageSeconds: number, intervalSeconds: number): boolean {
  const doublings = (age: number) => (age < intervalSeconds ? -1 : Math.floor(Math.log2(age / intervalSeconds)))
  const days = (age: number) => Math.floor(age / 86_400)
  const before = ageSeconds - intervalSeconds
  return doublings(ageSeconds) > doublings(before) || days(ageSeconds) > Math.max(0, days(before))
}

/** Reports what has been missing for long. */
async function reportWaiting(environment: Environment, state: LandingState, age: number): Promise<void> {
  const waits = state.missing.length > 0 && state.problems.length === 0 && age >= environment.config.waitReportSeconds
  if (!waits) return
  const judgement = await judgeVersion(environment, state)
  if (judgement.state !== 'waiting') return
  const datasets = judgement.converted.map(reportDataset)
  await writeReport(environment, { ...reportOn(state), status: 'waiting', datasets }, state.newest)
}

/**
 * Looks at a version again, and does what an event that never came would have started. A version whose report is on its present inputs is left
 * alone, and so is a committed one whose files are the same under newer code.
 */
async function sweepVersion(
  environment: Environment,
  name: VersionName,
  { cause, everything }: { cause: string; everything: boolean },
): Promise<void> {
  const state = await readLandingState(environment, name)
  const report = await readReport(environment, name.study, name.version)
  const isOpen = report?.status === 'waiting' || isEngineRefusal(report?.problems ?? [])
  if (report?.fingerprint === state.fingerprint && !isOpen) return
  if (report?.landing === state.landing && report.status === 'committed') return
  const age = ageOf(state, environment.now())
  if (everything || isSweepDue(age, environment.config.scheduleSeconds)) {
    await queueWork(environment, state, { cause, replay: cause })
  }
  await reportWaiting(environment, state, age)
}

/**
 * The work of the schedule: looks at every version, or at those of one study; with `everything` also at those that are not due. A version that
 * cannot be read does not keep the others waiting; its error is thrown at the end.
 */
export async function sweepVersions(
  environment: Environment,
  { study, cause, everything }: { study?: string; cause: string; everything: boolean },
): Promise<void> {
  const failures: unknown[] = []
  for (const name of await listLandedVersions(environment, study)) {
    try {
      await sweepVersion(environment, name, { cause, everything })
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
