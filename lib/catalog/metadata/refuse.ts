import { CatalogError } from '../error.ts'

/** A request that no retry can mend: 400. */
export const badRequest = (message: string, cause?: unknown): CatalogError =>
  new CatalogError('BadRequestException', message, { cause })

/** A request that was made for a table that has changed since: 409, upon which engines read the table again and retry. */
export const conflict = (message: string): CatalogError => new CatalogError('CommitFailedException', message)

/** A client's own word in a message: quoted, and cut where it is long. */
export function quote(word: unknown): string {
  if (typeof word !== 'string') return 'none'
  return JSON.stringify(word.length > 80 ? `${word.slice(0, 80)}…` : word)
}
