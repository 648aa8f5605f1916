import { CatalogError } from './error.ts'

/** Which part of a listing is asked for. */
export interface Page {
  /** What the page before it ended with. */
  after: string | undefined
  /** Items, at most. */
  size: number
}

/** Where a client asks for pages and not for their size. */
const usualSize = 1000

/**
 * The page that a request asks for. Without `pageToken` a client takes all there is to be in one answer. Iceberg REST catalog specification, "PageToken".
 * Throws CatalogError for a token that is none of ours and a size that is no positive number.
 */
export function readPage(query: URLSearchParams): Page {
  const [token, size] = [query.get('pageToken'), query.get('pageSize')]
  if (size !== null && !/^[1-9]\d{0,8}$/.test(size))
    throw new CatalogError('BadRequestException', 'pageSize is not a positive number')
  if (token === null) return { after: undefined, size: Number.POSITIVE_INFINITY }
  return { after: token === '' ? undefined : decodeToken(token), size: size === null ? usualSize : Number(size) }
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  if (encodeToken(text) !== token) throw new CatalogError('BadRequestException', 'pageToken is none of this catalog')
  return text
}

const encodeToken = (after: string): string => Buffer.from(after).toString('base64url')

/**
 * The next items of a listing, and the token for those behind them: null where there are none. Reads no more than one item too many. `nameOf` is what a
 * listing can go on after.
 */
export async function takePage<Item>(
  items: AsyncIterable<Item>,
  { size }: Page,
  nameOf: (item: Item) => string,
): Promise<{ items: Item[]; nextPageToken: string | null }> {
  const page: Item[] = []
  for await (const item of items) {
    if (page.length === size) return { items: page, nextPageToken: encodeToken(nameOf(page.at(-1)!)) }
    page.push(item)
  }
  return { items: page, nextPageToken: null }
}
