import {
  findDateOrder,
  isTimeFormat,
  isTimestampFormat,
  isWholeNumberFormat,
  parseFormat,
  type SasFormat,
} from '../csv/date-formats.ts'
import type { FieldType } from '../fields.ts'

/** A column's type with the format that decides how its text is read, or the reason why it has none. */
export type TypeOutcome = { type: FieldType; format?: string } | { code: string; reason: string }

/** The plain dialect's type words, and the aliases that mean the same everywhere. */
const words = new Map<string, FieldType>()
const kinds = {
  string: ['text', 'varchar', 'char', 'character'],
  integer: ['int', 'int32'],
  bigint: ['long', 'int64'],
  double: ['float', 'float64', 'number'],
  boolean: ['bool'],
  date: [],
  timestamp: ['datetime'],
  time: [],
} as const
for (const [kind, aliases] of Object.entries(kinds)) {
  for (const word of [kind, ...aliases]) words.set(word, { kind } as FieldType)
}

const known = 'string, integer, bigint, decimal(p,s), double, boolean, date, timestamp or time'

/** The type of the plain dialect: a type word, and for dates and times a SAS format. */
export function parsePlainType(text: string, formatText: string): TypeOutcome {
  const word = text.trim().toLowerCase().replaceAll(/\s+/g, '')
  const type = words.get(word) ?? parseDecimalType(word)
  if (!type) return { code: 'type-unknown', reason: `the type is ${quote(text)}, expected ${known}` }
  if ('reason' in type) return type
  if (formatText.trim() === '') return { type }
  const fits = formatTests[type.kind]
  if (!fits) return { type }
  const format = parseFormat(formatText)
  if (format && fits(format)) return { type, format: formatText.trim().toUpperCase() }
  const reason = `the format ${quote(formatText)} is none of a ${type.kind}, expected ${formatExamples[type.kind]}`
  return { code: 'format-unknown', reason }
}

/** The type of the PROC CONTENTS dialect: TYPE 1 is a number whose FORMAT decides, TYPE 2 is text. */
export function parseProcType(text: string, formatText: string): TypeOutcome {
  const word = text.trim().toLowerCase()
  if (word === '2' || word === 'char') return { type: { kind: 'string' } }
  if (word !== '1' && word !== 'num') {
    return { code: 'type-unknown', reason: `TYPE is ${quote(text)}, expected 1 (number) or 2 (character)` }
  }
  if (formatText.trim() === '') return { type: { kind: 'double' } }
  const format = parseFormat(formatText)
  if (!format)
    return { code: 'format-unknown', reason: `FORMAT is ${quote(formatText)}, expected one such as DATE9. or 8.` }
  if (format.name.startsWith('$')) {
    return { code: 'format-unknown', reason: `FORMAT is ${quote(formatText)}, which is for text, and TYPE is a number` }
  }
  for (const kind of ['date', 'timestamp', 'time'] as const) {
    if (formatTests[kind]!(format)) return { type: { kind }, format: formatText.trim().toUpperCase() }
  }
  return { type: { kind: isWholeNumberFormat(format) ? 'bigint' : 'double' } }
}

const formatTests: { [kind in FieldType['kind']]?: (format: SasFormat) => boolean } = {
  date: format => findDateOrder(format) !== undefined,
  timestamp: isTimestampFormat,
  time: isTimeFormat,
}
const formatExamples: { [kind in FieldType['kind']]?: string } = {
  date: 'DATE9., YYMMDD10., MMDDYY10., DDMMYY10. or E8601DA.',
  timestamp: 'DATETIME20. or E8601DT.',
  time: 'TIME8. or E8601TM.',
}

/** `decimal(10,2)` or `numeric(10,2)`; undefined for another word. */
function parseDecimalType(word: string): FieldType | { code: string; reason: string } | undefined {
  if (!/^(decimal|numeric)\b/.test(word)) return undefined
  const match = /^\w+\((\d{1,4}),(\d{1,4})\)$/.exec(word)
  const [precision, scale] = [Number(match?.[1]), Number(match?.[2])]
  if (match && precision >= 1 && precision <= 38 && scale <= precision) return { kind: 'decimal', precision, scale }
  const reason = `the type is ${quote(word)}, expected decimal(p,s) with 1 to 38 digits p, of which s (0 to p) stand after the point`
  return { code: 'decimal-invalid', reason }
}

/** Declarations may be quoted in messages; what is too long for one is cut. */
export const quote = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
