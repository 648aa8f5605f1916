import type { Session } from './lakefs-exchange.ts'
import {
  branch,
  commit,
  commitAll,
  createRepository,
  merge,
  put,
  remove,
  type Scenario,
} from './lakefs-scenarios-refs.ts'

// lakeFS keeps the action files of a ref in mind for seconds. So a branch gets one set of files here, and keeps it.

const actionPath = '_lakefs_actions/gate.yaml'

interface HookText {
  id: string
  /** Path at the receiver. */
  path: string
  properties?: string
  if?: string
}

function actionText({ hooks }: Session, on: string, list: HookText[], name = 'gate'): string {
  const texts = list.map(hook =>
    [
      `  - id: ${hook.id}`,
      '    type: webhook',
      ...(hook.if ? [`    if: ${hook.if}`] : []),
      '    properties:',
      `      url: ${hooks.url}${hook.path}`,
      ...(hook.properties ? [hook.properties] : []),
    ].join('\n'),
  )
  return [`name: ${name}`, 'on:', on, 'hooks:', ...texts, ''].join('\n')
}

/** The newest run, its hooks and their logs. */
async function showRuns({ call }: Session, query: Record<string, string> = {}): Promise<void> {
  const { json } = await call('GET', '/actions/runs', { query })
  const runs = json.results as unknown as { run_id: string }[]
  if (!runs[0]) return
  const run = `/actions/runs/${runs[0].run_id}`
  await call('GET', run)
  const hooks = await call('GET', `${run}/hooks`)
  for (const { hook_run_id } of hooks.json.results as unknown as { hook_run_id: string }[]) {
    await call('GET', `${run}/hooks/${hook_run_id}/output`)
  }
}

async function preCommit(session: Session) {
  const { call } = session
  await createRepository(session)
  const secret = '      headers:\n        authorization: "Bearer {{ ENV.LAKEFSACTION_TOKEN }}"\n        x-plain: plain'
  const query =
    '      query_params:\n        a: ["1", "2"]\n        t: "{{ENV.LAKEFSACTION_TOKEN}}"\n        other: "{{ ENV.HOME }}"'
  await branch(session, 'pass')
  await put(
    session,
    'pass',
    actionPath,
    actionText(session, '  pre-commit:', [{ id: 'one', path: '/pass', properties: `${secret}\n${query}` }]),
  )
  await commit(session, 'pass', 'accepted', { metadata: { k: 'v' } })
  await showRuns(session, { branch: 'pass' })
  const { json } = await call('GET', '/branches/pass')
  await showRuns(session, { commit: json.commit_id! })

  await branch(session, 'refuse')
  await put(session, 'refuse', 'data', 'x')
  const hooks = [
    { id: 'first', path: '/pass' },
    { id: 'second', path: '/refuse?z=1' },
    { id: 'third', path: '/pass' },
    { id: 'fourth', path: '/pass?always', if: 'failure()' },
    { id: 'fifth', path: '/pass?never', if: 'success() || false' },
  ]
  await put(session, 'refuse', actionPath, actionText(session, '  pre-commit:', hooks))
  await put(
    session,
    'refuse',
    '_lakefs_actions/other.yaml',
    actionText(session, '  pre-commit:', [{ id: 'good', path: '/pass' }], 'other'),
  )
  await commit(session, 'refuse', 'refused')
  await showRuns(session, { branch: 'refuse' })
  // What was refused is still there, and still uncommitted.
  await call('GET', '/branches/refuse/diff')
  await call('GET', '/refs/refuse/commits')
  await call('GET', '/actions/runs', { query: { branch: 'pass', amount: 1 } })
  await call('GET', '/actions/runs', { query: { branch: 'pass', commit: 'x' } })
  await call('GET', '/actions/runs', { query: { branch: 'nowhere' } })
  await call('GET', '/actions/runs/nothing')
  await call('GET', '/actions/runs/nothing/hooks')
  await call('GET', '/actions/runs/nothing/hooks/0000_0000/output')

  // A hook is called for a commit without changes too, before lakeFS sees that there are none.
  await commit(session, 'pass', 'nothing')

  // Only headers and query parameters are expanded.
  await branch(session, 'literal')
  await put(
    session,
    'literal',
    actionPath,
    actionText(session, '  pre-commit:', [{ id: 'one', path: '/pass-{{ENV.LAKEFSACTION_TOKEN}}' }]),
  )
  await commit(session, 'literal', 'to an address with braces')

  await branch(session, 'slow')
  await put(
    session,
    'slow',
    actionPath,
    actionText(session, '  pre-commit:', [{ id: 'one', path: '/slow', properties: '      timeout: 200ms' }]),
  )
  await commit(session, 'slow', 'too slow')

  await branch(session, 'elsewhere')
  await put(
    session,
    'elsewhere',
    actionPath,
    actionText(session, '  pre-commit:\n    branches: ["main", "v*", "[a-d]*"]', [{ id: 'one', path: '/refuse' }]),
  )
  await commit(session, 'elsewhere', 'not for this branch')
  await call('GET', '/actions/runs', { query: { branch: 'elsewhere' } })
  await branch(session, 'b1', 'elsewhere')
  await put(session, 'b1', 'data', 'x')
  await commit(session, 'b1', 'for this branch')
}

async function badActions(session: Session) {
  await createRepository(session)
  const { url } = session.hooks
  const webhook = `hooks:\n  - id: one\n    type: webhook\n    properties:\n      url: ${url}/pass\n`
  const texts = [
    'on:\n  pre-commit:\n',
    `name: "-"\non:\n  pre-commit:\n${webhook}`,
    `name: gate\n${webhook}`,
    `name: gate\non:\n  pre-dinner:\n${webhook}`,
    `name: gate\non:\n  pre-create-tag:\n    branches: ["a"]\n${webhook}`,
    'name: gate\non:\n  pre-commit:\nhooks:\n  - type: webhook\n',
    'name: gate\non:\n  pre-commit:\nhooks:\n  - id: one\n    type: magic\n',
    'name: gate\non:\n  pre-commit:\nhooks:\n  - id: one\n    type: webhook\n',
    'name: gate\non:\n  pre-commit:\nhooks:\n  - id: one\n    type: webhook\n    properties:\n      timeout: 1s\n',
    `name: gate\non:\n  pre-commit:\n${webhook}${webhook.replace('hooks:\n', '')}`,
    `name: gate\non:\n  pre-commit:\n${webhook}      headers:\n        authorization: "{{ ENV.LAKEFSACTION_NONE }}"\n`,
    `name: gate\non:\n  pre-commit:\n${webhook}    if: 7\n`,
    `name: gate\non:\n  pre-commit:\n`,
  ]
  for (const [index, text] of texts.entries()) {
    await branch(session, `b${index}`)
    await put(session, `b${index}`, actionPath, text)
    await commit(session, `b${index}`, `commit ${index}`)
  }
  await branch(session, 'twice')
  const good = `name: gate\non:\n  pre-commit:\n${webhook}`
  await put(session, 'twice', actionPath, good)
  await put(session, 'twice', '_lakefs_actions/more.yaml', good)
  await commit(session, 'twice', 'two of one name')
  await branch(session, 'folder')
  await put(session, 'folder', '_lakefs_actions/deep/gate.yaml', good)
  await commit(session, 'folder', 'a folder among the files')
}

async function preMerge(session: Session) {
  const { call, hooks, target, repository } = session
  await createRepository(session)
  await commitAll(session, 'main', { a: '1' }, 'base')
  const seen: unknown[] = []
  const authorization = `Basic ${Buffer.from(`${target.accessKeyId}:${target.secretAccessKey}`).toString('base64')}`
  // The candidate can be read while the hook runs, and the branch does not show it yet.
  hooks.handle('/read', async ({ body }) => {
    const read = async (ref: string): Promise<unknown> => {
      const url = `${target.endpoint}/api/v1/repositories/${repository}/refs/${ref}/objects?path=a`
      const response = await fetch(url, { headers: { authorization } })
      return [response.status, await response.text()]
    }
    seen.push(
      await read(String(body.commit_id)),
      await read(String(body.branch_id)),
      await read(String(body.source_ref)),
    )
    return { status: 200, body: 'read\n' }
  })
  await branch(session, 'side')
  const on = '  pre-merge:\n    branches: ["main"]'
  await commitAll(
    session,
    'side',
    { [actionPath]: actionText(session, on, [{ id: 'read', path: '/read' }]), a: '2' },
    'with action',
  )
  await merge(session, 'side', 'main', { message: 'gated', metadata: { k: 'v' } })
  session.exchanges.push({ request: 'what the hook read', status: 0, headers: {}, body: seen.splice(0) })
  await showRuns(session, { branch: 'main' })

  // The source's files count, not the destination's: a source that came before the action, or that dropped it, merges unasked.
  await branch(session, 'old', 'main~1')
  await commitAll(session, 'old', { b: 'unasked' }, 'without action')
  await merge(session, 'old', 'main')
  await branch(session, 'dropped', 'main')
  await commitAll(session, 'dropped', { [actionPath]: null, c: 'unasked' }, 'dropped the action')
  await merge(session, 'dropped', 'main', { strategy: 'source-wins' })

  // Runs of one second are listed in no useful order.
  await new Promise(resolve => setTimeout(resolve, 1100))
  await branch(session, 'refused', 'side')
  await commitAll(
    session,
    'refused',
    { [actionPath]: actionText(session, on, [{ id: 'refuse', path: '/refuse' }]), a: '3' },
    'refusing',
  )
  await merge(session, 'refused', 'main', { strategy: 'source-wins' })
  const { json } = await call('GET', '/actions/runs', { query: { branch: 'main', amount: '1' } })
  const [run] = json.results as unknown as { commit_id: string }[]
  await call('GET', `/commits/${run!.commit_id}`)
  await call('GET', '/refs/main/objects', { query: { path: 'a' } })
  await showRuns(session, { branch: 'main' })
  // A merge into a branch that the action does not name is not asked about; and no merge runs a pre-commit.
  await branch(session, 'free', 'side')
  await merge(session, 'refused', 'free')
  await branch(session, 'committing', 'side')
  const both = actionText(session, '  pre-commit:\n    branches: ["main"]\n  pre-merge:', [
    { id: 'pass', path: '/pass' },
  ])
  await commitAll(session, 'committing', { [actionPath]: both }, 'for commits on main')
  await merge(session, 'committing', 'main', { strategy: 'source-wins' })
  // Conflicts and empty merges are found before anybody is asked.
  await merge(session, 'committing', 'main')
}

async function otherEvents(session: Session) {
  const { call } = session
  await createRepository(session)
  const text = (event: string, path = '/pass') => actionText(session, `  ${event}:`, [{ id: 'one', path }])
  const prepared = async (event: string, path = '/pass'): Promise<string> => {
    const name = `${event}${path === '/pass' ? '' : '-refused'}`.replaceAll('-', '_')
    await branch(session, name)
    await commitAll(session, name, { [actionPath]: text(event, path), a: name }, name)
    return name
  }
  for (const path of ['/pass', '/refuse']) {
    const creating = await prepared('pre-create-branch', path)
    await branch(session, `${creating}_new`, creating)
    await call('GET', `/branches/${creating}_new`)
    const deleting = await prepared('pre-delete-branch', path)
    await call('DELETE', `/branches/${deleting}`)
    await call('GET', `/branches/${deleting}`)
    const reverting = await prepared('pre-revert', path)
    await call('POST', `/branches/${reverting}/revert`, { json: { ref: reverting, parent_number: 0 } })
    await call('GET', `/refs/${reverting}/commits`, { query: { amount: 1 } })
    await showRuns(session, { branch: reverting })
    const picking = await prepared('pre-cherry-pick', path)
    await branch(session, `${picking}_source`, 'main')
    await put(session, `${picking}_source`, 'picked', path)
    await commit(session, `${picking}_source`, 'to pick', { metadata: { k: 'v' } })
    await call('POST', `/branches/${picking}/cherry-pick`, { json: { ref: `${picking}_source` } })
    await call('GET', `/refs/${picking}/commits`, { query: { amount: 1 } })
    const tagging = await prepared('pre-create-tag', path)
    await call('POST', '/tags', { json: { id: `${tagging}-tag`, ref: tagging } })
    await call('GET', `/tags/${tagging}-tag`)
    const untagging = await prepared('pre-delete-tag', path)
    await call('POST', '/tags', { json: { id: `${untagging}-tag`, ref: untagging } })
    await call('DELETE', `/tags/${untagging}-tag`)
    await call('GET', `/tags/${untagging}-tag`)
  }
  // Hard reset asks nobody, and neither does it matter what a branch's own files say when another branch is made from a commit.
  const { json } = await call('GET', '/branches/pre_create_branch_refused')
  await branch(session, 'from_commit', json.commit_id!)
  await call('PUT', '/branches/main/hard_reset', { query: { ref: 'pre_revert_refused' } })
  await call('GET', '/branches/main')
}

async function postEvents(session: Session) {
  const { call } = session
  session.expectLateHooks()
  await createRepository(session)
  const on = ['post-commit', 'post-merge', 'post-create-branch', 'post-revert', 'post-cherry-pick']
    .map(event => `  ${event}:`)
    .join('\n')
  await put(session, 'main', actionPath, actionText(session, on, [{ id: 'one', path: '/refuse' }]))
  await commit(session, 'main', 'first')
  await session.keepLateHooks(1)
  await branch(session, 'side')
  await session.keepLateHooks(1)
  await commitAll(session, 'side', { a: '1' }, 'second')
  await session.keepLateHooks(1)
  await merge(session, 'side', 'main', { message: 'third' })
  await session.keepLateHooks(1)
  await call('POST', '/branches/main/revert', { json: { ref: 'main', parent_number: 1 } })
  await session.keepLateHooks(1)
  await call('POST', '/branches/main/cherry-pick', { json: { ref: 'side' } })
  await session.keepLateHooks(1)
  await remove(session, 'main', 'a')
}

export const hookScenarios: Record<string, Scenario> = { preCommit, badActions, preMerge, otherEvents, postEvents }
