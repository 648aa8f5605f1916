import type { CommitMessage } from '../../events/work.ts'
import type { Environment } from '../environment.ts'
import { Rejection } from '../errors.ts'
import { judgeCommit } from '../gate/attest.ts'
import { checkRef } from '../gate/check-ref.ts'
import { currentSchemaFields } from '../iceberg/metadata.ts'
import { entitiesOf } from '../keys/entities.ts'
import { LakefsError } from '../lakefs/client.ts'
import { runBranch } from '../layout.ts'
import { nameCause } from './causes.ts'
import { completeVersion } from './complete.ts'
import { baseContentKey } from './content-key.ts'
import { commitStaged, mergeGated } from './merge.ts'
import { rejectRun } from './reject-run.ts'
import { readTableAt } from './table-objects.ts'
import { contentKeyProperty } from './table-properties.ts'
import { readVersionRecord, type VersionRecord } from './version-record.ts'

/** True once every dataset's base table stands on the run branch, made from this run's raw table. */
async function allBaseTablesStand(
  environment: Environment,
  { study, datasets, entities }: VersionRecord,
  branch: string,
): Promise<boolean> {
  for (const { dataset, contentKey } of datasets) {
    const [raw, base] = [
      await readTableAt(environment, study, branch, 'raw', dataset),
      await readTableAt(environment, study, branch, 'base', dataset),
    ]
    if (!raw || !base) return false
    const own = entitiesOf({ fields: currentSchemaFields(raw) }, entities)
    if (base.properties?.[contentKeyProperty] !== baseContentKey(contentKey, own)) return false
  }
  return true
}

/** A version's first branch is made from the run's own commit, once that is judged: nothing else ever shows under its name. */
async function createVersionBranch(
  environment: Environment,
  { study, version }: VersionRecord,
  work: { study: string; branch: string; message: string; metadata: Record<string, string> },
): Promise<string | undefined> {
  const commit = await commitStaged(environment, work)
  const problems = await judgeCommit(environment, { study, commit })
  if (problems.length > 0) throw new Rejection(problems)
  try {
    await environment.lakefs.createBranch(study, { name: version, source: commit })
    return commit
  } catch (error) {
    if (!(error instanceof LakefsError && error.status === 409)) throw error
    const head = await environment.lakefs.getBranch(study, version)
    return head?.commitId === commit ? commit : undefined
  }
}

async function commitRun(
  environment: Environment,
  { record, message, branch }: { record: VersionRecord; message: CommitMessage; branch: string },
): Promise<void> {
  const { run, cause } = message
  const { lakefs, queues, log } = environment
  const { study, version, fingerprint } = record
  const { problems } = await checkRef(environment, study, branch)
  if (problems.length > 0) throw new Rejection(problems)
  const work = { study, branch, message: `Load ${version}`, metadata: { study, version, run, fingerprint } }
  const head = await lakefs.getBranch(study, version)
  const commit = head
    ? await mergeGated(environment, { ...work, destination: version })
    : await createVersionBranch(environment, record, work)
  if (commit === undefined) {
    log.info('another run was first: looking again')
    await queues.register.send([
      {
        body: JSON.stringify({ study, version, cause: nameCause('superseded', run, cause) }),
        groupId: `${study}/${version}`,
        deduplicationId: nameCause('superseded', run, cause),
      },
    ])
  } else {
    log.info('committed', { commit })
    await completeVersion(environment, { study, version, commit })
  }
  await lakefs.deleteBranch(study, branch)
}

/**
 * The work of `commit`: once all base tables stand on the run branch, judges it, commits it and makes it the version. Of a run that is gone
 * it only sees to it that the version which came of it has its report.
 */
export async function commitVersion(environment: Environment, message: CommitMessage): Promise<void> {
  const { study, version, run, fingerprint } = message
  const { lakefs, log } = environment
  const branch = runBranch(version, run)
  const record = await readVersionRecord(environment, study, branch)
  if (record?.fingerprint !== fingerprint) {
    const head = await lakefs.getBranch(study, version)
    const current = head && (await readVersionRecord(environment, study, head.commitId))
    if (head && current?.fingerprint === fingerprint)
      await completeVersion(environment, { study, version, commit: head.commitId })
    else log.info('the run is gone: another one took its place')
    return
  }
  if (!record.keys || !(await allBaseTablesStand(environment, record, branch))) {
    log.debug('base tables are still missing')
    return
  }
  try {
    await commitRun(environment, { record, message, branch })
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    await rejectRun(environment, { record, run, problems: error.problems })
  }
}
