import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBoolean, parseDecimal, parseDouble, parseInt32, parseInt64 } from '../../../lib/csv/parse-numbers.ts'

const vectors: {
  decimals: [string, number, number, string | null][]
  doubles: [string, string | null][]
} = JSON.parse(readFileSync(new URL('vectors/values.recorded.json', import.meta.url), 'utf8'))

const reason = expect.stringContaining('expected')

describe('whole numbers', () => {
  const forms = (value: bigint): string[] => [
    `${value}`,
    `${value}.0`,
    `${value}.000`,
    value < 0n ? `-00${-value}` : `+${value}`,
  ]

  test('of 32 bits are read exactly, and no others', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }), value => {
        const fits = value >= -(2n ** 31n) && value < 2n ** 31n
        for (const text of forms(value)) expect(parseInt32(text)).toEqual(fits ? Number(value) : reason)
      }),
    )
    for (const edge of [2n ** 31n - 1n, -(2n ** 31n)]) expect(parseInt32(`${edge}`)).toBe(Number(edge))
    for (const beyond of [2n ** 31n, -(2n ** 31n) - 1n]) expect(parseInt32(`${beyond}`)).toEqual(reason)
  })

  test('of 64 bits are read exactly, and no others', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), value => {
        const fits = value >= -(2n ** 63n) && value < 2n ** 63n
        for (const text of forms(value)) expect(parseInt64(text)).toEqual(fits ? value : reason)
      }),
    )
    for (const edge of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n + 1n])
      expect(parseInt64(`${edge}`)).toBe(edge)
    for (const beyond of [2n ** 63n, -(2n ** 63n) - 1n, 10n ** 400n]) expect(parseInt64(`${beyond}`)).toEqual(reason)
    expect(Object.is(parseInt32('-0'), 0)).toBe(true)
    expect(parseInt64('-0')).toBe(0n)
  })

  test.each(['1.5', '1.', '.0', '1e3', '0x10', '1,000', '1 000', '--1', '+', '٣', 'NaN', '1n', '1_000', '12abc'])(
    '%j is none',
    text => {
      expect(parseInt32(text)).toEqual(reason)
      expect(parseInt64(text)).toEqual(reason)
    },
  )
})

describe('decimals', () => {
  test('are what Python makes of them', () => {
    for (const [text, precision, scale, expected] of vectors.decimals) {
      const found = parseDecimal(text, { precision, scale })
      expect(typeof found === 'bigint' ? found.toString() : null, `${text} (${precision},${scale})`).toBe(expected)
    }
  })

  test('keep every digit of 38', () => {
    const whole = '12345678901234567890123456789012345678'
    expect(parseDecimal(whole, { precision: 38, scale: 0 })).toBe(BigInt(whole))
    expect(parseDecimal(`-${whole.slice(0, 8)}.${whole.slice(8)}`, { precision: 38, scale: 30 })).toBe(-BigInt(whole))
    expect(parseDecimal(`${whole}9`, { precision: 38, scale: 0 })).toEqual(reason)
  })

  test('say whether digits are too many before or after the point', () => {
    expect(parseDecimal('1000', { precision: 5, scale: 2 })).toBe('expected at most 3 digits before the point')
    expect(parseDecimal('1.234', { precision: 5, scale: 2 })).toBe('expected at most 2 digits after the point')
    expect(parseDecimal('1.23000', { precision: 5, scale: 2 })).toBe(123n)
  })

  test('cannot be made to build huge numbers', () => {
    expect(parseDecimal('1e999999', { precision: 38, scale: 0 })).toEqual(reason)
    expect(parseDecimal('1e-999999', { precision: 38, scale: 0 })).toEqual(reason)
    expect(parseDecimal('1e99999999999', { precision: 38, scale: 0 })).toEqual(reason)
    expect(parseDecimal('0e999999', { precision: 1, scale: 0 })).toBe(0n)
    expect(parseDecimal('9'.repeat(1_000_000), { precision: 38, scale: 0 })).toEqual(reason)
  })

  test.each(['', '.', '-', '+.', 'e5', '1e', '1.2.3', '1,5', '0x1', 'Infinity', '1e1.5', ' 1'])('%j is none', text => {
    expect(parseDecimal(text, { precision: 10, scale: 2 })).toEqual(reason)
  })

  test('need no digit on one side of the point', () => {
    expect(parseDecimal('.5', { precision: 3, scale: 1 })).toBe(5n)
    expect(parseDecimal('5.', { precision: 3, scale: 1 })).toBe(50n)
  })
})

describe('doubles', () => {
  test('have the bits that Python gives them', () => {
    for (const [text, expected] of vectors.doubles) {
      const found = parseDouble(text)
      const bits = Buffer.alloc(8)
      if (typeof found === 'number') bits.writeDoubleBE(found)
      expect(typeof found === 'number' ? bits.toString('hex') : null, text).toBe(expected)
    }
  })

  test('come back from their shortest text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
        expect(parseDouble(Object.is(value, -0) ? '-0' : String(value))).toBe(value)
      }),
    )
  })

  test.each(['', '.', 'NaN', 'Infinity', '-inf', '0x1F', '0b1', '1e', '1e999', '1,5', '1 2', '1d5', '٣'])(
    '%j is none',
    text => {
      expect(parseDouble(text)).toEqual(reason)
    },
  )
})

test('booleans are read without case, and nothing else is one', () => {
  for (const word of ['true', 'T', 'Yes', 'y', '1']) expect(parseBoolean(word)).toBe(true)
  for (const word of ['FALSE', 'f', 'no', 'N', '0']) expect(parseBoolean(word)).toBe(false)
  for (const word of ['', '2', 'on', 'yess', 'constructor', '__proto__', '.'])
    expect(parseBoolean(word)).toEqual(reason)
})
