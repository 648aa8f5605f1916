import type { ActionEvent } from './actions.ts'
import type { Database } from './database.ts'
import type { RepositoryRecord } from './repository.ts'

/** One event's run of all its actions, as the API shows it. */
export interface RunRecord {
  run_id: string
  branch: string
  commit_id: string
  event_type: string
  start_time: string
  end_time: string
  status: 'completed' | 'failed'
}

export interface HookRunRecord {
  hook_run_id: string
  action: string
  hook_id: string
  start_time: string
  end_time?: string
  status: 'completed' | 'failed' | 'skipped'
}

/** What one hook's turn came to. */
export interface TaskResult {
  record: HookRunRecord
  /** What goes into the API's answer. */
  error?: string
  /** The error is the server's or the file's, not the hook's refusal: 500, not 412. */
  internal?: boolean
}

/** The start of what never began. */
export const neverTime = '0001-01-01T00:00:00Z'

/** Where a hook's log lies in the repository's namespace. */
export const outputKey = (run: string, hook: string): string => `_lakefs/actions/log/${run}/${hook}.log`

/** The record of the hooks' runs. */
export function createRuns(database: Database) {
  function save(runId: string, event: ActionEvent, results: TaskResult[]): void {
    const started = results.map(({ record }) => record).filter(({ status }) => status !== 'skipped')
    const run: RunRecord = {
      run_id: runId,
      branch: event.branchId ?? '',
      commit_id: event.commitId ?? '',
      event_type: event.eventType,
      start_time: started.map(({ start_time }) => start_time).sort()[0] ?? neverTime,
      end_time:
        started
          .map(({ end_time }) => end_time!)
          .sort()
          .at(-1) ?? neverTime,
      status: results.some(({ error }) => error !== undefined) ? 'failed' : 'completed',
    }
    const { uid } = event.repository
    database.transaction(() => {
      for (const { record } of results) {
        const sql = 'insert or replace into hooks (repository, run, id, body) values (?, ?, ?, ?)'
        database.run(sql, uid, runId, record.hook_run_id, JSON.stringify(record))
      }
      const sql = 'insert or replace into runs (repository, id, branch, commit_id, body) values (?, ?, ?, ?, ?)'
      database.run(sql, uid, runId, run.branch, run.commit_id, JSON.stringify(run))
    })
  }

  /** Once the commit is there, its pre-run names it. */
  function setCommit({ uid }: RepositoryRecord, runId: string, commitId: string): void {
    const row = database.get<{ body: string }>('select body from runs where repository = ? and id = ?', uid, runId)
    if (!row) return
    const body = JSON.stringify({ ...(JSON.parse(row.body) as RunRecord), commit_id: commitId })
    const sql = 'update runs set commit_id = ?, body = ? where repository = ? and id = ?'
    database.run(sql, commitId, body, uid, runId)
  }

  return { save, setCommit }
}
