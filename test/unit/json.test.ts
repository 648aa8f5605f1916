import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonError, parseJson, stringifyJson } from '../../lib/json.ts'

describe('parseJson', () => {
  it('keeps every digit of integers, and is otherwise JSON.parse', () => {
    expect(
      parseJson('[9223372036854775807, -9007199254740993, 9007199254740991, 1e20, 1.5, 1234567890123.5e9]'),
    ).toEqual([9223372036854775807n, -9007199254740993n, 9007199254740991, 1e20, 1.5, 1234567890123.5e9])
    fc.assert(
      fc.property(fc.json(), text => {
        expect(JSON.parse(stringifyJson(parseJson(text)))).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))))
      }),
    )
  })

  it('gives back every integer that stringifyJson writes', () => {
    fc.assert(
      fc.property(fc.bigInt(), value => {
        const read = parseJson(stringifyJson({ value })) as { value: number | bigint }
        expect(BigInt(read.value)).toBe(value)
      }),
    )
  })

  it('names the subject and never quotes the text', () => {
    const secret = 'P-0042 was pregnant'
    try {
      parseJson(`{"a": ${secret}`, 'study.json')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(JsonError)
      expect((error as Error).message).toBe('study.json is not valid JSON')
    }
    expect(() => parseJson('')).toThrow('JSON is not valid JSON')
  })
})

it('stringifyJson indents and keeps the order of members', () => {
  expect(stringifyJson({ b: 2n ** 62n, a: [1n] }, 1)).toBe('{\n "b": 4611686018427387904,\n "a": [\n  1\n ]\n}')
})
