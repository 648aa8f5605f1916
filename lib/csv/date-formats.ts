/**
 * SAS formats as they stand in a contents file, with or without width, decimals and the closing point: `DATE9.`, `DATE`, `8.2`.
 * Names after SAS 9.4 "Formats and Informats: Reference", dates and times by category.
 */

/** The order of a date's parts, where a date does not tell it itself. */
export type DateOrder = 'ymd' | 'mdy' | 'dmy'

export interface SasFormat {
  /** Upper case: `DATE`, `$CHAR`; empty for the plain `w.d`. */
  name: string
  width?: number
  decimals?: number
}

/** The parts of a format's text; undefined where it is not written as a format. */
export function parseFormat(text: string): SasFormat | undefined {
  // Widths stand last, but E8601DA and B8601DA have digits inside their names.
  const match = /^(\$?(?:[A-Z_][A-Z0-9_]*[A-Z_]|[A-Z_])?)(\d+)?(?:\.(\d+)?)?$/.exec(text.trim().toUpperCase())
  if (!match || match[0] === '' || match[0] === '.') return undefined
  const format: SasFormat = { name: match[1]! }
  if (match[2] !== undefined) format.width = Number(match[2])
  if (match[3] !== undefined) format.decimals = Number(match[3])
  return format
}

const dateOrders: [RegExp, DateOrder][] = [
  [/^(DATE|E8601DA|B8601DA|IS8601DA|YYMMDD[BCDNPS]?)$/, 'ymd'],
  [/^MMDDYY[BCDNPS]?$/, 'mdy'],
  [/^DDMMYY[BCDNPS]?$/, 'dmy'],
]
const timestampNames = /^(DATETIME|E8601DT|IS8601DT)$/
const timeNames = /^(TIME|TOD|HHMM|E8601TM|IS8601TM)$/

/** The order of a date format's parts; undefined where it is no date format. */
export function findDateOrder(format: SasFormat): DateOrder | undefined {
  return dateOrders.find(([names]) => names.test(format.name))?.[1]
}

export const isTimestampFormat = ({ name }: SasFormat): boolean => timestampNames.test(name)
export const isTimeFormat = ({ name }: SasFormat): boolean => timeNames.test(name)
/** `8.` or `F8.`, without decimals. */
export const isWholeNumberFormat = ({ name, width, decimals = 0 }: SasFormat): boolean =>
  (name === '' || name === 'F') && width !== undefined && decimals === 0
