import type { LandingMessage } from '../../events/landing.ts'
import { decodeKey } from '../../events/landing.ts'
import type { Environment } from '../environment.ts'
import { fits, misplacedReportKey, parseLandingKey, reportFile, studyRule, versionRule } from '../layout.ts'
import { nameCause } from './causes.ts'
import { judgeVersion, reportDataset } from './judge.ts'
import { type LandingState, readLandingState } from './landing-state.ts'
import { readReport, reportOn, writeReport } from './version-report.ts'

export interface VersionName {
  study: string
  version: string
}

/** What led to a look at a version. */
interface Origin {
  cause: string
  /** The same, where it asks for work that may have been queued before. */
  replay?: string
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

/** Says beside a file that belongs to no study or version why it is not loaded. */
async function reportMisplaced({ landing, now, log }: Environment, folder: string): Promise<void> {
  const problems: { code: string; file: string; message: string }[] = []
  const prefix = folder ? `${folder}/` : ''
  for await (const { key } of landing.list(prefix)) {
    const parsed = parseLandingKey(key)
    if (parsed.kind !== 'misplaced' || parsed.folder !== folder) continue
    problems.push({ code: 'file-misplaced', file: parsed.file, message: `is not loaded: ${parsed.reason}` })
  }
  const report = { status: 'rejected', problems, time: now().toISOString() }
  const bytes = new TextEncoder().encode(`${JSON.stringify(report, undefined, 2)}\n`)
  await landing.put(misplacedReportKey(folder), bytes, { contentType: 'application/json' })
  log.warn('files lie where no version is', { files: problems.length, report: reportFile })
}

/** Queues what a version lacks: a conversion for each CSV that has none, or else a look whether it is complete. */
async function queueWork(environment: Environment, state: LandingState, { cause, replay }: Origin): Promise<void> {
  const { queues, log } = environment
  const { study, version } = state
  if (!state.contents && state.problems.length === 0) {
    log.info('waits for its contents file', { study, version })
    return
  }
  const judgement = await judgeVersion(environment, state)
  if (judgement.state !== 'converting') {
    const groupId = `${study}/${version}`
    await queues.register.send([
      {
        body: JSON.stringify({ study, version, cause, replay }),
        groupId,
        deduplicationId: nameCause(study, version, cause),
      },
    ])
    return
  }
  await queues.convert.send(
    judgement.unconverted.map(({ dataset, file, object }) => ({
      body: JSON.stringify({
        study,
        version,
        cause,
        dataset: dataset.name,
        file,
        etag: object.etag,
        size: object.size,
      }),
    })),
  )
  log.info('conversions are queued', { study, version, datasets: judgement.unconverted.length })
}

async function receiveVersion(
  environment: Environment,
  { study, version }: VersionName,
  origin: Origin,
): Promise<void> {
  const state = await readLandingState(environment, { study, version })
  await queueWork(environment, state, origin)
}

/**
 * The schedule's look at a version: picks up what an event that never came would have started, and reports what has been missing for long. A
 * version whose report is on its present inputs is left alone, and so is a committed one whose files are the same under newer code.
 */
async function sweepVersion(environment: Environment, name: VersionName, cause: string): Promise<void> {
  const { config, now } = environment
  const state = await readLandingState(environment, name)
  const report = await readReport(environment, name.study, name.version)
  if (report?.fingerprint === state.fingerprint && report.status !== 'waiting') return
  if (report?.landing === state.landing && report.status === 'committed') return
  await queueWork(environment, state, { cause, replay: cause })
  const age = state.newest ? (now().getTime() - state.newest.getTime()) / 1000 : 0
  const waits = state.missing.length > 0 && state.problems.length === 0 && age >= config.waitReportSeconds
  if (!waits) return
  const judgement = await judgeVersion(environment, state)
  if (judgement.state !== 'waiting') return
  const datasets = judgement.converted.map(reportDataset)
  await writeReport(environment, { ...reportOn(state), status: 'waiting', datasets }, state.newest)
}

/** The work of the schedule: looks at every version, or at those of one study. One that cannot be read does not keep the others waiting. */
export async function sweepVersions(
  environment: Environment,
  { study, cause }: { study?: string; cause: string },
): Promise<void> {
  const failures: unknown[] = []
  for (const name of await listLandedVersions(environment, study)) {
    try {
      await sweepVersion(environment, name, cause)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** The work of `receive`: object events and requests to look again become conversions, and looks whether a version is complete. */
export async function receiveMessage(environment: Environment, message: LandingMessage): Promise<void> {
  if ('Event' in message) return
  if ('rescan' in message) {
    const { study, version, cause, settling } = message.rescan
    if (study !== undefined && version !== undefined)
      await receiveVersion(environment, { study, version }, { cause, replay: settling ? undefined : cause })
    else await sweepVersions(environment, { study, cause })
    return
  }
  const versions = new Map<string, VersionName & { causes: unknown[] }>()
  const folders = new Set<string>()
  for (const { s3, eventTime } of message.Records) {
    const key = decodeKey(s3.object.key)
    const parsed = parseLandingKey(key)
    const cause = [key, s3.object.eTag, s3.object.sequencer, eventTime]
    if (parsed.kind === 'ignored') continue
    if (parsed.kind === 'study') {
      await sweepVersions(environment, { study: parsed.study, cause: nameCause(...(cause as string[])) })
      continue
    }
    const [study = '', version = ''] = parsed.kind === 'misplaced' ? key.split('/') : [parsed.study, parsed.version]
    const ofVersion = key.split('/').length > 2 && fits(studyRule, study) && fits(versionRule, version)
    if (!ofVersion) {
      if (parsed.kind === 'misplaced') folders.add(parsed.folder)
      continue
    }
    const entry = versions.get(`${study}/${version}`) ?? { study, version, causes: [] }
    entry.causes.push(cause)
    versions.set(`${study}/${version}`, entry)
  }
  for (const folder of folders) await reportMisplaced(environment, folder)
  for (const { causes, ...name } of versions.values())
    await receiveVersion(environment, name, { cause: nameCause(JSON.stringify(causes)) })
}
