import { apiPath, type LakefsSend } from './request.ts'
import type { ActionRun, HookRun } from './types.ts'

interface RawRun {
  run_id: string
  branch: string
  commit_id: string
  event_type: string
  status: ActionRun['status']
  start_time: string
  end_time?: string
}

interface RawHookRun {
  hook_run_id: string
  action: string
  hook_id: string
  status: HookRun['status']
  start_time: string
  end_time?: string
}

const readRun = (raw: RawRun): ActionRun => ({
  runId: raw.run_id,
  branch: raw.branch,
  commitId: raw.commit_id,
  eventType: raw.event_type,
  status: raw.status,
  startTime: raw.start_time,
  endTime: raw.end_time,
})

const readHookRun = (raw: RawHookRun): HookRun => ({
  hookRunId: raw.hook_run_id,
  action: raw.action,
  hookId: raw.hook_id,
  status: raw.status,
  startTime: raw.start_time,
  endTime: raw.end_time,
})

/** What became of the hooks. */
export function createActions({ send, find, pages }: LakefsSend) {
  const runs = (repository: string) => `${apiPath('repositories', repository)}/actions/runs`

  return {
    /** Newest first. Not both `branch` and `commit`. */
    async *listRuns(
      repository: string,
      { branch, commit }: { branch?: string; commit?: string } = {},
    ): AsyncGenerator<ActionRun> {
      for await (const raw of pages<RawRun>(runs(repository), { branch, commit })) yield readRun(raw)
    },

    async getRun(repository: string, runId: string): Promise<ActionRun | undefined> {
      const raw = await find<RawRun>(`${runs(repository)}${apiPath(runId)}`)
      return raw && readRun(raw)
    },

    async listRunHooks(repository: string, runId: string): Promise<HookRun[]> {
      const raws = await Array.fromAsync(pages<RawHookRun>(`${runs(repository)}${apiPath(runId)}/hooks`))
      return raws.map(readHookRun)
    },

    /** The log of one hook: its request (without secrets), the answer that it got, the error. Empty for a skipped hook. */
    async getHookOutput(repository: string, runId: string, hookRunId: string): Promise<string | undefined> {
      const path = `${runs(repository)}${apiPath(runId, 'hooks', hookRunId)}/output`
      const response = await send(path, { accept: [404] })
      if (response.status !== 404) return await response.text()
      await response.body?.cancel()
      return undefined
    },
  }
}
