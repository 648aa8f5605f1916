import type { RegisterMessage } from '../../events/work.ts'
import { serializeContents } from '../contents/serialize.ts'
import type { Environment } from '../environment.ts'
import { NotFoundError } from '../errors.ts'
import { isEngineRefusal } from '../gate/codes.ts'
import { hashValue } from '../hash.ts'
import { writeTable } from '../iceberg/write-table.ts'
import { parseJson } from '../json.ts'
import { contentAliasKey, contentsPath, dataKey, deliveredLayers, mainBranch, runBranch, tablePath } from '../layout.ts'
import { maxDelaySeconds } from '../queue/rules.ts'
import { ensureStudy } from '../study.ts'
import { nameCause } from './causes.ts'
import { completeVersion } from './complete.ts'
import { contentAlias, converterVersion } from './content-key.ts'
import { describeDataFile } from './data-files.ts'
import { type ConvertedDataset, judgeVersion, reportDataset } from './judge.ts'
import { type LandingState, readLandingState } from './landing-state.ts'
import { createRunBranch, dropOtherRuns } from './run-branches.ts'
import { committed, listTables, readTableAt, stageTable } from './table-objects.ts'
import { contentKeyProperty } from './table-properties.ts'
import { readVersionRecord, stageVersionRecord, type VersionRecord } from './version-record.ts'
import { readReport, reportOn, writeReport } from './version-report.ts'

/** The content key that first held this CSV content under this schema: itself, unless the store's ETag is no content hash. */
async function resolveAlias(
  { lake }: Environment,
  study: string,
  { item, outcome }: ConvertedDataset,
): Promise<string> {
  if (outcome.sha256 === undefined) return outcome.contentKey
  const key = contentAliasKey(study, item.dataset.name, contentAlias(item.inputs, outcome.sha256))
  try {
    const { contentKey } = parseJson(new TextDecoder().decode(await lake.get(key)), key) as { contentKey: string }
    return contentKey
  } catch (error) {
    if (error instanceof NotFoundError) return outcome.contentKey
    throw error
  }
}

interface RegisteredDataset extends ConvertedDataset {
  contentKey: string
}

function recordOf(state: LandingState, datasets: RegisteredDataset[]): VersionRecord {
  return {
    study: state.study,
    version: state.version,
    fingerprint: state.fingerprint,
    codeVersion: converterVersion,
    promote: state.options.promote,
    entities: state.entities,
    datasets: datasets.map(({ item, outcome, contentKey }) => ({
      ...reportDataset({ item, outcome }),
      etag: item.object.etag,
      size: item.object.size,
      sha256: outcome.sha256!,
      contentKey,
    })),
  }
}

/**
 * Puts the raw tables, the declared schema and the record of the inputs on the run branch, and takes dropped datasets off it. What people wrote stays
 * with the version that they wrote it on: the run of a `first` version begins at `main`, whose work tables are another version's.
 */
async function stageRawTables(
  environment: Environment,
  state: LandingState,
  { branch, record, first }: { branch: string; record: VersionRecord; first: boolean },
): Promise<void> {
  const { lakefs, lake } = environment
  const { study } = state
  const encode = (text: string) => new TextEncoder().encode(text)
  const contents = encode(serializeContents(state.contents!))
  await lakefs.uploadObject(study, branch, contentsPath, contents, { contentType: 'application/json' })

  for (const { dataset, contentKey } of record.datasets) {
    const { fields } = state.landed.find(item => item.dataset.name === dataset)!.dataset
    const { text } = await writeTable({
      store: lake,
      study,
      layer: 'raw',
      dataset,
      fields,
      files: [await describeDataFile(environment, { key: dataKey(study, 'raw', dataset, contentKey), fields })],
      mode: 'replace',
      parent: await readTableAt(environment, study, committed(branch), 'raw', dataset),
      time: state.newest!,
      properties: { [contentKeyProperty]: contentKey },
    })
    await stageTable(environment, study, branch, 'raw', dataset, text)
  }
  const declared = new Set(record.datasets.map(({ dataset }) => dataset))
  for (const { layer, dataset } of await listTables(environment, study, branch)) {
    const dropped = layer === 'work' ? first : deliveredLayers.includes(layer) && !declared.has(dataset)
    if (dropped) await lakefs.deleteObject(study, branch, tablePath(layer, dataset))
  }
  await stageVersionRecord(environment, branch, record)
}

async function openRun(
  environment: Environment,
  state: LandingState,
  converted: ConvertedDataset[],
  replay: string | undefined,
): Promise<void> {
  const { lakefs, queues, log } = environment
  const { study, version } = state
  await ensureStudy(environment, study)
  const head = await lakefs.getBranch(study, version)
  const current = head && (await readVersionRecord(environment, study, head.commitId))
  if (head && current?.fingerprint === state.fingerprint) {
    await completeVersion(environment, { study, version, commit: head.commitId })
    return
  }
  const base = (head ?? (await lakefs.getBranch(study, mainBranch)))!.commitId
  const run = hashValue({ study, version, fingerprint: state.fingerprint, base }).slice(0, 12)
  const before = await readReport(environment, study, version)
  const isHeld = before?.status === 'rejected' && before.run === run && !isEngineRefusal(before.problems)
  if (isHeld && replay === undefined) {
    log.info('the same inputs were rejected before', { run })
    return
  }
  const branch = runBranch(version, run)
  await dropOtherRuns(environment, { study, version, run })
  await createRunBranch(environment, { study, branch, base })

  const datasets: RegisteredDataset[] = []
  for (const item of converted) datasets.push({ ...item, contentKey: await resolveAlias(environment, study, item) })
  const staged = await readVersionRecord(environment, study, branch)
  // The keys of a record are added by a later step of the same run: a repeated message must not take them away.
  if (staged?.fingerprint !== state.fingerprint) {
    await stageRawTables(environment, state, { branch, record: recordOf(state, datasets), first: !head })
  }
  log.info('raw tables are registered', { run, datasets: datasets.length })
  // Many messages find the version complete; its keys are to be assigned once for each time that the run is opened (inputs may go and come
  // back within minutes), or again where a person or the schedule asks for it. An uploaded object's address is never given twice.
  const opening = await lakefs.statObject(study, branch, contentsPath)
  const cause = nameCause(version, run, opening?.physicalAddress, replay)
  const body = JSON.stringify({ study, version, run, fingerprint: state.fingerprint, cause, replay })
  await queues.keys.send([{ body, groupId: study, deduplicationId: cause }])
}

/**
 * The work of `register`: once every declared dataset is converted from what lies in the landing bucket now, and nothing there changed for the
 * configured time, opens the run branch and writes the raw tables to it. Otherwise reports a rejection, or leaves it to a later message.
 */
export async function registerVersion(
  environment: Environment,
  { study, version, replay }: RegisterMessage,
): Promise<void> {
  const { lakefs, queues, config, now, log } = environment
  const state = await readLandingState(environment, { study, version })
  const judgement = await judgeVersion(environment, state)
  if (judgement.state === 'converting' || !state.changed) {
    log.debug('not everything is converted yet')
    return
  }
  const settled = state.changed.getTime() + config.settleSeconds * 1000 - now().getTime()
  if (settled > 0 && judgement.state !== 'waiting') {
    // Every file's message comes by here; the look after the settle time is one for them all, and another where inputs go and come back.
    const later = nameCause('settle', study, version, state.fingerprint, state.changed.getTime())
    const rescan = { rescan: { study, version, cause: later, settling: true } }
    const delaySeconds = Math.min(maxDelaySeconds, Math.ceil(settled / 1000))
    await queues.landing.send([{ body: JSON.stringify(rescan), delaySeconds }])
    log.info('waits for the upload to settle')
    return
  }
  if (judgement.state === 'rejected') {
    const datasets = judgement.converted.map(reportDataset)
    // What was committed before stands, and the report goes on saying so.
    const head = await lakefs.getBranch(study, version)
    await writeReport(
      environment,
      { ...reportOn(state), status: 'rejected', commit: head?.commitId, datasets, problems: judgement.problems },
      state.newest,
    )
    log.warn('version is rejected', { problems: judgement.problems.length })
    return
  }
  if (judgement.state === 'waiting') {
    log.info('version waits', { missing: state.missing.length })
    return
  }
  await openRun(environment, state, judgement.converted, replay)
}
