/** How a CSV file separates its cells and its records. */
export interface Dialect {
  separator: ',' | ';' | '\t'
  lineEnds: string[]
}

const separators = [',', ';', '\t'] as const
const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Collects the start of a CSV file until its first record, the header, is whole, then tells the dialect. Quoted line breaks do not end
 * the header. `names` are the declared columns: they decide between separators that all occur.
 */
export function createDialectFinder({ names }: { names: readonly string[] }) {
  const pieces: Uint8Array[] = []
  let size = 0
  let quoted = false
  let endsWith: string | undefined
  let headerSize = 0
  let afterReturn = false

  function scan(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && endsWith === undefined; i++) {
      const byte = bytes[i]
      if (afterReturn) endsWith = byte === lineFeed ? '\r\n' : '\r'
      else if (byte === quote) quoted = !quoted
      else if (quoted) continue
      else if (byte === lineFeed) endsWith = '\n'
      else if (byte === carriageReturn) afterReturn = true
      if (endsWith === undefined && !afterReturn) headerSize++
    }
  }

  return {
    /** Bytes collected. */
    size: (): number => size,
    /** Takes the next bytes; true once the header is whole. */
    push(bytes: Uint8Array): boolean {
      pieces.push(bytes)
      size += bytes.length
      scan(bytes)
      return endsWith !== undefined
    },
    /** All bytes collected, and the dialect. Without a line end the header is all that there is. */
    finish(): { dialect: Dialect; start: Uint8Array } {
      const start = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      const header = Buffer.from(start.buffer, start.byteOffset, headerSize).toString('utf8')
      // A file whose first line ends in a lone CR is an old Macintosh one; elsewhere a lone CR is text.
      const lineEnds = endsWith === '\r' || (endsWith === undefined && afterReturn) ? ['\r\n', '\r'] : ['\r\n', '\n']
      return { dialect: { separator: findSeparator(header, names), lineEnds }, start }
    },
  }
}

/** The separator that yields the most declared names, then the most cells; the comma where nothing decides. */
export function findSeparator(header: string, names: readonly string[]): Dialect['separator'] {
  const declared = new Set(names.map(name => name.trim().toLowerCase()))
  let best: { separator: Dialect['separator']; matches: number; cells: number } | undefined
  for (const separator of separators) {
    const cells = splitOutsideQuotes(header, separator)
    const matches = cells.filter(cell => declared.has(unquote(cell.trim()).trim().toLowerCase())).length
    if (!best || matches > best.matches || (matches === best.matches && cells.length > best.cells)) {
      best = { separator, matches, cells: cells.length }
    }
  }
  return best!.separator
}

function splitOutsideQuotes(line: string, separator: string): string[] {
  const cells: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"') quoted = !quoted
    else if (line[i] === separator && !quoted) {
      cells.push(line.slice(start, i))
      start = i + 1
    }
  }
  cells.push(line.slice(start))
  return cells
}

const unquote = (cell: string): string => (/^".*"$/s.test(cell) ? cell.slice(1, -1).replaceAll('""', '"') : cell)
