import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { formatNumber, readNaturalKeys } from '../../../lib/keys/natural-key.ts'
import { type Cell, makeBatch } from '../../support/columns.ts'

const fieldsOf = (types: FieldType[]): Field[] =>
  types.map((type, at) => ({ id: at + 1, name: `c${at}`, type, nullable: true }))

/** The natural key of one row. */
const keyOf = (types: FieldType[], cells: Cell[]): string | undefined =>
  readNaturalKeys(makeBatch(fieldsOf(types), [cells]), types)(0)

const decimal = (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale })

describe('one number has one text, whatever its declared type', () => {
  it('3, 3.0 and 3.00', () => {
    const texts = [
      keyOf([{ kind: 'integer' }], [3]),
      keyOf([{ kind: 'bigint' }], [3n]),
      keyOf([{ kind: 'double' }], [3]),
      keyOf([decimal(5, 2)], [300]),
      keyOf([decimal(15, 2)], [300n]),
      keyOf([decimal(30, 10)], [30_000_000_000n]),
    ]
    expect(texts).toEqual(texts.map(() => '3'))
  })

  it.each([
    [0, '0'],
    [-0, '0'],
    [-0.5, '-0.5'],
    [1.25, '1.25'],
    [1e-7, '0.0000001'],
    [-1.5e-10, '-0.00000000015'],
    [1e21, '1000000000000000000000'],
    [2 ** 53, '9007199254740992'],
  ])('%d', (value, text) => expect(keyOf([{ kind: 'double' }], [value])).toBe(text))

  it('as decimals of any scale, and as a double where that is exact', () => {
    const unscaled = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })
    fc.assert(
      fc.property(unscaled, fc.nat(12), fc.nat(6), (value, scale, more) => {
        const text = formatNumber(value, false, scale)
        expect(formatNumber(value * 10n ** BigInt(more), false, scale + more)).toBe(text)
        // 15 digits pass through a double unharmed.
        expect(formatNumber(Number(text), true, 0)).toBe(text)
      }),
    )
  })

  it('and another number has another', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        fc.pre(Number.isFinite(a) && Number.isFinite(b))
        expect(formatNumber(a, true, 0) === formatNumber(b, true, 0)).toBe(a === b)
      }),
    )
  })
})

describe('several parts', () => {
  it('are told apart wherever their texts meet', () => {
    const types: FieldType[] = [{ kind: 'string' }, { kind: 'string' }]
    const part = fc.stringMatching(/^[0-9:a]{0,6}$/)
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        expect(keyOf(types, [a, b]) === keyOf(types, [c, d])).toBe(a === c && b === d)
      }),
      { numRuns: 500 },
    )
  })

  it('compare numbers as numbers', () => {
    const text: FieldType = { kind: 'string' }
    expect(keyOf([text, { kind: 'double' }], ['P1', 1])).toBe(keyOf([text, decimal(4, 1)], ['P1', 10]))
  })

  it('make no key where one of them is null', () => {
    const types: FieldType[] = [{ kind: 'string' }, { kind: 'integer' }]
    expect(keyOf(types, ['P1', null])).toBeUndefined()
    expect(keyOf(types, [null, 1])).toBeUndefined()
    expect(keyOf([{ kind: 'string' }], [''])).toBe('')
  })
})
