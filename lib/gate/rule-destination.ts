import type { Environment } from '../environment.ts'
import { keysBranch, mainBranch } from '../layout.ts'
import { committed } from '../pipeline/table-objects.ts'
import type { GateProblem } from './codes.ts'
import { readKeyFiles } from './key-files.ts'
import { findTable, type VersionView } from './view.ts'

type Reading = Pick<Environment, 'lakefs' | 'lake'>

/** What goes into `keys` goes on from what is there: no map is lost, and none loses or changes a file. */
function checkExtension(view: VersionView, authority: Map<string, string[]>): GateProblem[] {
  return [...authority].flatMap(([entity, before]): GateProblem[] => {
    const table = `keys.${entity}`
    const after = findTable(view, 'keys', entity)?.files.map(({ address }) => address)
    if (!after) return [{ code: 'authority-table-lost', table, message: 'keys that were given must stay given' }]
    const extended = before.every((address, at) => after[at] === address)
    if (extended) return []
    return [{ code: 'authority-rewritten', table, message: 'does not go on from the keys that were given before' }]
  })
}

/** What goes anywhere else carries maps as the authority has, or had, them. */
function checkPrefix({ tables }: VersionView, authority: Map<string, string[]>): GateProblem[] {
  return tables
    .filter(({ layer }) => layer === 'keys')
    .filter(({ dataset, files }) => files.some(({ address }, at) => authority.get(dataset)?.[at] !== address))
    .map(({ name }) => ({
      code: 'keys-unauthorised',
      table: name,
      message: `holds keys that are not on the branch ${keysBranch}`,
    }))
}

/**
 * What a merge's destination asks for beyond the commit itself: key maps that agree with the authority, and a version that stays itself. `commit` is
 * the candidate; its first parent is the destination as it was when the merge began, which is what it has to go on from. That the destination moves
 * on meanwhile is for lakeFS to refuse.
 */
export async function checkDestination(
  environment: Reading,
  view: VersionView,
  { commit, destination }: { commit: string; destination: string },
): Promise<GateProblem[]> {
  const { lakefs } = environment
  if (destination === keysBranch) {
    const parent = (await lakefs.getCommit(view.study, commit))?.parents[0]
    return parent === undefined ? [] : checkExtension(view, await readKeyFiles(environment, view.study, parent))
  }
  const hasAuthority = await lakefs.getBranch(view.study, keysBranch)
  const authority = await readKeyFiles(environment, view.study, committed(hasAuthority ? keysBranch : mainBranch))
  const problems = checkPrefix(view, authority)
  if (destination !== mainBranch && !destination.startsWith('_') && view.record?.version !== destination) {
    const found = view.record?.version ?? 'none'
    const message = 'study/version.json names another version than the branch that it goes to'
    problems.push({ code: 'version-replaced', message, expected: destination, found })
  }
  return problems
}
