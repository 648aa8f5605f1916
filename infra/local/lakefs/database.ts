import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

type Value = string | number | null

/** SQLite with prepared statements kept, and transactions. Everything is synchronous: what has returned is durable against a killed process. */
export interface Database {
  all<T>(sql: string, ...values: Value[]): T[]
  get<T>(sql: string, ...values: Value[]): T | undefined
  /** The number of rows changed. */
  run(sql: string, ...values: Value[]): number
  iterate<T>(sql: string, ...values: Value[]): Iterable<T>
  /** All or nothing; may be nested, the outermost counts. */
  transaction<T>(work: () => T): T
  close(): void
}

const schema = `
create table if not exists repositories (
  uid integer primary key autoincrement, id text not null unique, namespace text not null, default_branch text not null,
  created integer not null, protection text not null default '[]', protection_etag text not null default '');
create table if not exists commits (repository integer, id text, body text not null, primary key (repository, id)) without rowid;
create table if not exists branches (
  repository integer, id text, commit_id text not null, token integer not null, sealed text not null, hidden integer not null,
  primary key (repository, id)) without rowid;
create table if not exists tags (repository integer, id text, commit_id text not null, primary key (repository, id)) without rowid;
create table if not exists tokens (id integer primary key autoincrement);
create table if not exists staging (token integer, path text, entry text, primary key (token, path)) without rowid;
create table if not exists ranges (id text primary key, entries text not null) without rowid;
create table if not exists trees (id text primary key, ranges text not null) without rowid;
create table if not exists runs (
  repository integer, id text, branch text not null, commit_id text not null, body text not null,
  primary key (repository, id)) without rowid;
create index if not exists runs_by_branch on runs (repository, branch, id);
create index if not exists runs_by_commit on runs (repository, commit_id, id);
create table if not exists hooks (repository integer, run text, id text, body text not null, primary key (repository, run, id)) without rowid;
`

/** Opens, and makes where there is none, the server's database in `folder`. */
export function openDatabase(folder: string): Database {
  mkdirSync(folder, { recursive: true })
  const database = new DatabaseSync(join(folder, 'lakefs.sqlite'))
  database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 10000')
  database.exec(schema)
  const statements = new Map<string, StatementSync>()
  let depth = 0

  function prepare(sql: string): StatementSync {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  return {
    all: <T>(sql: string, ...values: Value[]) => prepare(sql).all(...values) as T[],
    get: <T>(sql: string, ...values: Value[]) => prepare(sql).get(...values) as T | undefined,
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    iterate: <T>(sql: string, ...values: Value[]) => database.prepare(sql).iterate(...values) as Iterable<T>,
    transaction(work) {
      if (depth > 0) return work()
      database.exec('begin immediate')
      depth++
      try {
        const result = work()
        database.exec('commit')
        return result
      } catch (error) {
        database.exec('rollback')
        throw error
      } finally {
        depth--
      }
    },
    close: () => database.close(),
  }
}
