import { apiPath, type LakefsSend } from './request.ts'
import type { BranchProtection, Repository } from './types.ts'

interface RawRepository {
  id: string
  storage_namespace: string
  default_branch: string
  creation_date: number
  read_only?: boolean
}

const readRepository = (raw: RawRepository): Repository => ({
  id: raw.id,
  storageNamespace: raw.storage_namespace,
  defaultBranch: raw.default_branch,
  creationDate: raw.creation_date,
  readOnly: raw.read_only ?? false,
})

/** Repositories and the settings that belong to them. */
export function createRepositories({ send, find, pages }: LakefsSend) {
  const path = (repository: string) => apiPath('repositories', repository)
  const protection = (repository: string) => `${path(repository)}/settings/branch_protection`

  return {
    async getRepository(repository: string): Promise<Repository | undefined> {
      const raw = await find<RawRepository>(path(repository))
      return raw && readRepository(raw)
    },

    /** 409 where the name is taken, 400 where the name does not fit or another repository uses the namespace. */
    async createRepository({
      name,
      storageNamespace,
      defaultBranch = 'main',
      sampleData = false,
    }: {
      name: string
      storageNamespace: string
      defaultBranch?: string
      sampleData?: boolean
    }): Promise<Repository> {
      const json = { name, storage_namespace: storageNamespace, default_branch: defaultBranch, sample_data: sampleData }
      const response = await send('/repositories', { method: 'POST', json, retry: false })
      return readRepository((await response.json()) as RawRepository)
    },

    /** The objects in the storage namespace stay where they are. */
    async deleteRepository(repository: string, { force = false }: { force?: boolean } = {}): Promise<void> {
      await send(path(repository), { method: 'DELETE', query: { force: force || undefined }, accept: [404] })
    },

    async *listRepositories({ prefix }: { prefix?: string } = {}): AsyncGenerator<Repository> {
      for await (const raw of pages<RawRepository>('/repositories', { prefix })) yield readRepository(raw)
    },

    /** The branches on which lakeFS refuses staging, commits and hard resets (403). Merges pass. */
    async getBranchProtection(repository: string): Promise<BranchProtection> {
      const response = await send(protection(repository))
      const rules = (await response.json()) as { pattern: string }[]
      return { patterns: rules.map(({ pattern }) => pattern).sort(), etag: response.headers.get('etag') ?? '' }
    },

    /**
     * Replaces all rules; a server may take seconds to heed them. With `etag`, 412 where somebody else has changed them since that etag was
     * read. The empty etag of a repository that never had rules makes no condition: lakeFS takes none.
     */
    async setBranchProtection(repository: string, patterns: string[], { etag }: { etag?: string } = {}): Promise<void> {
      const headers: Record<string, string> = etag ? { 'if-match': etag } : {}
      await send(protection(repository), { method: 'PUT', json: patterns.map(pattern => ({ pattern })), headers })
    },
  }
}
