import type { Column } from '../columns.ts'
import { Rejection } from '../errors.ts'
import { type Field, type FieldType, formatType } from '../fields.ts'
import { formatNumber } from './natural-key.ts'

const scaleOf = (type: FieldType): number => (type.kind === 'decimal' ? type.scale : 0)

/** The values of a numeric column as exact decimal text. */
function readNumbers(column: Column, type: FieldType): string[] {
  return Array.from(column.values as ArrayLike<number | bigint>, value =>
    formatNumber(value, column.kind === 'double', scaleOf(type)),
  )
}

/** Decimal text as an unscaled integer, or undefined where it has more digits than the scale, or lies outside [least, limit). */
function unscale(text: string, scale: number, { least, limit }: { least: bigint; limit: bigint }): bigint | undefined {
  const match = /^(-?\d+)(?:\.(\d+))?$/.exec(text)
  if (!match || (match[2]?.length ?? 0) > scale) return undefined
  const value = BigInt(match[1] + (match[2] ?? '').padEnd(scale, '0'))
  return value < limit && value >= least ? value : undefined
}

/** The unscaled values that a type holds. */
function rangeOf(type: FieldType): { least: bigint; limit: bigint } {
  if (type.kind === 'decimal') {
    const limit = 10n ** BigInt(type.precision)
    return { least: 1n - limit, limit }
  }
  const limit = type.kind === 'integer' ? 2n ** 31n : 2n ** 63n
  return { least: -limit, limit }
}

/** Builds a column of the wanted type, or undefined where a value does not fit. */
function buildColumn(texts: string[], type: FieldType): Column | undefined {
  if (type.kind === 'double') {
    const values = Float64Array.from(texts, Number)
    return texts.every((text, at) => formatNumber(values[at]!, true, 0) === text)
      ? { kind: 'double', values }
      : undefined
  }
  const values = texts.map(text => unscale(text, scaleOf(type), rangeOf(type)))
  if (!values.every(value => value !== undefined)) return undefined
  if (type.kind === 'integer' || (type.kind === 'decimal' && type.precision <= 9)) {
    return { kind: 'int32', values: Int32Array.from(values, Number) }
  }
  if (type.kind === 'bigint' || (type.kind === 'decimal' && type.precision <= 18)) {
    return { kind: 'int64', values: BigInt64Array.from(values) }
  }
  return { kind: 'decimal', values }
}

const isNumeric = ({ kind }: FieldType): boolean => ['integer', 'bigint', 'decimal', 'double'].includes(kind)

function refuse({ from, to, file }: { from: Field; to: Field; file: string }, reason: string): never {
  throw new Rejection({
    code: 'natural-key-type',
    file,
    column: from.name,
    message: `is ${formatType(from.type)}, and ${reason} the ${formatType(to.type)} that the study's keys have for it`,
  })
}

/**
 * Throws Rejection, which names file and column, where values of one type can never be those of the other: numbers of any type can be one
 * another's, other types only their own. Text is compared, so a date and a number could otherwise pass for each other.
 */
export function checkComparable({ from, to, file }: { from: Field; to: Field; file: string }): void {
  const comparable = from.type.kind === to.type.kind || (isNumeric(from.type) && isNumeric(to.type))
  if (!comparable) refuse({ from, to, file }, 'cannot be compared with')
}

/**
 * A column without nulls as the type that the key table has for it. Numbers are cast where every one of them is exact in the wanted type;
 * other types must be the same. Throws Rejection, which names file and column.
 */
export function castColumn(column: Column, { from, to, file }: { from: Field; to: Field; file: string }): Column {
  checkComparable({ from, to, file })
  if (formatType(from.type) === formatType(to.type)) return column
  return (
    buildColumn(readNumbers(column, from.type), to.type) ??
    refuse({ from, to, file }, 'holds a natural key that does not fit')
  )
}
