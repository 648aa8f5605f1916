import type { Environment } from '../environment.ts'
import { parseJson } from '../json.ts'
import {
  allocationBranch,
  installBranch,
  keysBranch,
  mainBranch,
  parseSqlBranch,
  runBranch,
  versionMarkerKey,
  versionPath,
} from '../layout.ts'

/**
 * Which rules a ref is judged by. `structure`: every table is one that engines can read, whatever people made of it. `full`: that, and
 * what makes a version: contents, record, base, keys. A commit that is good by `full` is good by `structure`.
 */
export type Profile = 'full' | 'structure'

/** True where a judgement by `has` says all that one by `needed` would. */
export const covers = (has: Profile, needed: Profile): boolean => has === 'full' || needed === 'structure'

const hidden = (prefix: string) => ({ prefix, is: (name: string) => /^[0-9a-f]{12}$/.test(name.slice(prefix.length)) })

/**
 * The profile of a branch by its name and by the versions that `study/version.json` names there: a version is the branch that bears the version's
 * own name; its runs are judged as it is. All other branches are people's own.
 */
export function profileByName(branch: string, versions: readonly string[]): Profile {
  if ([mainBranch, keysBranch, installBranch, ...versions].includes(branch)) return 'full'
  const runs = [allocationBranch(''), ...[mainBranch, ...versions].map(version => runBranch(version, ''))].map(hidden)
  return runs.some(({ prefix, is }) => branch.startsWith(prefix) && is(branch)) ? 'full' : 'structure'
}

/** The version that a record names; the branch's own name where it cannot be read, so that a broken record makes no rule milder. */
function versionNamed(bytes: Uint8Array, branch: string): string {
  try {
    const { version } = parseJson(new TextDecoder().decode(bytes), versionPath) as { version?: unknown }
    return typeof version === 'string' ? version : branch
  } catch {
    return branch
  }
}

/**
 * The profile by which what goes into a branch, or stands there, is judged. With `commit` (a candidate, or the head that the caller has resolved) what
 * that names counts too: a branch becomes a version by the first commit that says so, and a version stays one whatever is written over
 * its record. Without a branch – a tag, a commit id – `structure`. Throws TransientError where a server does not answer.
 */
export async function profileOf(
  { lakefs, lake }: Pick<Environment, 'lakefs' | 'lake'>,
  { study, branch, commit }: { study: string; branch?: string; commit?: string },
): Promise<Profile> {
  // What a branch of the catalog is for shows at its merge.
  if (branch === undefined || parseSqlBranch(branch)) return 'structure'
  if (profileByName(branch, []) === 'full') return 'full'
  // Asked for as a branch: a tag may bear the name of a version that has none yet.
  const head = (await lakefs.getBranch(study, branch))?.commitId
  const versions: string[] = []
  for (const ref of new Set([head, commit])) {
    const bytes = ref === undefined ? undefined : await lakefs.getObject(study, ref, versionPath)
    if (bytes) versions.push(versionNamed(bytes, branch))
  }
  if (profileByName(branch, versions) === 'full') return 'full'
  return (await lake.head(versionMarkerKey(study, branch))) ? 'full' : 'structure'
}
