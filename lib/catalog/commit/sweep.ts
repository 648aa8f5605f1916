import type { Environment } from '../../environment.ts'
import { parseSqlBranch, sqlBranchPrefix } from '../../layout.ts'

/**
 * Deletes the hidden branches of commits that were cut off, of all studies: those that are there for longer than any commit takes. Nobody has
 * seen what is on them. Resolves with their number. A study that cannot be swept does not keep the others waiting; its error is thrown at the
 * end.
 */
export async function sweepSqlBranches(
  { lakefs, now }: Pick<Environment, 'lakefs' | 'now'>,
  { seconds }: { seconds: number },
): Promise<number> {
  const oldest = now().getTime() - seconds * 1000
  const failures: unknown[] = []
  let dropped = 0
  async function sweepStudy(study: string): Promise<void> {
    const left: string[] = []
    for await (const { id } of lakefs.listBranches(study, { prefix: sqlBranchPrefix, hidden: true })) {
      const since = parseSqlBranch(id)
      if (since && since.getTime() < oldest) left.push(id)
    }
    for (const branch of left) {
      await lakefs.deleteBranch(study, branch)
      dropped++
    }
  }
  for await (const { id } of lakefs.listRepositories()) await sweepStudy(id).catch(error => failures.push(error))
  if (failures.length > 0) throw failures[0]
  return dropped
}
