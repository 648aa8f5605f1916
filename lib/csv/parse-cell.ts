import type { Field } from '../fields.ts'
import { findDateOrder, parseFormat } from './date-formats.ts'
import { parseBoolean, parseDecimal, parseDouble, parseInt32, parseInt64 } from './parse-numbers.ts'
import { parseDate, parseTime, parseTimestamp } from './parse-temporal.ts'

/** The value of a trimmed, non-empty cell as columns hold it, or the reason why it does not fit. */
export type CellParser = (text: string) => number | bigint | string

/** The reader of a field's type and format; undefined for text, where cells are values. */
export function createCellParser({ type, format }: Field): CellParser | undefined {
  switch (type.kind) {
    case 'string':
      return undefined
    case 'integer':
      return parseInt32
    case 'bigint':
      return parseInt64
    case 'double':
      return parseDouble
    case 'boolean':
      return text => {
        const value = parseBoolean(text)
        return typeof value === 'boolean' ? Number(value) : value
      }
    case 'date': {
      const parsed = format === undefined ? undefined : parseFormat(format)
      const order = parsed && findDateOrder(parsed)
      return text => parseDate(text, order)
    }
    case 'timestamp':
      return parseTimestamp
    case 'time':
      return parseTime
    case 'decimal': {
      const parse = (text: string): bigint | string => parseDecimal(text, type)
      if (type.precision > 9) return parse
      return text => {
        const value = parse(text)
        return typeof value === 'bigint' ? Number(value) : value
      }
    }
  }
}
