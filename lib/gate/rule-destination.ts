import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { parseTableMetadata } from '../iceberg/metadata.ts'
import { readDataFiles } from '../iceberg/read-table.ts'
import { keysBranch, keyTablesPrefix, mainBranch, parseTablePath } from '../layout.ts'
import { committed } from '../pipeline/table-objects.ts'
import { readVersionRecord } from '../pipeline/version-record.ts'
import { findTable, type VersionView } from './view.ts'

type Reading = Pick<Environment, 'lakefs' | 'lake'>

/** The data files of a ref's key tables, by entity. */
async function readKeyFiles({ lakefs, lake }: Reading, study: string, ref: string): Promise<Map<string, string[]>> {
  const entities = new Map<string, string[]>()
  for await (const { path } of lakefs.listObjects(study, ref, { prefix: keyTablesPrefix })) {
    const entity = parseTablePath(path)?.dataset
    const bytes = await lakefs.getObject(study, ref, path)
    if (entity === undefined || !bytes) continue
    const files = await readDataFiles(lake, parseTableMetadata(new TextDecoder().decode(bytes), path))
    entities.set(
      entity,
      files.map(({ address }) => address),
    )
  }
  return entities
}

/** What goes into `keys` goes on from what is there: no map is lost, and none loses or changes a file. */
function checkExtension(view: VersionView, authority: Map<string, string[]>): Problem[] {
  return [...authority].flatMap(([entity, before]) => {
    const table = `keys.${entity}`
    const after = findTable(view, 'keys', entity)?.files.map(({ address }) => address)
    if (!after) return [{ code: 'authority-table-lost', table, message: 'keys that were given must stay given' }]
    const extended = before.every((address, at) => after[at] === address)
    if (extended) return []
    return [{ code: 'authority-rewritten', table, message: 'does not go on from the keys that were given before' }]
  })
}

/** What goes anywhere else carries maps as the authority has, or had, them. */
function checkPrefix({ tables }: VersionView, authority: Map<string, string[]>): Problem[] {
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
): Promise<Problem[]> {
  const { lakefs } = environment
  if (destination === keysBranch) {
    const parent = (await lakefs.getCommit(view.study, commit))?.parents[0]
    return parent === undefined ? [] : checkExtension(view, await readKeyFiles(environment, view.study, parent))
  }
  const hasAuthority = await lakefs.getBranch(view.study, keysBranch)
  const authority = await readKeyFiles(environment, view.study, committed(hasAuthority ? keysBranch : mainBranch))
  const problems = checkPrefix(view, authority)
  // Asked for as a branch: a tag may bear the name of a version that has none yet.
  const head = await lakefs.getBranch(view.study, destination)
  const before = head && (await readVersionRecord(environment, view.study, head.commitId))
  if (before?.version === destination && view.record?.version !== destination) {
    const found = view.record?.version ?? 'none'
    problems.push({
      code: 'version-replaced',
      message: 'the branch of a version would hold another one',
      expected: destination,
      found,
    })
  }
  return problems
}
