import type { Core } from './core.ts'
import { ApiError, withPrefix } from './errors.ts'
import type { Strategy } from './merge.ts'
import { checkBranch, checkPath, checkRef } from './names.ts'
import type { RepositoryRecord } from './repository.ts'
import { type ApiRequest, readBody, requireQuery } from './request.ts'
import type { Route } from './router.ts'
import { commitToJson } from './routes-refs.ts'
import { type CommitOverrides, isProtected, type Versioning } from './versioning.ts'

const commitShape = {
  'message!': 'string',
  metadata: 'strings',
  date: 'integer',
  allow_empty: 'boolean',
  force: 'boolean',
} as const
const mergeShape = {
  message: 'string',
  metadata: 'strings',
  strategy: 'string',
  force: 'boolean',
  allow_empty: 'boolean',
  squash_merge: 'boolean',
} as const

interface CommitBody {
  message: string
  metadata?: Record<string, string>
  date?: number
  allow_empty?: boolean
}

interface MergeBody {
  message?: string
  metadata?: Record<string, string>
  strategy?: string
  force?: boolean
  allow_empty?: boolean
  squash_merge?: boolean
}

interface PatchBody {
  ref: string
  parent_number?: number
  allow_empty?: boolean
  commit_overrides?: CommitOverrides
}

/** What moves branches, and what merges need to know. */
export function versioningRoutes(core: Core, versioning: Versioning): Route[] {
  const { repositories, commits, staging } = core
  const repositoryOf = ({ params }: ApiRequest): RepositoryRecord => repositories.getRepository(params.repository!)
  const getCommit = ({ uid }: RepositoryRecord, id: string) => commitToJson(commits.getCommit(uid, id))

  async function commit(request: ApiRequest) {
    const body = await readBody<CommitBody>(request, 'CommitCreation', commitShape)
    const branch = request.params.branch!
    checkBranch(branch)
    const repository = repositoryOf(request)
    const { message, metadata = {}, date, allow_empty: allowEmpty = false } = body
    const id = await versioning.commit(repository, branch, {
      message,
      metadata,
      allowEmpty,
      ...(date === undefined ? {} : { date }),
    })
    return { status: 201, json: getCommit(repository, id) }
  }

  async function merge(request: ApiRequest) {
    const body = await readBody<MergeBody>(request, 'Merge', mergeShape, { optional: true })
    const { source, destination } = request.params as { source: string; destination: string }
    checkBranch(destination, 'destination')
    checkRef(source, 'source')
    const strategy = body.strategy || 'default'
    if (!['default', 'dest-wins', 'source-wins'].includes(strategy) || body.strategy === 'default') {
      throw new ApiError(400, 'argument strategy: invalid value: validation error')
    }
    const repository = repositoryOf(request)
    try {
      const reference = await versioning.merge(repository, source, destination, {
        message: body.message ?? '',
        metadata: body.metadata ?? {},
        strategy: strategy as Strategy,
        squash: body.squash_merge ?? false,
        allowEmpty: (body.allow_empty || body.force) ?? false,
      })
      return { status: 200, json: { reference } }
    } catch (error) {
      // lakeFS answers a conflict with an empty result instead of a message.
      if (error instanceof ApiError && error.status === 409) return { status: 409, json: { reference: '' } }
      throw error
    }
  }

  function findMergeBase(request: ApiRequest) {
    const { source, destination } = request.params as { source: string; destination: string }
    checkRef(destination, 'destination')
    checkRef(source, 'source')
    // lakeFS swaps the two when it looks them up, and swaps them back in what it calls the results.
    const found = versioning.findMergeBase(repositoryOf(request), destination, source)
    const json = {
      source_commit_id: found.source.id,
      destination_commit_id: found.destination.id,
      base_commit_id: found.base.id,
    }
    return { status: 200, json }
  }

  const patchShape = {
    'ref!': 'string',
    parent_number: 'integer',
    allow_empty: 'boolean',
    commit_overrides: 'object',
  } as const
  const overridesOf = ({ commit_overrides: overrides }: PatchBody) => (overrides ? { overrides } : {})

  async function revert(request: ApiRequest) {
    const { parent_number, ...rest } = patchShape
    const shape = { 'parent_number!': parent_number, ...rest }
    const body = await readBody<PatchBody>(request, 'RevertCreation', shape)
    const branch = request.params.branch!
    checkBranch(branch)
    checkRef(body.ref)
    const parent = body.parent_number!
    if (parent < 0) throw new ApiError(400, 'argument parentNumber: invalid value: validation error')
    const options = { ref: body.ref, parent, allowEmpty: body.allow_empty ?? false, ...overridesOf(body) }
    await versioning.revert(repositoryOf(request), branch, options)
    return { status: 204 }
  }

  async function cherryPick(request: ApiRequest) {
    const body = await readBody<PatchBody>(request, 'CherryPickCreation', patchShape)
    const branch = request.params.branch!
    checkBranch(branch)
    checkRef(body.ref)
    const parent = body.parent_number
    if (parent !== undefined && parent <= 0) {
      throw new ApiError(400, 'argument parentNumber: value should be greater than 0: invalid value: validation error')
    }
    const repository = repositoryOf(request)
    const options = { ref: body.ref, ...(parent === undefined ? {} : { parent }), ...overridesOf(body) }
    const id = await versioning.cherryPick(repository, branch, options)
    return { status: 201, json: getCommit(repository, id) }
  }

  async function reset(request: ApiRequest) {
    const body = await readBody<{ type: string; path?: string }>(request, 'ResetCreation', {
      'type!': 'string',
      path: 'string',
    })
    if (!['object', 'common_prefix', 'reset'].includes(body.type)) {
      const where = 'Error at "/type": value is not one of the allowed values ["object","common_prefix","reset"]'
      throw new ApiError(
        400,
        `request body has an error: doesn't match schema #/components/schemas/ResetCreation: ${where}`,
      )
    }
    const name = request.params.branch!
    checkBranch(name)
    if (body.type === 'object') checkPath(body.path ?? '')
    const repository = repositoryOf(request)
    if (isProtected(repository, name)) throw new ApiError(403, 'cannot write to protected branch')
    const findBranch = () => repositories.getBranch(repository.uid, name)
    const branch = body.type === 'object' ? withPrefix('getting branch', findBranch) : findBranch()
    const tokens = staging.tokensOf(branch)
    core.database.transaction(() => {
      if (body.type === 'reset') {
        repositories.updateBranch(repository.uid, branch, { ...branch, token: repositories.newToken(), sealed: [] })
        return staging.dropTokens(tokens)
      }
      const tree = commits.getCommit(repository.uid, branch.commit_id).metaRangeId
      const below = body.type === 'common_prefix'
      // lakeFS seals what is staged when it resets a prefix: a hard reset finds the branch dirty from then on.
      const token = below ? repositories.newToken() : branch.token
      if (below) repositories.updateBranch(repository.uid, branch, { ...branch, token, sealed: tokens })
      for (const { path, left } of staging.diffStaged(tree, tokens, body.path)) {
        if (below || path === body.path) staging.setStaged(token, path, left)
      }
    })
    return { status: 204 }
  }

  return [
    ['POST', '/repositories/:repository/branches/:branch/commits', commit],
    ['POST', '/repositories/:repository/refs/:source/merge/:destination', merge],
    ['GET', '/repositories/:repository/refs/:source/merge/:destination', findMergeBase],
    ['POST', '/repositories/:repository/branches/:branch/revert', revert],
    ['POST', '/repositories/:repository/branches/:branch/cherry-pick', cherryPick],
    ['PUT', '/repositories/:repository/branches/:branch', reset],
    [
      'PUT',
      '/repositories/:repository/branches/:branch/hard_reset',
      request => {
        const ref = requireQuery(request, 'ref')
        const name = request.params.branch!
        checkBranch(name)
        checkRef(ref)
        versioning.hardReset(repositoryOf(request), name, ref)
        return { status: 204 }
      },
    ],
  ]
}
