import type { Core } from './core.ts'
import { comparePaths } from './entries.ts'
import { compareThree, compareTwo, type Difference } from './merge.ts'
import { checkBranch, checkRef } from './names.ts'
import type { RepositoryRecord } from './repository.ts'
import { type ApiRequest, pageOf, readChoice, readPage, take } from './request.ts'
import type { Route } from './router.ts'
import type { Versioning } from './versioning.ts'

type Listed = Omit<Difference, 'type'> & { type: Difference['type'] | 'prefix_changed' }

/** What differs between a branch and its commit, and between refs. */
export function diffRoutes(core: Core, versioning: Versioning): Route[] {
  const { repositories, commits, trees, staging, resolver } = core
  const repositoryOf = ({ params }: ApiRequest): RepositoryRecord => repositories.getRepository(params.repository!)

  const differenceToJson = ({ path, type, entry }: Listed) =>
    type === 'prefix_changed'
      ? { path, type, path_type: 'common_prefix' }
      : { path, type, path_type: 'object', size_bytes: entry?.size ?? 0 }

  /** One page of differences, those below a delimiter drawn together. */
  function pageOfDifferences(request: ApiRequest, differences: Iterable<Difference>) {
    const { amount, prefix, after, delimiter } = readPage(request)
    function* list(): Generator<Listed> {
      let folder: string | undefined
      for (const difference of differences) {
        const { path } = difference
        if (!path.startsWith(prefix) || (folder !== undefined && path.startsWith(folder))) continue
        if (after && (comparePaths(path, after) <= 0 || (delimiter && path.startsWith(after)))) continue
        const at = delimiter ? path.indexOf(delimiter, prefix.length) : -1
        if (at < 0) yield difference
        else {
          folder = path.slice(0, at + delimiter.length)
          yield { path: folder, type: 'prefix_changed', entry: undefined }
        }
      }
    }
    return pageOf(take(list(), amount + 1), amount, ({ path }) => path, differenceToJson)
  }

  function diffUncommitted(request: ApiRequest) {
    const name = request.params.branch!
    checkBranch(name)
    const repository = repositoryOf(request)
    const branch = repositories.getBranch(repository.uid, name)
    const tree = commits.getCommit(repository.uid, branch.commit_id).metaRangeId
    const changes = staging.diffStaged(tree, staging.tokensOf(branch), request.query.get('prefix') ?? '')
    const differences = changes.map(({ path, left, right }): Difference => {
      const type = !left ? 'added' : !right ? 'removed' : 'changed'
      return { path, type, entry: right }
    })
    return pageOfDifferences(request, differences)
  }

  function diffRefs(request: ApiRequest) {
    const { left, right } = request.params as { left: string; right: string }
    const type = readChoice(request, 'type', ['two_dot', 'three_dot'])
    checkRef(left, 'left')
    checkRef(right, 'right')
    const repository = repositoryOf(request)
    if (type === 'two_dot') {
      const [from, to] = [left, right].map(ref => resolver.resolveCommit(repository.uid, ref).metaRangeId)
      return pageOfDifferences(request, compareTwo(trees, from!, to!))
    }
    const { source, destination, base } = versioning.findMergeBase(repository, right, left)
    const all = { source: source.metaRangeId, destination: destination.metaRangeId, base: base.metaRangeId }
    return pageOfDifferences(request, compareThree(trees, all))
  }

  return [
    ['GET', '/repositories/:repository/branches/:branch/diff', diffUncommitted],
    ['GET', '/repositories/:repository/refs/:left/diff/:right', diffRefs],
  ]
}
