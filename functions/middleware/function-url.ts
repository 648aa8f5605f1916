import { timingSafeEqual } from 'node:crypto'
import type { z } from 'zod'
import type { FunctionUrlEvent, FunctionUrlResult } from '../../events/gate.ts'
import { sha256 } from '../../lib/hash.ts'
import { parseJson } from '../../lib/json.ts'

/** An answer of a function URL, with a JSON body. */
export const answer = (statusCode: number, body: unknown): FunctionUrlResult => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body, undefined, 1),
})

/** The value of a header, whatever the case of its name. */
export function readHeader({ headers }: Pick<FunctionUrlEvent, 'headers'>, name: string): string | undefined {
  return Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1]
}

/** True where both are the same; takes equally long wherever they differ. */
export function isToken(given: string | undefined, token: string): boolean {
  // Hashes are of one length, which the comparison needs.
  return timingSafeEqual(Buffer.from(sha256(given ?? '')), Buffer.from(sha256(token)))
}

/** The body as the schema gives it, or undefined where it does not fit, is no JSON, or has more than `largest` characters. */
export function readBody<Value>(
  { body = '', isBase64Encoded }: Pick<FunctionUrlEvent, 'body' | 'isBase64Encoded'>,
  { schema, largest }: { schema: z.ZodType<Value>; largest: number },
): Value | undefined {
  if (body.length > largest) return undefined
  try {
    return schema.safeParse(parseJson(isBase64Encoded ? Buffer.from(body, 'base64').toString() : body)).data
  } catch {
    return undefined
  }
}
