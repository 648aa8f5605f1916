/** Rows of a result as they come: CSV, JSON, or a table to look at. None holds more than its first rows. */
import { stringifyJson } from '../../lib/json.ts'
import { CommandError } from './failure.ts'
import { count, formatLine, measureColumns, type TableColumn } from './output.ts'
import type { Column } from './trino.ts'

/** Resolves once there is room for more. */
export type Write = (text: string) => Promise<void>

export interface RowPrinter {
  /** Throws CommandError for columns that cannot be printed so. */
  begin(columns: Column[]): Promise<void>
  rows(rows: unknown[][]): Promise<void>
  /** Called once, also where there was nothing to begin with. */
  end(): Promise<void>
}

/** Trino's value as text. Decimals, dates and times are text as they come; nested values are JSON. */
function formatValue(value: unknown): string {
  if (typeof value === 'string') return value
  if (Object.is(value, -0)) return '-0'
  return typeof value === 'object' ? stringifyJson(value) : String(value)
}

/** A null is an empty cell, empty text a pair of quotes. */
function formatCsvCell(value: unknown): string {
  if (value === null) return ''
  const text = formatValue(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function createCsvPrinter(write: Write): RowPrinter {
  const line = (cells: unknown[]): string => `${cells.map(formatCsvCell).join(',')}\n`
  return {
    begin: columns => write(line(columns.map(({ name }) => name))),
    rows: rows => write(rows.map(line).join('')),
    end: async () => {},
  }
}

/** One JSON document: an array with an object a row, each on a line of its own. Columns keep their order. */
export function createJsonPrinter(write: Write): RowPrinter {
  let names: string[] = []
  let separator = '[\n'
  const format = (value: unknown): string => (Object.is(value, -0) ? '-0.0' : stringifyJson(value))
  return {
    async begin(columns) {
      const twice = columns.find(({ name }, index) => columns.findIndex(other => other.name === name) !== index)
      if (twice)
        throw new CommandError(
          `two columns are called ${JSON.stringify(twice.name)}, and JSON can hold one: give the other a name with AS, or use --csv`,
        )
      names = columns.map(({ name }) => JSON.stringify(name))
    },
    async rows(rows) {
      if (rows.length === 0) return
      const lines = rows.map(row => `{${row.map((value, index) => `${names[index]}:${format(value)}`).join(',')}}`)
      await write(separator + lines.join(',\n'))
      separator = ',\n'
    },
    end: () => write(separator === '[\n' ? '[]\n' : '\n]\n'),
  }
}

/** Rows that decide how wide columns are. */
const sampleRows = 100
/** Characters of a cell, and to how many a column gives way where the terminal is narrow. */
const [longestCell, shortestCell] = [40, 8]
const isNumber = (type: string): boolean => /^(?:tinyint|smallint|integer|bigint|real|double|decimal)\b/.test(type)

const cut = (text: string, width: number): string => {
  const characters = [...text]
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text
}

/** Takes from the widest columns until the line fits. */
function fitWidths(widths: number[], room: number): number[] {
  const fitted = widths.map(width => Math.min(width, longestCell))
  // The indent, and the space between columns.
  let over = fitted.reduce((sum, width) => sum + width + 2, 0) - room
  for (; over > 0; over--) {
    const widest = Math.max(...fitted)
    if (widest <= shortestCell) break
    fitted[fitted.indexOf(widest)] = widest - 1
  }
  return fitted
}

/** Aligned columns, as wide as the first rows need and `width` characters allow; longer cells are cut, and the end says so. */
export function createTablePrinter(
  write: Write,
  { width = Number.POSITIVE_INFINITY }: { width?: number } = {},
): RowPrinter {
  let columns: TableColumn[] | undefined
  let widths: number[] | undefined
  let held: string[][] = []
  let [total, wasCut] = [0, false]

  const line = (cells: string[]): string => {
    const short = cells.map((cell, index) => cut(cell, widths![index]!))
    wasCut ||= short.some((cell, index) => cell !== cells[index])
    return `${formatLine(columns!, widths!, short)}\n`
  }
  /** Writes what was held back to see how wide it is. */
  async function release(): Promise<void> {
    if (!columns) return
    if (!widths) {
      widths = fitWidths(measureColumns(columns, held), width)
      await write(line(columns.map(({ title }) => title)))
    }
    await write(held.map(line).join(''))
    held = []
  }
  return {
    async begin(found) {
      columns = found.map(({ name, type }) => ({ title: name, align: isNumber(type) ? 'right' : 'left' }))
    },
    async rows(rows) {
      total += rows.length
      for (const row of rows) held.push(row.map(value => (value === null ? 'NULL' : formatValue(value))))
      if (widths || held.length >= sampleRows) await release()
    },
    async end() {
      await release()
      const remark = wasCut ? '\nWhat ends with … was cut; --csv and --json print all of it' : ''
      await write(`\n${count(total, 'row')}${remark}\n`)
    },
  }
}
