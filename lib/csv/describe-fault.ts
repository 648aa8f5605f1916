import type { Problem } from '../errors.ts'
import type { TextFault } from './normalise-text.ts'

/** Where in a file something is. */
export interface Place {
  file: string
  /** 0 is the header. */
  row: number
  /** In the header's own case; never named for the header itself. */
  column?: string | undefined
}

const at = ({ file, row, column }: Place) => ({
  file,
  ...(row > 0 ? { row } : {}),
  ...(row > 0 && column !== undefined ? { column } : {}),
})

/** What makes a file unreadable from one record on: quotes that do not pair. */
export type QuoteFault = 'stray-quote' | 'unterminated-quote'

export function describeTextFault({ code, reason }: TextFault, { file, row }: Place): Problem {
  return { code, message: `the file ${reason}`, ...at({ file, row }) }
}

export function describeQuoteFault(code: QuoteFault, place: Place): Problem {
  const message =
    code === 'unterminated-quote'
      ? 'a quoted cell that starts here is never closed: close its quote, and double quotes inside it'
      : 'a quote stands inside an unquoted cell, or text follows a closing quote: quote the whole cell and double the quotes inside it'
  return { code, message, ...at(place) }
}

/** `most` in bytes. */
export function describeLargeCell(most: number, place: Place): Problem {
  return {
    code: 'cell-too-large',
    message: `a cell is larger than ${most} bytes: a quote may never be closed; if it is lawful, raise the largest cell`,
    ...at(place),
  }
}

/** `most` in bytes. */
export function describeLargeRow(most: number, { file, row }: Place): Problem {
  return {
    code: 'row-too-large',
    message: `a row is larger than ${most} bytes: line ends may be missing; if it is lawful, raise the largest cell`,
    ...at({ file, row }),
  }
}
