import type { CommitRecord } from './commits.ts'
import type { Core } from './core.ts'
import { isSame } from './entries.ts'
import { ApiError, conflictFound, notFound, notUnique, withPrefix } from './errors.ts'
import { checkBranch, checkNewBranch, checkRef, checkTag } from './names.ts'
import type { Named, RepositoryRecord } from './repository.ts'
import { type ApiRequest, pageOf, readBody, readFlag, readPage, take } from './request.ts'
import type { Route } from './router.ts'

const refToJson = ({ id, commit_id }: Named) => ({ id, commit_id })

/** A commit as the API shows it. */
export const commitToJson = (commit: CommitRecord) => ({
  id: commit.id,
  parents: commit.parents,
  committer: commit.committer,
  message: commit.message,
  creation_date: Math.floor(commit.created / 1000),
  meta_range_id: commit.metaRangeId,
  metadata: commit.metadata,
  generation: commit.generation,
  version: 1,
})

export function refRoutes(core: Core): Route[] {
  const { repositories, commits, trees, resolver, actions } = core
  const repositoryOf = ({ params }: ApiRequest): RepositoryRecord => repositories.getRepository(params.repository!)

  async function createBranch(request: ApiRequest) {
    const body = await readBody<{ name: string; source: string; hidden?: boolean }>(request, 'BranchCreation', {
      'name!': 'string',
      'source!': 'string',
      hidden: 'boolean',
    })
    checkNewBranch(body.name)
    checkRef(body.source)
    const repository = repositoryOf(request)
    const { uid } = repository
    if (commits.findCommit(uid, body.name)) throw conflictFound().prefixed(`commit ID ${body.name}`)
    if (repositories.findTag(uid, body.name)) throw conflictFound().prefixed(`tag ID ${body.name}`)
    const commitId = withPrefix(`source reference '${body.source}'`, () => {
      const { commitId, staging } = resolver.resolve(uid, body.source)
      if (staging) throw new ApiError(500, "can't create a branch without commit")
      return commitId
    })
    const exists = () => notUnique('branch already exists')
    if (repositories.findBranch(uid, body.name)) throw exists()
    const event = { repository, sourceRef: body.source, branchId: body.name, commitId }
    await actions.run({ ...event, eventType: 'pre-create-branch' })
    if (!repositories.addBranch(uid, body.name, commitId, { hidden: body.hidden ?? false })) throw exists()
    actions.runLater({ ...event, eventType: 'post-create-branch' })
    return { status: 201, text: commitId }
  }

  async function deleteBranch(request: ApiRequest) {
    const name = request.params.branch!
    checkBranch(name, 'name')
    const repository = repositoryOf(request)
    if (name === repository.default_branch) throw new ApiError(403, 'cannot delete repository default branch')
    const branch = repositories.getBranch(repository.uid, name)
    const event = { repository, sourceRef: branch.commit_id, branchId: name }
    await actions.run({ ...event, eventType: 'pre-delete-branch' })
    repositories.deleteBranch(repository.uid, name)
    core.staging.dropTokens(core.staging.tokensOf(branch))
    actions.runLater({ ...event, eventType: 'post-delete-branch' })
    return { status: 204 }
  }

  async function createTag(request: ApiRequest) {
    const { id, ref } = await readBody<{ id: string; ref: string }>(request, 'TagCreation', {
      'id!': 'string',
      'ref!': 'string',
    })
    checkTag(id)
    const repository = repositoryOf(request)
    const { uid } = repository
    if (repositories.findBranch(uid, id)) throw conflictFound().prefixed(`branch name ${id}`)
    if (commits.findCommit(uid, id)) throw conflictFound().prefixed(`commit ID ${id}`)
    const commitId = resolver.resolveCommitId(uid, ref)
    const exists = () => notUnique('tag already exists')
    if (repositories.findTag(uid, id)) throw exists()
    const event = { repository, sourceRef: commitId, commitId, tagId: id }
    await actions.run({ ...event, eventType: 'pre-create-tag' })
    if (!repositories.addTag(uid, id, commitId)) throw exists()
    actions.runLater({ ...event, eventType: 'post-create-tag' })
    return { status: 201, json: { id, commit_id: commitId } }
  }

  function getTag(request: ApiRequest): { repository: RepositoryRecord; tag: Named } {
    checkTag(request.params.tag!)
    const repository = repositoryOf(request)
    const tag = repositories.findTag(repository.uid, request.params.tag!)
    if (!tag) throw notFound('tag')
    return { repository, tag }
  }

  async function deleteTag(request: ApiRequest) {
    const { repository, tag } = getTag(request)
    const event = { repository, sourceRef: tag.commit_id, commitId: tag.commit_id, tagId: tag.id }
    await actions.run({ ...event, eventType: 'pre-delete-tag' })
    repositories.deleteTag(repository.uid, tag.id)
    actions.runLater({ ...event, eventType: 'post-delete-tag' })
    return { status: 204 }
  }

  /** True where the commit changed one of the objects, or something below one of the prefixes, against its only parent. */
  function touches(repository: RepositoryRecord, commit: CommitRecord, objects: string[], prefixes: string[]): boolean {
    if (commit.parents.length !== 1) return false
    const before = commits.getCommit(repository.uid, commit.parents[0]!).metaRangeId
    const after = commit.metaRangeId
    if (objects.some(path => !isSame(trees.getEntry(before, path), trees.getEntry(after, path)))) return true
    if (prefixes.length === 0) return false
    for (const { path } of trees.diffTrees(before, after))
      if (prefixes.some(prefix => path.startsWith(prefix))) return true
    return false
  }

  function logCommits(request: ApiRequest) {
    const { query, params } = request
    const { amount, after } = readPage(request)
    checkRef(params.ref!)
    const repository = repositoryOf(request)
    const { uid } = repository
    const find = (ref: string, as: string): string => withPrefix(as, () => resolver.resolveCommitId(uid, ref))
    const start = find(params.ref!, 'ref')
    const stopAt = query.get('stop_at') ? find(query.get('stop_at')!, 'stop_at') : undefined
    const from = after ? find(after, 'from ref') : undefined
    const objects = query.getAll('objects').filter(Boolean)
    const prefixes = query.getAll('prefixes').filter(Boolean)
    const limited = readFlag(request, 'limit') ?? false
    const since = query.get('since') ? Date.parse(query.get('since')!) : undefined

    function* wanted(): Generator<CommitRecord> {
      let skipping = from !== undefined
      const firstParent = readFlag(request, 'first_parent') ?? false
      for (const commit of commits.log(uid, start, { firstParent, ...(since === undefined ? {} : { since }) })) {
        if (skipping) skipping = commit.id !== from
        else if (objects.length + prefixes.length === 0 || touches(repository, commit, objects, prefixes)) {
          yield commit
          if (commit.id === stopAt) return
        }
      }
    }
    return pageOf(take(wanted(), limited ? amount : amount + 1), amount, ({ id }) => id, commitToJson)
  }

  return [
    [
      'GET',
      '/repositories/:repository/branches',
      request => {
        const page = readPage(request)
        const hidden = readFlag(request, 'show_hidden') ?? false
        const found = repositories.listBranches(repositoryOf(request).uid, page, { hidden })
        return pageOf(found, page.amount, ({ id }) => id, refToJson)
      },
    ],
    ['POST', '/repositories/:repository/branches', createBranch],
    [
      'GET',
      '/repositories/:repository/branches/:branch',
      request => {
        checkBranch(request.params.branch!)
        const branch = repositories.getBranch(repositoryOf(request).uid, request.params.branch!)
        return { status: 200, json: refToJson(branch) }
      },
    ],
    ['DELETE', '/repositories/:repository/branches/:branch', deleteBranch],

    [
      'GET',
      '/repositories/:repository/tags',
      request => {
        const page = readPage(request)
        return pageOf(repositories.listTags(repositoryOf(request).uid, page), page.amount, ({ id }) => id, refToJson)
      },
    ],
    ['POST', '/repositories/:repository/tags', createTag],
    ['GET', '/repositories/:repository/tags/:tag', request => ({ status: 200, json: refToJson(getTag(request).tag) })],
    ['DELETE', '/repositories/:repository/tags/:tag', deleteTag],

    [
      'GET',
      '/repositories/:repository/commits/:commit',
      request => {
        const { uid } = repositoryOf(request)
        try {
          return {
            status: 200,
            json: commitToJson(commits.getCommit(uid, resolver.resolveCommitId(uid, request.params.commit!))),
          }
        } catch (error) {
          if (error instanceof ApiError)
            throw error.status === 404 ? notFound('commit') : new ApiError(500, error.message)
          throw error
        }
      },
    ],
    ['GET', '/repositories/:repository/refs/:ref/commits', logCommits],
  ]
}
