import type { Random } from './all-types-cells.ts'

/** How a CSV file is written. */
export interface CsvForm {
  separator?: ',' | ';' | '\t'
  lineEnd?: '\n' | '\r\n' | '\r'
  encoding?: 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'latin1'
  /** False: the last record ends with the file. */
  closed?: boolean
  /** True: every name in the header is quoted. */
  quotedHeader?: boolean
}

/** A CSV file of these cells. Cells are quoted where they have to be, and now and then where they need not. */
export function writeCsv(
  { header, rows }: { header: string[]; rows: string[][] },
  { separator = ',', lineEnd = '\n', encoding = 'utf-8', closed = true, quotedHeader = false }: CsvForm,
  random: Random,
): Uint8Array {
  const quote = (cell: string): string => `"${cell.replaceAll('"', '""')}"`
  const mustQuote = (cell: string): boolean => cell.includes(separator) || /["\r\n]/.test(cell)
  const writeCell = (cell: string): string => (mustQuote(cell) || random.below(8) === 0 ? quote(cell) : cell)
  const lines = [
    header.map(name => (quotedHeader || mustQuote(name) ? quote(name) : name)),
    // An empty line would stand for a record of one empty cell.
    ...rows.map(row => (row.length === 1 && row[0] === '' ? ['""'] : row.map(writeCell))),
  ]
  return encode(lines.map(line => line.join(separator)).join(lineEnd) + (closed ? lineEnd : ''), encoding)
}

function encode(text: string, encoding: NonNullable<CsvForm['encoding']>): Uint8Array {
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(text, 'utf8')
    case 'utf-8-bom':
      return Buffer.from(`\ufeff${text}`, 'utf8')
    case 'utf-16le':
      return Buffer.from(`\ufeff${text}`, 'utf16le')
    case 'utf-16be':
      return Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
    case 'latin1':
      return Buffer.from(text, 'latin1')
  }
}
