import type { HookCall, HookReceiver } from './lakefs-hooks.ts'

/** A server under test. */
export interface LakefsTarget {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  /** `s3://<bucket>/<prefix>`: repositories get namespaces below it. */
  storageNamespace: string
}

/** One request and its answer, with everything that differs between two runs replaced. */
export interface Exchange {
  request: string
  status: number
  /** `json` stands for the two headers of every JSON answer. */
  headers: Record<string, string> | 'json'
  body: unknown
  hooks?: HookCall[]
}

export interface SendOptions {
  query?: Record<string, string | number | boolean | string[]>
  headers?: Record<string, string>
  json?: unknown
  body?: string | Uint8Array
  /** Instead of the target's own; null sends none. */
  authorization?: string | null
}

const shownHeaders = [
  ...[
    'content-type',
    'content-range',
    'content-disposition',
    'accept-ranges',
    'etag',
    'last-modified',
    'cache-control',
  ],
  ...['expires', 'x-content-type-options', 'x-frame-options', 'content-security-policy'],
]

/** Replaces ids, addresses, times and ports by names that say only which are the same. */
function createNormaliser({
  repository,
  namespace,
  hooks,
  options,
}: {
  repository: string
  namespace: string
  hooks: string
  options: { sameAddress: boolean }
}) {
  const names = new Map<string, string>()
  const nameOf = (kind: string, value: string): string => {
    const key = `${kind} ${value}`
    if (!names.has(key))
      names.set(key, `<${kind} ${[...names.keys()].filter(name => name.startsWith(`${kind} `)).length + 1}>`)
    return names.get(key)!
  }

  const normaliseText = (text: string): string =>
    text
      .replaceAll(namespace, '<namespace>')
      .replaceAll(repository, '<repository>')
      .replaceAll(hooks, '<hooks>')
      // lakeFS remembers for seconds that a branch, gone meanwhile, has no actions; then it notices one step later that there is no branch.
      .replace(
        /prepare-commit hook aborted, run id '.*': list actions from commit: listing actions: not found/,
        'branch not found',
      )
      .replace(/[0-9a-f]{64}/g, id => nameOf('id', id))
      .replace(/data\/[0-9a-z]{20}\/[0-9a-z]{20}/g, address =>
        options.sameAddress ? 'data/<address>' : `data/${nameOf('address', address)}`,
      )
      .replace(/\b[0-9a-f]{12}\b/g, start => nameOf('start of id', start))
      .replace(/\b[0-9a-v]{20}\b/g, id => nameOf('run', id))
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, time => (time.startsWith('0001') ? time : '<time>'))
      .replace(/\nSchema:[\s\S]*$/, '')

  const times = new Set(['creation_date', 'mtime'])
  // An action file holds the address of the receiver.
  const ofContent = new Set(['checksum', 'size_bytes'])

  function normalise(value: unknown, name = ''): unknown {
    if (typeof value === 'string') return normaliseText(value)
    if (typeof value === 'number') return times.has(name) && value > 1_750_000_000 ? '<time>' : value
    if (Array.isArray(value)) return value.map(item => normalise(item))
    if (value === null || typeof value !== 'object') return value
    const isAction = String((value as { path?: unknown }).path).startsWith('_lakefs_actions/')
    const members = Object.entries(value)
      .map(([key, member]) => [key, isAction && ofContent.has(key) ? '<of the content>' : member] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(members.map(([key, member]) => [normaliseText(key), normalise(member, key)]))
  }

  /** A hook's log has parts in no order, a duration and a response whose head depends on the connection. */
  function normaliseLog(log: string): unknown {
    const sorted = (block: string): string => block.split('\n').sort().join('\n')
    const [request = '', answer = ''] = log
      .replace(/Request duration: .*/, 'Request duration: <duration>')
      .replace(/^(Date|Connection|Keep-Alive|Transfer-Encoding): .*\r\n/gm, '')
      .split('\nResponse:\n')
    const shown = request
      .replace(/(?<=Query Params:\n)[\s\S]*(?=\nHeaders:)/, sorted)
      .replace(/(?<=Headers:\n)[\s\S]*(?=\nRequest Body:)/, sorted)
      .replace(/(?<=Request Body:\n).*/, body => JSON.stringify(normalise(JSON.parse(body))))
    return normalise([shown, answer.replaceAll('\r', '').split('\n')])
  }

  return { normalise, normaliseText, normaliseLog }
}

function isPlainJson(headers: [string, string][]): boolean {
  const expected: Record<string, string> = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }
  return headers.length === 2 && headers.every(([name, value]) => expected[name] === value)
}

let counter = 0

/** Sends requests to a target and keeps what was exchanged. Each session has a repository name of its own (not yet created). */
export function createSession(target: LakefsTarget, hooks: HookReceiver) {
  const unique = `${Date.now().toString(36)}-${process.pid.toString(36)}-${(counter++).toString(36)}`
  const repository = `contract-${unique}`
  const namespace = `${target.storageNamespace}/${repository}`
  const options = { sameAddress: false, lateHooks: false }
  const { normalise, normaliseText, normaliseLog } = createNormaliser({
    repository,
    namespace,
    hooks: hooks.url,
    options,
  })
  const exchanges: Exchange[] = []
  const basic = `Basic ${Buffer.from(`${target.accessKeyId}:${target.secretAccessKey}`).toString('base64')}`

  function searchOf(query: NonNullable<SendOptions['query']>): string {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      for (const item of Array.isArray(value) ? value : [value]) search.append(name, String(item))
    }
    return search.size > 0 ? `?${search}` : ''
  }

  /** Path below `/api/v1`. Resolves with the answer as it came; the normalised exchange is kept. */
  async function send(
    method: string,
    path: string,
    { query = {}, headers = {}, json, body, authorization = basic }: SendOptions = {},
  ) {
    const all: Record<string, string> = { ...headers, ...(authorization === null ? {} : { authorization }) }
    if (json !== undefined) all['content-type'] = 'application/json'
    const line = `${path}${searchOf(query)}`
    const response = await fetch(`${target.endpoint}/api/v1${line}`, {
      method,
      headers: all,
      body: (json === undefined ? body : JSON.stringify(json)) as RequestInit['body'],
      redirect: 'manual',
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type') === 'application/json'
    const answer: unknown = isJson && text ? JSON.parse(text) : text
    const shown = shownHeaders.flatMap((name): [string, string][] => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, name === 'last-modified' ? '<time>' : normaliseText(value)]]
    })
    const isLog = path.endsWith('/output') && response.ok && text !== ''
    const exchange: Exchange = {
      request: normaliseText(`${method} ${line}`),
      status: response.status,
      headers: isPlainJson(shown) ? 'json' : Object.fromEntries(shown),
      body: isLog ? normaliseLog(text) : normalise(answer),
    }
    const calls = options.lateHooks ? [] : hooks.take()
    if (calls.length > 0) exchange.hooks = normalise(calls) as HookCall[]
    exchanges.push(exchange)
    return { status: response.status, headers: response.headers, text, json: answer as Record<string, never> }
  }

  return {
    repository,
    namespace,
    hooks,
    target,
    exchanges,
    send,
    /** The same below the session's repository. */
    call: (method: string, path: string, options?: SendOptions) =>
      send(method, `/repositories/${repository}${path}`, options),
    /** Where the bytes of an object lie does not matter from here on. */
    forgetAddresses(): void {
      options.sameAddress = true
    },
    /** From here on hook calls come when they like: they are kept by `keepLateHooks` alone. */
    expectLateHooks(): void {
      options.lateHooks = true
    },
    /** Waits for `count` hook calls and keeps them. */
    async keepLateHooks(count: number): Promise<void> {
      const deadline = Date.now() + 10_000
      while (hooks.calls.length < count && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20))
      const calls = normalise(hooks.take()) as HookCall[]
      exchanges.push({ request: 'late hooks', status: 0, headers: {}, body: null, hooks: calls })
    },
  }
}

export type Session = ReturnType<typeof createSession>
