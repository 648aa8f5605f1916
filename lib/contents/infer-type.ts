import { parseDouble, parseInt32, parseInt64 } from '../csv/parse-numbers.ts'
import { parseDate, parseTime, parseTimestamp } from '../csv/parse-temporal.ts'
import type { FieldType } from '../fields.ts'

type Test = { kind: Exclude<FieldType['kind'], 'string' | 'decimal'>; fits(text: string): boolean }

/** Narrowest first. A type stays a candidate while it reads every value. */
const tests: Test[] = [
  { kind: 'boolean', fits: text => /^(true|false)$/i.test(text) },
  { kind: 'integer', fits: text => wholeNumber.test(text) && typeof parseInt32(text) === 'number' },
  { kind: 'bigint', fits: text => wholeNumber.test(text) && typeof parseInt64(text) === 'bigint' },
  { kind: 'double', fits: text => !isCode(text) && typeof parseDouble(text) === 'number' },
  { kind: 'date', fits: text => typeof parseDate(text) === 'number' },
  { kind: 'timestamp', fits: text => typeof parseTimestamp(text) === 'bigint' },
  { kind: 'time', fits: text => typeof parseTime(text) === 'bigint' },
]

const wholeNumber = /^[+-]?(0|[1-9]\d*)$/
const fixedPoint = /^[+-]?(\d+)\.(\d+)$/
/** A leading zero is lost in a number, so it makes a code: `0012` stays text. */
const isCode = (text: string): boolean => /^[+-]?0\d/.test(text)

/** Finds the narrowest type that reads every value of a column, value by value. */
export function createTypeInference() {
  let candidates = tests
  let anyValue = false
  /** Of plain decimals, while all have one scale. */
  let decimal: { digits: number; scale: number } | undefined | 'none'

  function seeDecimal(text: string): void {
    const match = fixedPoint.exec(text)
    if (decimal === 'none') return
    const digits = match ? match[1]!.replace(/^0+/, '').length + match[2]!.length : 0
    const scale = match?.[2]?.length ?? 0
    if (!match || digits > 38 || (decimal && decimal.scale !== scale)) decimal = 'none'
    else decimal = { scale, digits: Math.max(decimal?.digits ?? 1, digits) }
  }

  return {
    add(cell: string): void {
      if (cell === '' || (anyValue && candidates.length === 0)) return
      const text = cell.trim()
      if (text === '' || text === '.') {
        // Missing in every type but text and boolean.
        candidates = candidates.filter(({ kind }) => kind !== 'boolean')
        return
      }
      anyValue = true
      seeDecimal(text)
      candidates = candidates.filter(({ fits }) => fits(text))
    },
    result(): FieldType {
      const [first] = candidates
      if (!anyValue || !first) return { kind: 'string' }
      if (first.kind === 'double' && decimal && decimal !== 'none') {
        return { kind: 'decimal', precision: decimal.digits, scale: decimal.scale }
      }
      return { kind: first.kind }
    },
  }
}
