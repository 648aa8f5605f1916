import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, hash53, hashValue, sha256, uuidV5 } from '../../lib/hash.ts'

it('sha256 is that of FIPS 180-4', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(sha256(new Uint8Array())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(sha256('ä')).toBe(sha256(new TextEncoder().encode('ä')))
})

it('uuidV5 is that of RFC 9562, appendix A.4', () => {
  expect(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2')
})

describe('canonicalJson', () => {
  /** The same value with the members of every object in another order. */
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    )
  }

  it('does not depend on the order of members, and reads back as the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
        const text = canonicalJson(value)
        expect(canonicalJson(reversed(value))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('leaves undefined members out, and writes bigints as integers', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 2n ** 63n] })).toBe('{"a":[null,9223372036854775808]}')
    expect(hashValue({ a: 1, b: undefined })).toBe(hashValue({ a: 1 }))
    expect(hashValue({ a: 1 })).not.toBe(hashValue({ a: '1' }))
  })

  it.each([
    ['a Date', new Date(0)],
    ['a Map', new Map([['a', 1]])],
    ['a Uint8Array', new Uint8Array(1)],
    ['a value of type function', () => 1],
    ['a value of type undefined', undefined],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
  ])('refuses %s, which would look like something else', (name, value) => {
    expect(() => canonicalJson(value)).toThrow(new TypeError(`JSON has no form for ${name}`))
    if (value !== undefined) expect(() => hashValue({ a: [value] })).toThrow(TypeError)
  })
})

it('hash53 gives positive safe integers that use all of their bits', () => {
  let seen = 0n
  for (let i = 0; i < 200; i++) {
    const value = hash53(`${i}`)
    expect(value).toBeGreaterThan(0)
    expect(Number.isSafeInteger(value)).toBe(true)
    seen |= BigInt(value)
  }
  expect(seen).toBe(2n ** 53n - 1n)
  // The first 53 bits of SHA-256('abc'): ba7816bf 8f01cfea -> shifted right by 11.
  expect(hash53('abc')).toBe(Number(0xba7816bf8f01cfean >> 11n))
})
