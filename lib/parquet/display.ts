import { type Column, isNull } from '../columns.ts'
import type { FieldType } from '../fields.ts'

const dayMs = 86_400_000
const daySeconds = 86_400n

/** The first `rows` values of a column as people read them; see readRows. */
export function displayColumn(column: Column, type: FieldType, rows: number): unknown[] {
  return Array.from({ length: rows }, (_, row) => {
    if (isNull(column, row)) return null
    if (column.kind === 'text') return column.values[column.indices[row]]
    return displayValue(column.values[row], type)
  })
}

function displayValue(value: number | bigint, type: FieldType): unknown {
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(BigInt(value), type.scale)
    case 'boolean':
      return value !== 0
    case 'date':
      return formatDay(Number(value))
    case 'time':
      return formatTime(BigInt(value))
    case 'timestamp': {
      const micros = BigInt(value)
      const perDay = daySeconds * 1_000_000n
      const ofDay = ((micros % perDay) + perDay) % perDay
      return `${formatDay(Number((micros - ofDay) / perDay))}T${formatTime(ofDay)}`
    }
    default:
      return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
}

/** An unscaled value as decimal text: (-5n, 2) → `-0.05`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Days that no JavaScript date reaches (about 275,000 years away) stay a number of days. */
function formatDay(days: number): string {
  const date = new Date(days * dayMs)
  return Number.isNaN(date.getTime()) ? `day ${days}` : date.toISOString().split('T')[0]
}

function formatTime(micros: bigint): string {
  const two = (value: bigint) => value.toString().padStart(2, '0')
  const seconds = micros / 1_000_000n
  const fraction = micros % 1_000_000n
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`
  return fraction === 0n ? clock : `${clock}.${fraction.toString().padStart(6, '0')}`
}
