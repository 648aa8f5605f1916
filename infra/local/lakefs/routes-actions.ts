import type { Core } from './core.ts'
import { ApiError, notFound } from './errors.ts'
import { objectKey } from './reader.ts'
import { type ApiRequest, pageOf, type Reply, readPage } from './request.ts'
import type { Route } from './router.ts'
import { type HookRunRecord, outputKey, type RunRecord } from './runs.ts'

interface Row {
  body: string
}

/** What became of hooks. */
export function actionRoutes({ repositories, database, store }: Core): Route[] {
  const repositoryOf = ({ params }: ApiRequest) => repositories.getRepository(params.repository!)

  function listRuns(request: ApiRequest): Reply {
    const { amount, after } = readPage(request)
    const { uid } = repositoryOf(request)
    const branch = request.query.get('branch') ?? ''
    const commit = request.query.get('commit') ?? ''
    if (branch && commit) throw new ApiError(400, "can't use both branchID and MergedCommitID: parameters conflict")
    const [filter, values] = branch ? ['and branch = ?', [branch]] : commit ? ['and commit_id = ?', [commit]] : ['', []]
    const sql = `select body from runs where repository = ? and id > ? ${filter} order by id limit ?`
    const runs = database
      .all<Row>(sql, uid, after, ...values, amount + 1)
      .map(({ body }) => JSON.parse(body) as RunRecord)
    return pageOf(
      runs,
      amount,
      ({ run_id }) => run_id,
      run => run,
    )
  }

  function getRun(request: ApiRequest): Reply {
    const sql = 'select body from runs where repository = ? and id = ?'
    const row = database.get<Row>(sql, repositoryOf(request).uid, request.params.run!)
    if (!row) throw notFound().prefixed('not found')
    return { status: 200, json: JSON.parse(row.body) }
  }

  function listHooks(request: ApiRequest): Reply {
    const { amount, after } = readPage(request)
    const { uid } = repositoryOf(request)
    const sql = 'select body from hooks where repository = ? and run = ? and id > ? order by id limit ?'
    const rows = database.all<Row>(sql, uid, request.params.run!, after, amount + 1)
    const hooks = rows.map(({ body }) => JSON.parse(body) as HookRunRecord)
    return pageOf(
      hooks,
      amount,
      ({ hook_run_id }) => hook_run_id,
      hook => hook,
    )
  }

  async function getOutput(request: ApiRequest): Promise<Reply> {
    const { run, hook } = request.params as { run: string; hook: string }
    const repository = repositoryOf(request)
    const sql = 'select body from hooks where repository = ? and run = ? and id = ?'
    const row = database.get<Row>(sql, repository.uid, run, hook)
    if (!row) throw notFound()
    if ((JSON.parse(row.body) as HookRunRecord).status === 'skipped') return { status: 200 }
    const body = await store.get(objectKey(repository, outputKey(run, hook)))
    const headers = {
      'Content-Disposition': `attachment; filename=${hook}.log`,
      'Content-Type': 'application/octet-stream',
    }
    return { status: 200, headers, body }
  }

  const runs = '/repositories/:repository/actions/runs'
  return [
    ['GET', runs, listRuns],
    ['GET', `${runs}/:run`, getRun],
    ['GET', `${runs}/:run/hooks`, listHooks],
    ['GET', `${runs}/:run/hooks/:hook/output`, getOutput],
  ]
}
