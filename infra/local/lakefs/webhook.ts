import { STATUS_CODES } from 'node:http'
import type { Hook } from './action-file.ts'

/** What the server's environment gives to `{{ ENV.LAKEFSACTION_… }}`. */
export type HookEnvironment = Record<string, string | undefined>

/** The hook cannot be set up: nothing was sent. */
export class HookSetupError extends Error {
  override name = 'HookSetupError'
}

interface Secret {
  value: string
  /** The value, or stars where it came from the environment. */
  shown: string
}

const variablePrefix = 'LAKEFSACTION_'
const variable = /\{\{ ?ENV\.(.*?) ?\}\}/g

/** Expands `{{ ENV.LAKEFSACTION_X }}`; variables of other names are empty. */
function expand(text: string, env: HookEnvironment, what: string): Secret {
  let secret = false
  const value = text.replace(variable, (_match, name: string) => {
    secret = true
    if (!name.startsWith(variablePrefix)) return ''
    const found = env[name]
    if (found === undefined) throw new HookSetupError(`${what}: ${name} not found: missing env var`)
    return found
  })
  return { value, shown: secret ? '*******' : value }
}

const wrongFormat = (what: string) => new HookSetupError(`${what}: webhook wrong format`)
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readPairs(property: unknown, env: HookEnvironment, kind: 'query params' | 'headers'): [string, Secret][] {
  if (property === undefined) return []
  const extracting = `extracting ${kind}`
  if (!isMap(property)) throw wrongFormat(`${extracting}: unsupported ${kind}`)
  const reading = `${extracting}: reading ${kind === 'headers' ? 'header' : 'query param'}`
  return Object.entries(property).flatMap(([name, value]) => {
    const values = kind === 'headers' || !Array.isArray(value) ? [value] : value
    return values.map((item): [string, Secret] => {
      if (typeof item !== 'string') throw wrongFormat(`${extracting}: ${kind} should be strings`)
      return [name, expand(item, env, reading)]
    })
  })
}

const units: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** ms of a duration as Go writes it: `1m30s`, `500ms`. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.map(([part]) => part).join('') !== text || parts.length === 0) {
    throw new HookSetupError(`webhook request duration: time: invalid duration ${JSON.stringify(text)}`)
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit!]!, 0)
}

const formatDuration = (ms: number): string => (ms < 1000 ? `${ms.toFixed(6)}ms` : `${(ms / 1000).toFixed(9)}s`)

const canonicalHeader = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())

function dumpResponse(response: Response, body: string): string {
  const reason = response.statusText || STATUS_CODES[response.status] || ''
  const headers = [...response.headers].map(([name, value]) => `${canonicalHeader(name)}: ${value}`)
  return [`HTTP/1.1 ${response.status} ${reason}`, ...headers.sort(), '', body].join('\r\n')
}

/** Prepares a webhook: throws HookSetupError where its properties are wrong; the result runs it once. */
export function createWebhook({ properties }: Hook, env: HookEnvironment) {
  const url = properties.url
  if (typeof url !== 'string') throw wrongFormat('webhook url must be string')
  const query = readPairs(properties.query_params, env, 'query params')
  const headers = readPairs(properties.headers, env, 'headers')
  const timeout =
    typeof properties.timeout === 'string' && properties.timeout ? parseDuration(properties.timeout) : 60_000

  /** Posts the event; writes what happened into `log`. Resolves with the error's text where the hook refused, undefined where it passed. */
  return async function post(event: string, log: string[]): Promise<string | undefined> {
    const show = (pairs: [string, Secret][]) => pairs.map(([name, { shown }]) => `${name}: ${shown}\n`).join('')
    const json: [string, Secret] = ['Content-Type', { value: 'application/json', shown: 'application/json' }]
    const sent = [...headers.filter(([name]) => name !== json[0]), json]
    log.push(`Request:\nPOST ${url}\nQuery Params:\n${show(query)}Headers:\n${show(sent)}Request Body:\n${event}\n\n`)
    const started = performance.now()
    try {
      const target = new URL(url)
      for (const [name, { value }] of query) target.searchParams.append(name, value)
      target.searchParams.sort()
      const response = await fetch(target, {
        method: 'POST',
        headers: sent.map(([name, { value }]): [string, string] => [name, value]),
        body: event,
        signal: AbortSignal.timeout(timeout),
      })
      const body = await response.text()
      log.push(
        `\nRequest duration: ${formatDuration(performance.now() - started)}\n\nResponse:\n${dumpResponse(response, body)}`,
      )
      return response.ok ? undefined : `webhook request failed (status code: ${response.status})`
    } catch (error) {
      log.push(`\nRequest duration: ${formatDuration(performance.now() - started)}\n`)
      return `Post ${JSON.stringify(url)}: ${describeFailure(error)}`
    }
  }
}

function describeFailure(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') {
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  }
  const cause = (error as { cause?: { code?: string; address?: string; port?: number } }).cause
  if (cause?.code === 'ECONNREFUSED' && cause.address) {
    return `dial tcp ${cause.address}:${cause.port}: connect: connection refused`
  }
  return cause?.code ?? (error as Error).message
}
