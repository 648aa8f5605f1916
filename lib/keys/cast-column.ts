import type { Column } from '../columns.ts'
import { Rejection } from '../errors.ts'
import { type Field, type FieldType, formatType } from '../fields.ts'
import { formatNumber } from './natural-key.ts'

const scaleOf = (type: FieldType): number => (type.kind === 'decimal' ? type.scale : 0)

/** The values of a numeric column as exact decimal text, or undefined where the column is none. */
function readNumbers(column: Column, type: FieldType): string[] | undefined {
  const numeric = ['integer', 'bigint', 'decimal', 'double'].includes(type.kind)
  if (!numeric || column.kind === 'text' || column.kind === 'boolean') return undefined
  return Array.from(column.values as ArrayLike<number | bigint>, value =>
    formatNumber(value, column.kind === 'double', scaleOf(type)),
  )
}

/** Decimal text as an unscaled integer, or undefined where it has more digits than the scale or the limit allows. */
function unscale(text: string, scale: number, limit: bigint): bigint | undefined {
  const match = /^(-?\d+)(?:\.(\d+))?$/.exec(text)
  if (!match || (match[2]?.length ?? 0) > scale) return undefined
  const value = BigInt(match[1] + (match[2] ?? '').padEnd(scale, '0'))
  return value < limit && value > -limit ? value : undefined
}

/** Builds a column of the wanted type, or undefined where a value does not fit. */
function buildColumn(texts: string[], type: FieldType): Column | undefined {
  if (type.kind === 'double') {
    const values = Float64Array.from(texts, Number)
    return texts.every((text, at) => formatNumber(values[at]!, true, 0) === text)
      ? { kind: 'double', values }
      : undefined
  }
  const limit =
    type.kind === 'integer'
      ? 2n ** 31n
      : type.kind === 'bigint'
        ? 2n ** 63n
        : 10n ** BigInt(type.kind === 'decimal' ? type.precision : 0)
  const values = texts.map(text => unscale(text, scaleOf(type), limit))
  if (!values.every(value => value !== undefined)) return undefined
  if (type.kind === 'integer' || (type.kind === 'decimal' && type.precision <= 9)) {
    return { kind: 'int32', values: Int32Array.from(values, Number) }
  }
  if (type.kind === 'bigint' || (type.kind === 'decimal' && type.precision <= 18)) {
    return { kind: 'int64', values: BigInt64Array.from(values) }
  }
  return { kind: 'decimal', values }
}

/**
 * A column without nulls as the type that the key table has for it. Numbers are cast where every one of them is exact in the wanted type;
 * other types must be the same. Throws Rejection, which names file and column.
 */
export function castColumn(column: Column, { from, to, file }: { from: Field; to: Field; file: string }): Column {
  if (formatType(from.type) === formatType(to.type)) return column
  const texts = readNumbers(column, from.type)
  const numeric = ['integer', 'bigint', 'decimal', 'double'].includes(to.type.kind)
  const cast = texts && numeric ? buildColumn(texts, to.type) : undefined
  if (cast) return cast
  throw new Rejection({
    code: 'natural-key-type',
    file,
    column: from.name,
    message: `is ${formatType(from.type)}, and holds a natural key that does not fit the ${formatType(to.type)} that the study's keys have for it`,
  })
}
