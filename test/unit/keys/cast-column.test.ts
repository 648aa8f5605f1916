import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rejection } from '../../../lib/errors.ts'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { castColumn } from '../../../lib/keys/cast-column.ts'
import { formatNumber } from '../../../lib/keys/natural-key.ts'
import { type Cell, columnCells, makeBatch } from '../../support/columns.ts'

const fieldOf = (type: FieldType): Field => ({ id: 1, name: 'VISITNUM', type, nullable: true })
const decimal = (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale })
const integer: FieldType = { kind: 'integer' }
const bigint: FieldType = { kind: 'bigint' }
const double: FieldType = { kind: 'double' }

function cast(from: FieldType, to: FieldType, cells: Cell[]): Cell[] {
  const field = fieldOf(from)
  const { columns } = makeBatch(
    [field],
    cells.map(cell => [cell]),
  )
  return columnCells(castColumn(columns[0]!, { from: field, to: fieldOf(to), file: 'sv.csv' }), cells.length)
}

describe('numbers are cast where all of them are exact', () => {
  it.each([
    [integer, bigint, [1, -7], [1n, -7n]],
    [bigint, integer, [2n ** 31n - 1n, -(2n ** 31n)], [2 ** 31 - 1, -(2 ** 31)]],
    [double, bigint, [-(2 ** 63), 2 ** 53], [-(2n ** 63n), 2n ** 53n]],
    [integer, double, [1, 2], [1, 2]],
    [double, integer, [1, -2], [1, -2]],
    [double, decimal(5, 2), [1.25, -3], [125, -300]],
    [decimal(5, 2), double, [125, -300], [1.25, -3]],
    [decimal(5, 2), integer, [300, -100], [3, -1]],
    [integer, decimal(12, 3), [3], [3000n]],
    [decimal(10, 1), decimal(25, 4), [15n], [15_000n]],
  ] as [FieldType, FieldType, Cell[], Cell[]][])('%o to %o', (from, to, cells, expected) => {
    expect(cast(from, to, cells)).toEqual(expected)
  })

  it('and stay the same number', () => {
    const types = fc.constantFrom(integer, bigint, double, decimal(9, 2), decimal(18, 4), decimal(30, 0))
    fc.assert(
      fc.property(
        types,
        types,
        fc.array(fc.integer({ min: -9_999_999, max: 9_999_999 }), { minLength: 1 }),
        (a, b, values) => {
          const texts = (type: FieldType, cells: Cell[]) =>
            cells.map(cell =>
              formatNumber(cell as number | bigint, type.kind === 'double', type.kind === 'decimal' ? type.scale : 0),
            )
          const cells = a.kind === 'double' ? values.map(value => value / 4) : values
          let result: Cell[]
          try {
            result = cast(a, b, cells)
          } catch (error) {
            expect(error).toBeInstanceOf(Rejection)
            return
          }
          expect(texts(b, result)).toEqual(texts(a, cells))
        },
      ),
    )
  })
})

describe('what does not fit is rejected without being named', () => {
  it.each([
    [bigint, integer, 2n ** 31n],
    [bigint, integer, -(2n ** 31n) - 1n],
    [bigint, double, 2n ** 53n + 1n],
    [double, bigint, 2 ** 63],
    [double, integer, 1.5],
    [double, decimal(5, 1), 1.25],
    [decimal(5, 2), decimal(4, 1), 101],
    [integer, decimal(3, 0), -1000],
    [double, integer, Number.POSITIVE_INFINITY],
  ] as [FieldType, FieldType, Cell][])('%o to %o: %d', (from, to, cell) => {
    const failure = (() => {
      try {
        return cast(from, to, [cell])
      } catch (error) {
        return error
      }
    })()
    expect(failure).toBeInstanceOf(Rejection)
    const [problem] = (failure as Rejection).problems
    expect(problem).toMatchObject({ code: 'natural-key-type', file: 'sv.csv', column: 'VISITNUM' })
    expect(problem!.message).not.toContain(String(cell))
  })

  it.each([
    [{ kind: 'date' }, integer],
    [{ kind: 'string' }, integer],
    [integer, { kind: 'string' }],
    [{ kind: 'timestamp' }, { kind: 'date' }],
    [{ kind: 'boolean' }, integer],
  ] as [FieldType, FieldType][])('%o is never %o', (from, to) => {
    expect(() => cast(from, to, [])).toThrow('cannot be compared')
  })

  it('other types pass as themselves', () => {
    expect(cast({ kind: 'date' }, { kind: 'date' }, [5])).toEqual([5])
    expect(cast({ kind: 'string' }, { kind: 'string' }, ['a'])).toEqual(['a'])
  })
})
