import { type Column, type ColumnBatch, isNull } from '../columns.ts'
import type { FieldType } from '../fields.ts'

/**
 * A natural key as text. Equal keys have equal text whatever the declared type: 3, 3.0 and a decimal 3.00 are one visit. Undefined where
 * a part is null.
 */
export type NaturalKeyReader = (row: number) => string | undefined

function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '')
  return `${unscaled < 0n ? '-' : ''}${whole}${fraction && `.${fraction}`}`
}

/** A double as plain decimal digits where that is exact, so that it equals the same number declared as an integer or a decimal. */
function formatDouble(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString()
  const text = value.toString()
  const small = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(text)
  if (!small) return text
  const [, sign, first, rest = '', exponent] = small
  return `${sign}0.${'0'.repeat(Number(exponent) - 1)}${first}${rest}`
}

/** A number as exact decimal text without needless zeros. Whole numbers that are no double are unscaled values of the given scale. */
export function formatNumber(value: number | bigint, isDouble: boolean, scale: number): string {
  return isDouble ? formatDouble(value as number) : formatDecimal(BigInt(value), scale)
}

function readPart(column: Column, type: FieldType): (row: number) => string {
  const scale = type.kind === 'decimal' ? type.scale : 0
  switch (column.kind) {
    case 'text':
      return row => column.values[column.indices[row]!]!
    case 'double':
      return row => formatDouble(column.values[row]!)
    default:
      return row => formatDecimal(BigInt(column.values[row]!), scale)
  }
}

/**
 * Reads the natural keys of a batch whose columns are the parts, in the key's order. Parts are told apart by their length, so that no
 * text in one of them can pass for another split.
 */
export function readNaturalKeys({ columns }: ColumnBatch, types: FieldType[]): NaturalKeyReader {
  const parts = columns.map((column, index) => readPart(column, types[index]!))
  return row => {
    if (columns.some(column => isNull(column, row))) return undefined
    if (parts.length === 1) return parts[0]!(row)
    return parts
      .map(part => part(row))
      .map(text => `${text.length}:${text}`)
      .join('')
  }
}
