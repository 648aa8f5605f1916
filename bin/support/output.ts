import { stringifyJson } from '../../lib/json.ts'

/** What a command says, and to whom: results to stdout, progress and remarks to stderr. */
export interface Output {
  json: boolean
  /** A line of the result; dropped with --json. */
  line(text?: string): void
  /** The one document of --json; dropped without. */
  document(value: unknown): void
  /** A passing remark on what is going on; only on a terminal, where the next one replaces it. */
  progress(text: string): void
  /** Wipes the remark away. */
  clear(): void
}

/** An output on the process's streams. */
export function createOutput({ json }: { json: boolean }): Output {
  const live = process.stderr.isTTY === true
  let shown = false
  function clear(): void {
    if (shown) process.stderr.write('\r\u001b[K')
    shown = false
  }
  return {
    json,
    line(text = '') {
      clear()
      if (!json) process.stdout.write(`${text}\n`)
    },
    document(value) {
      clear()
      if (json) process.stdout.write(`${stringifyJson(value, 2)}\n`)
    },
    progress(text) {
      if (!live) return
      const width = process.stderr.columns || 80
      clear()
      process.stderr.write(text.slice(0, width - 1))
      shown = true
    },
    clear,
  }
}

export interface TableColumn {
  title: string
  /** Numbers stand at the right. */
  align?: 'left' | 'right'
}

/** Characters that a cell takes on a terminal: control characters are shown, not obeyed. */
const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, character => (character === '\n' ? '⏎' : character === '\t' ? '⇥' : '·'))

/** Lines of aligned columns with a header, each indented by two spaces. */
export function formatTable(columns: TableColumn[], rows: string[][]): string[] {
  const widths = measureColumns(columns, rows)
  return [columns.map(({ title }) => title), ...rows].map(cells => formatLine(columns, widths, cells))
}

/** The characters that each column takes: of its title, or of its longest cell. */
export const measureColumns = (columns: TableColumn[], rows: string[][]): number[] =>
  columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, widthOf(row[index] ?? '')), widthOf(title)),
  )

/** A line of cells in columns of those widths; a longer cell moves what comes after it. */
export const formatLine = (columns: TableColumn[], widths: number[], cells: string[]): string =>
  `  ${columns
    .map(({ align }, index) => pad(printable(cells[index] ?? ''), widths[index]!, align))
    .join('  ')
    .trimEnd()}`

const widthOf = (text: string): number => [...text].length

function pad(text: string, width: number, align: TableColumn['align'] = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'right' ? space + text : text + space
}

/** `12,345`: the same everywhere, whatever the machine's language. */
export const formatCount = (value: number): string => value.toLocaleString('en-US')

/** `1 row`, `2 rows`. */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${formatCount(value)} ${value === 1 ? one : many}`
