import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { sha256 } from '../hash.ts'
import { parseJson } from '../json.ts'

/** Who asks, by the token that was shown. */
export interface Caller {
  name: string
  /** What it may not read is not there for it. */
  mayRead(study: string): boolean
  mayWrite(study: string): boolean
}

/** Who shows that `authorization` header, or undefined. */
export type Authenticate = (authorization: string | undefined) => Caller | undefined

const entry = z
  .object({
    /** Of the person or program; the author of what it commits. */
    name: z.string().regex(/^[^\p{C}]{1,100}$/u),
    token: z.string().min(16).optional(),
    /** Of the token, in hex: for lists that should not hold it. */
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/)
      .optional(),
    /** Names; a star stands for any characters. */
    studies: z.array(z.string().regex(/^[a-z0-9*-]+$/)).min(1),
    access: z.enum(['read', 'write']),
  })
  .refine(({ token, sha256: hash }) => (token === undefined) !== (hash === undefined))

const list = z.union([z.array(entry).min(1), entry.transform(one => [one])])

/**
 * Reads the tokens: JSON, a list of `{name, token or sha256, studies, access}`, or one of them alone. Every token is compared at every request,
 * so that how long it takes tells nothing. Throws an Error that names the variable and quotes nothing.
 */
export function parseTokens(text: string): Authenticate {
  let entries: z.infer<typeof list>
  try {
    entries = list.parse(parseJson(text))
  } catch {
    // The cause is left out: it may quote a token.
    throw new Error(
      'configuration: CATALOG_TOKENS is not a list of {"name", "token" or "sha256", "studies", "access": "read" or "write"} in JSON',
    )
  }
  const callers = entries.map(({ name, token, sha256: hash, studies, access }) => {
    const patterns = studies.map(study => new RegExp(`^${study.replaceAll('*', '.*')}$`))
    const matches = (study: string) => patterns.some(pattern => pattern.test(study))
    const caller: Caller = { name, mayRead: matches, mayWrite: study => access === 'write' && matches(study) }
    return { digest: Buffer.from(hash?.toLowerCase() ?? sha256(token!)), caller }
  })
  return authorization => {
    const shown = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    const digest = Buffer.from(sha256(shown ?? ''))
    let found: Caller | undefined
    for (const known of callers) if (timingSafeEqual(known.digest, digest)) found = known.caller
    return shown === undefined ? undefined : found
  }
}
