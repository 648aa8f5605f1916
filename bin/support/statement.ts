import { UsageError } from './failure.ts'

/** Text in quotes, names in quotes, comments; or the end of a statement. What is left open goes to the end. */
const tokens = /'[^']*'?|"[^"]*"?|--[^\r\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?|;/g
/** Routines have statements of their own, with semicolons between them. */
const routine = /^\s*(?:with\s+function|create\s+(?:or\s+replace\s+)?function)\b/i

/**
 * The one statement of a text, without the semicolon behind it; lines and columns stay what they are. Throws UsageError where there is none, or
 * more than one: Trino takes one at a time.
 */
export function parseStatement(text: string): string {
  const blank = (token: string): string => (/^(?:--|\/\*)/.test(token) ? ' '.repeat(token.length) : token)
  const bare = text.replace(tokens, blank)
  if (bare.replaceAll(';', '').trim() === '') throw new UsageError('query: there is no statement')
  if (routine.test(bare)) return text.replace(/[\s;]+$/, '')
  const ends = [...bare.matchAll(tokens)].filter(([token]) => token === ';').map(({ index }) => index)
  const [first] = ends
  if (first === undefined) return text.trimEnd()
  if (bare.slice(first).replaceAll(';', '').trim() !== '')
    throw new UsageError(
      'query: there is more than one statement. Trino takes one at a time: call the command for each',
    )
  return text.slice(0, first).trimEnd()
}
