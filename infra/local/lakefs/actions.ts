import type { ObjectStore } from '../../../lib/store/object-store.ts'
import { type Action, ActionFileError, evaluateIf, type Hook, matchesEvent, parseAction } from './action-file.ts'
import type { NewCommit } from './commits.ts'
import type { Database } from './database.ts'
import { ApiError, withPrefix } from './errors.ts'
import { type ObjectReader, objectKey } from './reader.ts'
import type { RepositoryRecord } from './repository.ts'
import { createRunIds } from './run-ids.ts'
import { createRuns, neverTime, outputKey, type TaskResult } from './runs.ts'
import { createWebhook, type HookEnvironment, HookSetupError } from './webhook.ts'

/** Something that hooks are called for. `sourceRef` is where the action files are read. */
export interface ActionEvent {
  eventType: string
  repository: RepositoryRecord
  sourceRef: string
  branchId?: string
  commit?: NewCommit
  commitId?: string
  tagId?: string
  mergeSource?: string
  /** In front of the error that a refusal becomes. */
  errorPrefix?: string
}

interface Task {
  id: string
  action: string
  hook: Hook
  post: (event: string, log: string[]) => Promise<string | undefined>
}

const folder = '_lakefs_actions/'

const listErrors = (errors: string[]): string =>
  `${errors.length} error${errors.length === 1 ? '' : 's'} occurred:\n${errors.map(error => `\t* ${error}\n`).join('')}\n`

/** Calls hooks and keeps what became of them. */
export function createActions({
  database,
  reader,
  store,
  env,
  user,
  now,
  randomId,
}: {
  database: Database
  reader: ObjectReader
  store: ObjectStore
  env: HookEnvironment
  user: string
  now(): Date
  randomId(): string
}) {
  const runs = createRuns(database)
  const nextRunId = createRunIds({ now, randomId })
  const background = new Set<Promise<unknown>>()

  async function loadActions({ repository, sourceRef, eventType, branchId = '' }: ActionEvent): Promise<Action[]> {
    const listing = 'list actions from commit: listing actions'
    const files = withPrefix(listing, () => reader.listFolder(repository, sourceRef, folder))
    const errors: string[] = []
    const actions: Action[] = []
    for (const path of files) {
      try {
        actions.push(parseAction(await reader.readText(repository, sourceRef, path)))
      } catch (error) {
        if (error instanceof ApiError) {
          const loading = error.prefixed(`loading file ${path}: get action file metadata ${path}`)
          throw new ApiError(error.status, listErrors([loading.message]))
        }
        if (!(error instanceof ActionFileError)) throw error
        errors.push(`parsing file ${path}: ${error.message}`)
      }
    }
    if (errors.length > 0) throw new ApiError(500, listErrors(errors))
    const names = new Set<string>()
    for (const { name } of actions) {
      if (names.has(name)) throw new ApiError(500, `action name '${name}' already loaded: invalid action`)
      names.add(name)
    }
    return actions.filter(action => matchesEvent(action, eventType, branchId))
  }

  function prepare(actions: Action[]): Task[][] {
    const four = (index: number): string => String(index).padStart(4, '0')
    return actions.map(({ name, hooks }, actionIndex) =>
      hooks.map(hook => {
        const id = `${four(actionIndex)}_${four(hooks.indexOf(hook))}`
        if (hook.type !== 'webhook') throw new ApiError(500, `hooks of type ${hook.type} cannot run on this server`)
        return { id, action: name, hook, post: createWebhook(hook, env) }
      }),
    )
  }

  function describeEvent({ hook, action }: Task, event: ActionEvent): string {
    const { commit } = event
    const optional = (value: string | undefined): string | undefined => value || undefined
    return JSON.stringify({
      event_type: event.eventType,
      event_time: now().toISOString().replace(/\.\d+/, ''),
      action_name: action,
      hook_id: hook.id,
      repository_id: event.repository.id,
      branch_id: optional(event.branchId),
      source_ref: optional(event.sourceRef),
      tag_id: optional(event.tagId),
      commit_id: optional(event.commitId),
      commit_message: optional(commit?.message),
      committer: commit && optional(user),
      commit_metadata: commit && Object.keys(commit.metadata).length > 0 ? commit.metadata : undefined,
      merge_source: optional(event.mergeSource),
    })
  }

  async function runTask(runId: string, task: Task, event: ActionEvent, failed: boolean): Promise<TaskResult> {
    const base = { hook_run_id: task.id, action: task.action, hook_id: task.hook.id }
    const wanted = evaluateIf(task.hook.if, failed)
    if (wanted === false) return { record: { ...base, start_time: neverTime, status: 'skipped' } }
    const start_time = now().toISOString()
    const log: string[] = []
    const refusal = wanted === undefined ? undefined : await task.post(describeEvent(task, event), log)
    const problem =
      wanted === undefined
        ? "hook 'if' expression should evaluate to a boolean"
        : refusal === undefined
          ? undefined
          : `action failed: ${refusal}`
    if (problem !== undefined) log.push(`Error: ${problem}\n`)
    await store.put(objectKey(event.repository, outputKey(runId, task.id)), Buffer.from(log.join('')))
    const record = {
      ...base,
      start_time,
      end_time: now().toISOString(),
      status: problem ? 'failed' : 'completed',
    } as const
    if (problem === undefined) return { record }
    const error = `hook run id '${task.id}' failed on action '${task.action}' hook '${task.hook.id}': ${problem}`
    return { record, error, internal: wanted === undefined }
  }

  async function runAction(runId: string, tasks: Task[], event: ActionEvent): Promise<TaskResult[]> {
    const results: TaskResult[] = []
    for (const task of tasks) {
      const failed = results.some(({ error }) => error !== undefined)
      results.push(await runTask(runId, task, event, failed))
    }
    return results
  }

  async function execute(runId: string, event: ActionEvent): Promise<void> {
    const matched = await loadActions(event)
    if (matched.length === 0) return
    const tasks = prepare(matched)
    const results = await Promise.all(tasks.map(list => runAction(runId, list, event)))
    if (results.flat().length > 0) runs.save(runId, event, results.flat())
    const firstErrors = results.flatMap(list => list.find(({ error }) => error !== undefined) ?? [])
    if (firstErrors.length === 0) return
    const status = firstErrors.every(({ internal }) => internal) ? 500 : 412
    throw new ApiError(status, listErrors(firstErrors.map(({ error }) => error!)))
  }

  return {
    /** Calls the hooks of a pre-event and resolves with the run's id. Throws 412 where one refuses, 500 where an action file is wrong. */
    async run(event: ActionEvent): Promise<string> {
      const runId = nextRunId()
      try {
        await execute(runId, event)
      } catch (error) {
        if (!(error instanceof ApiError) && !(error instanceof HookSetupError)) throw error
        const status = error instanceof ApiError ? error.status : 500
        const refused = new ApiError(status, `${event.eventType} hook aborted, run id '${runId}': ${error.message}`)
        throw event.errorPrefix ? refused.prefixed(event.errorPrefix) : refused
      }
      return runId
    },

    /** Calls the hooks of a post-event some time; nobody hears of a failure but who looks at the runs. */
    runLater(event: ActionEvent): void {
      const work = execute(nextRunId(), event).catch(() => undefined)
      background.add(work)
      void work.finally(() => background.delete(work))
    },

    setCommit: runs.setCommit,

    /** Resolves when no post-event hook is on its way any more. */
    async settle(): Promise<void> {
      while (background.size > 0) await Promise.all(background)
    },
  }
}

export type Actions = ReturnType<typeof createActions>
