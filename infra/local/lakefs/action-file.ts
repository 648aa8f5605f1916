import { parse } from 'yaml'
import { matchesGlob } from './globs.ts'

export const eventTypes = [
  'prepare-commit',
  ...['commit', 'merge', 'create-tag', 'delete-tag', 'create-branch', 'delete-branch', 'revert', 'cherry-pick'].flatMap(
    what => [`pre-${what}`, `post-${what}`],
  ),
]

export interface Hook {
  id: string
  type: string
  if: string
  properties: Record<string, unknown>
}

export interface Action {
  name: string
  /** Branch globs of each event; none = every branch. */
  on: Map<string, string[]>
  hooks: Hook[]
}

/** The file is wrong. The text is lakeFS's. */
export class ActionFileError extends Error {
  override name = 'ActionFileError'
}

const requiredProperties: Record<string, string[][]> = {
  webhook: [['url']],
  airflow: [['url'], ['dag_id'], ['username'], ['password']],
  lua: [['script', 'script_path']],
}

const invalid = (what: string) => new ActionFileError(`${what}: invalid action`)
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads an action file (https://docs.lakefs.io/howto/hooks/#action-file). Throws ActionFileError. */
export function parseAction(text: string): Action {
  let file: unknown
  try {
    file = parse(text)
  } catch (cause) {
    throw new ActionFileError(`yaml: ${(cause as Error).message.split('\n')[0]}`, { cause })
  }
  const { name, on, hooks } = isMap(file) ? file : {}
  if (!name) throw invalid("'name' is required")
  if (!/^\w[\w\-. ]+$/.test(String(name))) throw invalid("'name' is invalid")
  if (!isMap(on) || Object.keys(on).length === 0) throw invalid("'on' is required")
  return { name: String(name), on: readEvents(on), hooks: readHooks(Array.isArray(hooks) ? hooks : []) }
}

function readEvents(on: Record<string, unknown>): Action['on'] {
  const events: Action['on'] = new Map()
  for (const [event, condition] of Object.entries(on)) {
    if (!eventTypes.includes(event)) throw invalid(`event '${event}' is not supported`)
    const branches = isMap(condition) && Array.isArray(condition.branches) ? condition.branches.map(String) : []
    if (branches.length > 0 && event.endsWith('-tag')) {
      throw new ActionFileError("'branches' is not supported in tag event types. invalid event parameter")
    }
    events.set(event, branches)
  }
  return events
}

function readHooks(list: unknown[]): Hook[] {
  const ids = new Set<string>()
  return list.map((item, index) => {
    const raw = isMap(item) ? item : {}
    const id = String(raw.id ?? '')
    if (!/^[_a-zA-Z][-_a-zA-Z0-9]{1,255}$/.test(id)) throw invalid(`hook[${index}] missing ID`)
    if (ids.has(id)) throw invalid(`hook[${index}] duplicate ID '${id}'`)
    ids.add(id)
    const type = String(raw.type ?? '')
    const groups = requiredProperties[type]
    if (!groups) throw invalid(`hook[${index}] type '${id}' unknown`)
    if (!isMap(raw.properties)) throw invalid(`hook[${index}] type '${type}': missing hook properties`)
    const properties = raw.properties
    for (const group of groups) {
      if (group.some(key => key in properties)) continue
      throw invalid(`hook[${index}] type '${type}': '${group.join("' or '")}' must be supplied in properties`)
    }
    return { id, type, if: String(raw.if ?? ''), properties }
  })
}

/** True where the action is for this event and branch. */
export function matchesEvent(action: Action, eventType: string, branch: string): boolean {
  const branches = action.on.get(eventType)
  if (!branches) return false
  return branches.length === 0 || branches.some(pattern => matchesGlob(pattern, branch))
}

/** A hook's `if`: `success()`, `failure()`, `true`, `false`, `!`/`not`, `&&`/`and`, `||`/`or`, brackets. Undefined where it is none. */
export function evaluateIf(expression: string, failed: boolean): boolean | undefined {
  const tokens = expression.match(/success\s*\(\s*\)|failure\s*\(\s*\)|&&|\|\||[!()]|\w+|\S/g) ?? []
  let at = 0
  const accept = (...options: string[]): boolean => options.includes(tokens[at] ?? '') && ++at > 0

  function readAtom(): boolean | undefined {
    if (accept('!', 'not')) {
      const inner = readAtom()
      return inner === undefined ? undefined : !inner
    }
    if (accept('(')) {
      const inner = readOr()
      return accept(')') ? inner : undefined
    }
    const word = (tokens[at++] ?? '').replace(/\s/g, '')
    return { 'success()': !failed, 'failure()': failed, true: true, false: false }[word]
  }
  function readAnd(): boolean | undefined {
    let value = readAtom()
    while (accept('&&', 'and')) {
      const right = readAtom()
      value = value === undefined || right === undefined ? undefined : value && right
    }
    return value
  }
  function readOr(): boolean | undefined {
    let value = readAnd()
    while (accept('||', 'or')) {
      const right = readAnd()
      value = value === undefined || right === undefined ? undefined : value || right
    }
    return value
  }

  if (expression.trim() === '') return !failed
  const value = readOr()
  return at === tokens.length ? value : undefined
}
