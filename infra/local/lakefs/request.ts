import type { IncomingMessage } from 'node:http'
import { ApiError } from './errors.ts'

/** One request as the routes see it. Its checks answer 400 in lakeFS's words (which go on with the schema; ours stop before it). */
export interface ApiRequest {
  params: Record<string, string>
  query: URLSearchParams
  raw: IncomingMessage
}

export interface Reply {
  status: number
  json?: unknown
  text?: string
  body?: AsyncIterable<Uint8Array> | Uint8Array
  headers?: Record<string, string | number>
}

const badParameter = (name: string, what: string) =>
  new ApiError(400, `parameter "${name}" in query has an error: ${what}`)

export function requireQuery({ query }: ApiRequest, name: string): string {
  const value = query.get(name)
  if (value === null) throw badParameter(name, 'value is required but missing')
  if (value === '') throw badParameter(name, 'empty value is not allowed')
  return value
}

export function readFlag({ query }: ApiRequest, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (value !== 'true' && value !== 'false')
    throw badParameter(name, `value ${value}: an invalid boolean: invalid syntax`)
  return value === 'true'
}

export function readChoice({ query }: ApiRequest, name: string, choices: string[]): string | undefined {
  const value = query.get(name) ?? undefined
  if (value !== undefined && !choices.includes(value)) {
    throw badParameter(name, `value is not one of the allowed values ${JSON.stringify(choices)}`)
  }
  return value
}

/** `prefix`, `after`, `delimiter` and `amount` (1 to 1,000; 100 without one). */
export function readPage({ query }: ApiRequest) {
  const text = query.get('amount') ?? '100'
  if (!/^-?\d+$/.test(text)) throw badParameter('amount', `value ${text}: an invalid integer: invalid syntax`)
  if (Number(text) > 1000) throw badParameter('amount', 'number must be at most 1000')
  if (Number(text) < -1) throw badParameter('amount', 'number must be at least -1')
  return {
    amount: Number(text) <= 0 ? 100 : Number(text),
    prefix: query.get('prefix') ?? '',
    after: query.get('after') ?? '',
    delimiter: query.get('delimiter') ?? '',
  }
}

/** The JSON of a page: `items` holds one more than `amount` where there are more. `nameOf` gives what the next page starts after. */
export function pageOf<T>(
  items: T[],
  amount: number,
  nameOf: (item: T) => string,
  toJson: (item: T) => unknown,
): Reply {
  const shown = items.slice(0, amount)
  const more = items.length > amount
  const pagination = {
    has_more: more,
    max_per_page: 1000,
    next_offset: more ? nameOf(shown.at(-1)!) : '',
    results: shown.length,
  }
  return { status: 200, json: { pagination, results: shown.map(toJson) } }
}

/** Takes `count` items, no more, from the source. */
export function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = []
  for (const item of items) {
    taken.push(item)
    if (taken.length >= count) break
  }
  return taken
}

export async function readBytes(raw: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of raw) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

type FieldType = 'string' | 'integer' | 'boolean' | 'strings' | 'object'

/** The fields of a request body; a name with `!` is required. */
export type BodyShape = Record<string, FieldType>

const fits: Record<FieldType, (value: unknown) => boolean> = {
  string: value => typeof value === 'string',
  integer: value => Number.isInteger(value),
  boolean: value => typeof value === 'boolean',
  object: value => typeof value === 'object' && value !== null && !Array.isArray(value),
  strings: value => fits.object(value) && Object.values(value as object).every(fits.string),
}

/** Reads a JSON body. `optional` bodies may be missing. Throws 400. */
export async function readBody<T>(
  { raw }: ApiRequest,
  schema: string,
  shape: BodyShape,
  { optional = false, list = false } = {},
): Promise<T> {
  const bytes = await readBytes(raw)
  const wrong = (what: string) => new ApiError(400, `request body has an error: ${what}`)
  if (bytes.length === 0) {
    if (optional) return {} as T
    throw wrong('value is required but missing')
  }
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    const [first = ''] = bytes.toString().trim()
    throw wrong(`failed to decode request body: invalid character '${first}' looking for beginning of value`)
  }
  const items = list ? (Array.isArray(value) ? value : [undefined]) : [value]
  const name = list ? '' : ` #/components/schemas/${schema}`
  for (const [index, item] of items.entries()) {
    const mismatch = (where: string) => wrong(`doesn't match schema${name}${where}`)
    if (!fits.object(item)) throw mismatch('')
    const base = list ? `/${index}` : ''
    checkFields(item as Record<string, unknown>, shape, (at, what) => mismatch(`: Error at "${base}/${at}": ${what}`))
  }
  return value as T
}

const expected: Record<FieldType, string> = {
  string: 'a string',
  integer: 'an integer',
  boolean: 'a boolean',
  strings: 'an object',
  object: 'an object',
}

function checkFields(
  body: Record<string, unknown>,
  shape: BodyShape,
  wrong: (at: string, what: string) => ApiError,
): void {
  for (const [marked, type] of Object.entries(shape)) {
    const name = marked.replace('!', '')
    const value = body[name]
    if (value === undefined) {
      if (marked.endsWith('!')) throw wrong(name, `property "${name}" is missing`)
    } else if (!fits[type](value)) {
      const member = type === 'strings' && fits.object(value) ? firstNoString(value as object) : undefined
      throw member === undefined
        ? wrong(name, `value must be ${expected[type]}`)
        : wrong(`${name}/${member}`, 'value must be a string')
    }
  }
}

const firstNoString = (value: object): string | undefined =>
  Object.entries(value).find(([, member]) => typeof member !== 'string')?.[0]
