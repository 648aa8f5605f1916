import { createHash } from 'node:crypto'
import type { Database } from './database.ts'
import { notFound } from './errors.ts'
import { checkRepository } from './names.ts'

export interface RepositoryRecord {
  /** Never given twice, unlike the name. */
  uid: number
  id: string
  /** As it was given: `s3://<bucket>/<prefix>`, maybe with a slash at its end. */
  namespace: string
  default_branch: string
  /** ms since 1970. */
  created: number
  /** Globs of protected branches, as JSON. */
  protection: string
  protection_etag: string
}

export interface BranchRecord {
  id: string
  commit_id: string
  /** Where writes to the branch go. */
  token: number
  /** Older tokens that no commit has taken up yet, newest first. */
  sealed: number[]
  hidden: boolean
}

export interface Named {
  id: string
  commit_id: string
}

/** One page of a listing by name. */
export interface PageQuery {
  prefix: string
  after: string
  amount: number
}

type BranchRow = Omit<BranchRecord, 'sealed' | 'hidden'> & { sealed: string; hidden: number }

const readBranch = (row: BranchRow): BranchRecord => ({
  ...row,
  sealed: JSON.parse(row.sealed),
  hidden: row.hidden !== 0,
})

/** Repositories, branches and tags: the names that move. */
export function createRepositories(database: Database) {
  const newToken = (): number => database.get<{ id: number }>('insert into tokens default values returning id')!.id

  /** Rows of a table by name, one more than asked for where there are more. */
  function list<T>(source: string, values: (string | number)[], { prefix, after, amount }: PageQuery): T[] {
    const condition = 'id > ? and id >= ? and substr(id, 1, length(?)) = ? order by id limit ?'
    return database.all<T>(`${source} ${condition}`, ...values, after, prefix, prefix, prefix, amount + 1)
  }

  function findBranch(repository: number, id: string): BranchRecord | undefined {
    const row = database.get<BranchRow>('select * from branches where repository = ? and id = ?', repository, id)
    return row && readBranch(row)
  }

  return {
    newToken,

    /** Throws 400 for a name that does not fit, 404. */
    getRepository(id: string): RepositoryRecord {
      checkRepository(id)
      const row = database.get<RepositoryRecord>('select * from repositories where id = ?', id)
      if (!row) throw notFound('repository')
      return row
    },
    listRepositories: (page: PageQuery) => list<RepositoryRecord>('select * from repositories where', [], page),
    addRepository(id: string, namespace: string, defaultBranch: string, created: number): RepositoryRecord {
      return database.get<RepositoryRecord>(
        'insert into repositories (id, namespace, default_branch, created) values (?, ?, ?, ?) returning *',
        id,
        namespace,
        defaultBranch,
        created,
      )!
    },
    deleteRepository(uid: number): void {
      database.transaction(() => {
        for (const table of ['commits', 'branches', 'tags', 'runs', 'hooks']) {
          database.run(`delete from ${table} where repository = ?`, uid)
        }
        database.run('delete from repositories where uid = ?', uid)
      })
    },
    setProtection(uid: number, patterns: string[]): void {
      const text = JSON.stringify(patterns)
      const etag = patterns.length === 0 ? '' : createHash('sha256').update(text).digest('hex')
      database.run('update repositories set protection = ?, protection_etag = ? where uid = ?', text, etag, uid)
    },

    findBranch,
    getBranch(repository: number, id: string): BranchRecord {
      const branch = findBranch(repository, id)
      if (!branch) throw notFound('branch')
      return branch
    },
    listBranches(repository: number, page: PageQuery, { hidden = false } = {}): Named[] {
      const shown = hidden ? '' : 'hidden = 0 and'
      return list<Named>(`select id, commit_id from branches where ${shown} repository = ? and`, [repository], page)
    },
    /** False where there is one of that name. */
    addBranch(repository: number, id: string, commit: string, { hidden = false } = {}): boolean {
      const sql =
        'insert or ignore into branches (repository, id, commit_id, token, sealed, hidden) values (?, ?, ?, ?, ?, ?)'
      return database.run(sql, repository, id, commit, newToken(), '[]', hidden ? 1 : 0) === 1
    },
    /** Compare-and-swap: false where the branch is no longer as `from`. */
    updateBranch(repository: number, from: BranchRecord, to: BranchRecord): boolean {
      const sql = `update branches set commit_id = ?, token = ?, sealed = ?
        where repository = ? and id = ? and commit_id = ? and token = ? and sealed = ?`
      const sealed = (record: BranchRecord) => JSON.stringify(record.sealed)
      const old = [repository, from.id, from.commit_id, from.token, sealed(from)] as const
      return database.run(sql, to.commit_id, to.token, sealed(to), ...old) === 1
    },
    deleteBranch(repository: number, id: string): void {
      database.run('delete from branches where repository = ? and id = ?', repository, id)
    },

    findTag(repository: number, id: string): Named | undefined {
      return database.get<Named>('select id, commit_id from tags where repository = ? and id = ?', repository, id)
    },
    listTags: (repository: number, page: PageQuery) =>
      list<Named>('select id, commit_id from tags where repository = ? and', [repository], page),
    addTag(repository: number, id: string, commit: string): boolean {
      const sql = 'insert or ignore into tags (repository, id, commit_id) values (?, ?, ?)'
      return database.run(sql, repository, id, commit) === 1
    },
    deleteTag(repository: number, id: string): void {
      database.run('delete from tags where repository = ? and id = ?', repository, id)
    },
  }
}

export type Repositories = ReturnType<typeof createRepositories>
