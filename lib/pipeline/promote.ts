import type { Environment } from '../environment.ts'
import { TransientError } from '../errors.ts'
import { hashValue } from '../hash.ts'
import { parseTableMetadata } from '../iceberg/metadata.ts'
import type { ObjectStats } from '../lakefs/client.ts'
import { mainBranch, parseTablePath, runBranch, tablesPrefix } from '../layout.ts'
import { mergeGated } from './merge.ts'
import { createRunBranch } from './run-branches.ts'

/** What of a commit a promotion carries over. */
const promotedPrefixes = [tablesPrefix, 'study/']

async function listPromoted({ lakefs }: Environment, study: string, ref: string): Promise<Map<string, ObjectStats>> {
  const objects = new Map<string, ObjectStats>()
  for (const prefix of promotedPrefixes) {
    for await (const item of lakefs.listObjects(study, ref, { prefix }))
      if (item.type === 'object') objects.set(item.path, item)
  }
  return objects
}

async function readRequired({ lakefs }: Environment, study: string, ref: string, path: string): Promise<Uint8Array> {
  const bytes = await lakefs.getObject(study, ref, path)
  if (!bytes) throw new TransientError(`${path} at ${ref} of ${study} was listed and is not there`)
  return bytes
}

/** True where `main` has a key map that goes on from the version's: it stays, since a map only grows. */
async function hasNewerMap(
  environment: Environment,
  study: string,
  main: string,
  version: string,
  path: string,
): Promise<boolean> {
  const [ours, theirs] = await Promise.all(
    [main, version].map(async ref =>
      parseTableMetadata(new TextDecoder().decode(await readRequired(environment, study, ref, path)), path),
    ),
  )
  return ours!['last-sequence-number'] > theirs!['last-sequence-number']
}

/**
 * Whether main's history stands against a promotion: this commit was promoted before, or one whose files were landed later. Messages come late
 * and again; neither may bring an older version back.
 */
async function isOutdated(
  { lakefs }: Environment,
  study: string,
  main: string,
  { commit, landed }: { commit: string; landed: string },
): Promise<'promoted' | 'older' | undefined> {
  let older = false
  for await (const { metadata } of lakefs.log(study, main)) {
    if (metadata.promoted === commit) return 'promoted'
    if (metadata.landed !== undefined && metadata.landed > landed) older = true
  }
  return older ? 'older' : undefined
}

/**
 * Makes `main` hold what a version's commit holds: tables and records are set or removed to equal it, never merged, and only a newer key map
 * stays. A commit is promoted once, and never over one whose files were landed later. Resolves with whether it is, or was, promoted. Throws
 * TransientError when main changes meanwhile, Rejection with the gate's list.
 */
export async function promoteVersion(
  environment: Environment,
  {
    study,
    version,
    commit,
    landed: time,
  }: { study: string; version: string; commit: string; landed: Date | undefined },
): Promise<boolean> {
  const { lakefs, log } = environment
  const landed = (time ?? new Date(0)).toISOString()
  const main = await lakefs.getBranch(study, mainBranch)
  if (!main) throw new Error(`repository ${study} has no branch ${mainBranch}`)
  const outdated = await isOutdated(environment, study, main.commitId, { commit, landed })
  if (outdated) return outdated === 'promoted'
  const [before, wanted] = [
    await listPromoted(environment, study, main.commitId),
    await listPromoted(environment, study, commit),
  ]
  // No version is called main, so no version's runs are taken for these.
  const branch = runBranch(mainBranch, hashValue({ promote: commit }).slice(0, 12))
  const changed: { path: string; contentType?: string }[] = []
  for (const [path, { checksum, contentType }] of wanted) {
    if (before.get(path)?.checksum === checksum) continue
    const isMap = parseTablePath(path)?.layer === 'keys'
    if (isMap && before.has(path) && (await hasNewerMap(environment, study, main.commitId, commit, path))) continue
    changed.push({ path, contentType })
  }
  for (const path of before.keys())
    if (!wanted.has(path) && parseTablePath(path)?.layer !== 'keys') changed.push({ path })
  if (changed.length === 0) return true

  // What an interrupted attempt left was taken from a main that may have moved on.
  await lakefs.deleteBranch(study, branch)
  await createRunBranch(environment, { study, branch, base: main.commitId })
  for (const { path, contentType } of changed) {
    if (contentType === undefined) await lakefs.deleteObject(study, branch, path)
    else
      await lakefs.uploadObject(study, branch, path, await readRequired(environment, study, commit, path), {
        contentType,
      })
  }
  const merged = await mergeGated(environment, {
    study,
    branch,
    destination: mainBranch,
    message: `Promote ${version}`,
    metadata: { study, version, promoted: commit, landed },
  })
  await lakefs.deleteBranch(study, branch)
  if (merged === undefined) throw new TransientError(`${mainBranch} of ${study} changed while ${version} was promoted`)
  log.info('promoted', { commit: merged })
  return true
}
