import type { Core } from './core.ts'
import { ApiError, notUnique } from './errors.ts'
import { repositoryPattern } from './names.ts'
import { objectKey } from './reader.ts'
import type { RepositoryRecord } from './repository.ts'
import { pageOf, readBody, readPage } from './request.ts'
import type { Route } from './router.ts'

const toJson = (repository: RepositoryRecord) => ({
  id: repository.id,
  storage_id: '',
  storage_namespace: repository.namespace,
  default_branch: repository.default_branch,
  creation_date: Math.floor(repository.created / 1000),
  read_only: false,
})

/** lakeFS leaves it in a namespace to see whether it can write there, and to know a namespace that is in use. */
const dummyKey = '_lakefs/dummy'
const dummyText = 'this is dummy data - created by lakeFS to check accessibility'

export function repositoryRoutes(core: Core): Route[] {
  const { repositories, commits, database, store, now } = core

  async function claimNamespace(namespace: string): Promise<void> {
    const failed = (why: string) => new ApiError(400, `failed to create repository: ${why}`)
    if (!/^s3:\/\//.test(namespace)) {
      throw new ApiError(400, 'failed to match required regex ^s3://: invalid namespace')
    }
    if (/^s3:\/\/([^/]+)/.exec(namespace)?.[1] !== store.bucket) throw failed('failed to access storage')
    const key = objectKey({ namespace } as RepositoryRecord, dummyKey)
    if (await store.head(key)) {
      const found = `found lakeFS objects in the storage (:${namespace}) key(${dummyKey})`
      throw failed(`${found}: storage namespace already in use`)
    }
    await store.put(key, Buffer.from(dummyText))
  }

  interface Creation {
    name: string
    storage_namespace: string
    default_branch?: string
  }
  const creationShape = {
    'name!': 'string',
    'storage_namespace!': 'string',
    default_branch: 'string',
    sample_data: 'boolean',
    read_only: 'boolean',
  } as const

  return [
    [
      'GET',
      '/repositories',
      request => {
        const page = readPage(request)
        return pageOf(repositories.listRepositories(page), page.amount, ({ id }) => id, toJson)
      },
    ],

    [
      'POST',
      '/repositories',
      async request => {
        const schema = 'RepositoryCreation'
        const body = await readBody<Creation>(request, schema, creationShape)
        if (!repositoryPattern.test(body.name)) {
          const where = `Error at "/name": string doesn't match the regular expression "${repositoryPattern.source}"`
          throw new ApiError(
            400,
            `request body has an error: doesn't match schema #/components/schemas/${schema}: ${where}`,
          )
        }
        const exists = () => database.get('select 1 from repositories where id = ?', body.name) !== undefined
        const taken = () => notUnique('error creating repository')
        if (exists()) throw new ApiError(409, 'error creating repository: not unique')
        const namespace = body.storage_namespace
        await claimNamespace(namespace)
        const created = now().getTime()
        const repository = database.transaction(() => {
          if (exists()) throw taken()
          const branch = body.default_branch || 'main'
          const record = repositories.addRepository(body.name, namespace, branch, created)
          const first = { committer: '', message: 'Repository created', metadata: {}, metaRangeId: '', parents: [] }
          const { id } = commits.addCommit(record.uid, { ...first, created, generation: 1 })
          repositories.addBranch(record.uid, branch, id)
          return record
        })
        return { status: 201, json: toJson(repository) }
      },
    ],

    [
      'GET',
      '/repositories/:repository',
      ({ params }) => ({
        status: 200,
        json: toJson(repositories.getRepository(params.repository!)),
      }),
    ],

    [
      'DELETE',
      '/repositories/:repository',
      ({ params }) => {
        repositories.deleteRepository(repositories.getRepository(params.repository!).uid)
        return { status: 204 }
      },
    ],

    [
      'GET',
      '/repositories/:repository/settings/branch_protection',
      ({ params }) => {
        const { protection, protection_etag } = repositories.getRepository(params.repository!)
        const json = (JSON.parse(protection) as string[]).map(pattern => ({ pattern }))
        return { status: 200, json, headers: { ETag: protection_etag } }
      },
    ],

    [
      'PUT',
      '/repositories/:repository/settings/branch_protection',
      async request => {
        const rules = await readBody<{ pattern: string }[]>(
          request,
          'BranchProtectionRule',
          { 'pattern!': 'string' },
          { list: true },
        )
        const { uid, protection_etag } = repositories.getRepository(request.params.repository!)
        const expected = request.raw.headers['if-match']
        if (expected !== undefined && expected !== protection_etag) throw new ApiError(412, 'Precondition failed')
        repositories.setProtection(uid, [...new Set(rules.map(({ pattern }) => pattern))])
        return { status: 204 }
      },
    ],
  ]
}
