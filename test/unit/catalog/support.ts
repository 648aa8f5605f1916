import { type CatalogOptions, createCatalog } from '../../../lib/catalog/routes.ts'
import { parseTokens } from '../../../lib/catalog/tokens.ts'
import type { Environment } from '../../../lib/environment.ts'
import type { TestEnvironment } from '../../support/environment.ts'
import { smallStudy } from '../../support/small-study.ts'

export const tokens = {
  writer: 'a token that may write',
  reader: 'a token that may read it all',
  other: 'a token of another study',
}

export const authenticate = parseTokens(
  JSON.stringify([
    { name: 'Ada Writer', token: tokens.writer.replaceAll(' ', '-'), studies: ['*'], access: 'write' },
    { name: 'Rita Reader', token: tokens.reader.replaceAll(' ', '-'), studies: ['*'], access: 'read' },
    { name: 'Otto Other', token: tokens.other.replaceAll(' ', '-'), studies: ['other-*'], access: 'write' },
  ]),
)

export interface Asked {
  token?: keyof typeof tokens | null
  headers?: Record<string, string>
  body?: unknown
}

export interface Answered {
  status: number
  headers: Record<string, string>
  text: string
  /** Parsed, where there is a body. */
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  body: any
}

/** A client of a catalog over that environment: `ask('GET', '/v1/config?warehouse=trial')`. */
export function openCatalog(environment: Environment, options: Partial<CatalogOptions> = {}) {
  const catalog = createCatalog(environment, {
    authenticate,
    writableLayers: ['work'],
    clientConfig: { 's3.endpoint': 'http://store:9000' },
    describeError: error => ({ error: (error as Error).name }),
    ...options,
  })
  return async (method: string, address: string, asked: Asked = {}): Promise<Answered> => {
    const { token = 'writer', headers = {}, body } = asked
    const [path = '', query] = address.split('?')
    const answer = await catalog({
      method,
      path,
      query: new URLSearchParams(query),
      headers: { ...(token && { authorization: `Bearer ${tokens[token].replaceAll(' ', '-')}` }), ...headers },
      body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
      requestId: 'request-7',
    })
    const { body: text, ...rest } = answer
    return { ...rest, text, body: text === '' ? undefined : JSON.parse(text) }
  }
}

/** The path of a namespace as clients write it. */
export const namespacePath = (...levels: string[]): string =>
  `/v1/namespaces/${levels.map(encodeURIComponent).join('%1F')}`

/** Loads the small study as a version. */
export async function loadVersion(test: TestEnvironment, study: string, version = 'v1', files = smallStudy) {
  await test.upload({ study, version, files })
  await test.drain()
}
