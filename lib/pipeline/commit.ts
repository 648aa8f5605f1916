import type { CommitMessage } from '../../events/work.ts'
import type { Environment } from '../environment.ts'
import { Rejection } from '../errors.ts'
import { judgeCommit } from '../gate/attest.ts'
import { checkRef } from '../gate/check-ref.ts'
import { hashValue } from '../hash.ts'
import { currentSchemaFields } from '../iceberg/metadata.ts'
import { baseFields } from '../keys/base-fields.ts'
import { entitiesOf } from '../keys/entities.ts'
import { hasStatus } from '../lakefs/client.ts'
import { runBranch } from '../layout.ts'
import { nameCause } from './causes.ts'
import { completeVersion } from './complete.ts'
import { baseContentKey } from './content-key.ts'
import { readLandingState } from './landing-state.ts'
import { commitStaged, mergeGated } from './merge.ts'
import { rejectRun } from './reject-run.ts'
import { whileRunStands } from './run-branches.ts'
import { readTableAt } from './table-objects.ts'
import { contentKeyProperty } from './table-properties.ts'
import { readVersionRecord, type VersionRecord } from './version-record.ts'

/** True once every dataset's base table stands on the run branch, made from this run's raw table. */
async function allBaseTablesStand(
  environment: Environment,
  { study, datasets, entities }: VersionRecord,
  branch: string,
): Promise<boolean> {
  for (const { dataset, contentKey, keyHashes } of datasets) {
    const [raw, base] = [
      await readTableAt(environment, study, branch, 'raw', dataset),
      await readTableAt(environment, study, branch, 'base', dataset),
    ]
    if (!raw || !base) return false
    const fields = currentSchemaFields(raw)
    const own = entitiesOf({ fields }, entities)
    if (base.properties?.[contentKeyProperty] !== baseContentKey(contentKey, own, keyHashes)) return false
    // Labels are in no content key: a table of an older run may hold the right rows under yesterday's schema.
    if (hashValue(currentSchemaFields(base)) !== hashValue(baseFields(fields, own))) return false
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
  const problems = await judgeCommit(environment, { study, commit, destination: version })
  if (problems.length > 0) throw new Rejection(problems)
  try {
    await environment.lakefs.createBranch(study, { name: version, source: commit })
    return commit
  } catch (error) {
    if (!hasStatus(error, 409)) throw error
    const head = await environment.lakefs.getBranch(study, version)
    if (head) return head.commitId === commit ? commit : undefined
    throw new Rejection({
      code: 'version-name-taken',
      message: `the repository has a tag or commit that is called ${version}: delete the tag, or load under another name`,
    })
  }
}

/** Sends the version back to be looked at again: what this run was made of is not what has to be committed now. */
async function lookAgain({ queues, log }: Environment, { study, version, run, cause }: CommitMessage): Promise<void> {
  log.info('the run is superseded: looking again')
  const again = nameCause('superseded', run, cause)
  const body = JSON.stringify({ study, version, cause: again })
  await queues.register.send([{ body, groupId: `${study}/${version}`, deduplicationId: again }])
}

async function commitRun(
  environment: Environment,
  { record, message, branch }: { record: VersionRecord; message: CommitMessage; branch: string },
): Promise<void> {
  const { lakefs, log } = environment
  const { study, version, run, fingerprint } = message
  const landed = await readLandingState(environment, { study, version })
  if (landed.fingerprint !== fingerprint) {
    await lookAgain(environment, message)
    await lakefs.deleteBranch(study, branch)
    return
  }
  const { problems } = await checkRef(environment, study, branch)
  if (problems.length > 0) throw new Rejection(problems)
  const work = { study, branch, message: `Load ${version}`, metadata: { study, version, run, fingerprint } }
  const head = await lakefs.getBranch(study, version)
  const commit = head
    ? await mergeGated(environment, { ...work, destination: version })
    : await createVersionBranch(environment, record, work)
  if (commit === undefined) {
    await lookAgain(environment, message)
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
  await whileRunStands(environment, { study, branch }, async () => {
    try {
      await commitRun(environment, { record, message, branch })
    } catch (error) {
      // A branch that is dropped while it is judged looks like one that lacks its tables.
      if (!(error instanceof Rejection) || !(await lakefs.getBranch(study, branch))) throw error
      await rejectRun(environment, { record, run, problems: error.problems })
    }
  })
}
