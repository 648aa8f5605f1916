/** One object of a tree or of a staging area. */
export interface Entry {
  path: string
  /** Below the repository's storage namespace. */
  address: string
  /** MD5 in hex. */
  checksum: string
  size: number
  /** ms since 1970. */
  mtime: number
  contentType: string
  metadata: Record<string, string>
}

export const defaultContentType = 'application/octet-stream'

/** Equal for two objects that lakeFS holds for the same: the path, the place of the bytes and the time do not count. */
export function identityOf({ size, checksum, metadata, contentType }: Entry): string {
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([size, checksum, sorted, contentType])
}

export function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (!a || !b) return a === b
  return identityOf(a) === identityOf(b)
}

/** Order of the paths' UTF-8 bytes. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** UTF-16 sorts surrogates below U+E000; UTF-8 sorts what they stand for above U+FFFF. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)
