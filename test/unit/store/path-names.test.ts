import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  alternativesOfKey,
  checkKey,
  compareUtf8,
  decodeSegment,
  encodeSegment,
  pathOfKey,
} from '../../../lib/store/path-names.ts'

/** Keys made of what is hard about them, and of anything. */
const hardPart = fc.constantFrom(
  '',
  '.',
  '..',
  '/',
  '%',
  '%25',
  '%-',
  '%+',
  '.csv',
  'a',
  '.meta',
  '\0',
  ' ',
  ':',
  '\\',
  'é',
  '😀',
  'x'.repeat(300),
)
const key = fc
  .oneof(
    fc.array(hardPart, { minLength: 1, maxLength: 6 }).map(parts => parts.join('')),
    fc.string({ unit: 'grapheme', maxLength: 400 }),
  )
  .filter(text => text !== '')

describe('pathOfKey', () => {
  it.each([
    ['study/v1/dm.csv', 'study/v1/dm.csv'],
    ['data/s/raw/dm/abc.parquet', 'data/s/raw/dm/abc.parquet'],
    ['v1.0/_report.json', 'v1.0/_report.json'],
    ['Größe/mit Leerzeichen.csv', 'Größe/mit Leerzeichen.csv'],
    ['a', 'a%'],
    ['x.csv/y.csv', 'x.csv%/y.csv'],
    ['a//b.csv', 'a/%-/b.csv'],
    ['a/', 'a/%'],
    ['../b.csv', '.%2E/b.csv'],
    ['50%.csv', '50%25.csv'],
    ['n\0l.csv', 'n%00l.csv'],
    ['.meta/x.csv', '%2Emeta%/x.csv'],
    [`${'k'.repeat(250)}.csv`, `${'k'.repeat(240)}%+/${'k'.repeat(10)}.csv`],
  ])('puts %j at %j', (given, path) => expect(pathOfKey(given)).toBe(path))

  it('gives every key a path of its own that no other key needs as a folder', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        fc.pre(a !== b)
        const [first, second] = [pathOfKey(a), pathOfKey(b)]
        expect(first).not.toBe(second)
        expect(second.startsWith(`${first}/`)).toBe(false)
      }),
    )
  })

  it('makes only names that a file system takes, and that stay in their folder', () => {
    fc.assert(
      fc.property(key, given => {
        for (const name of pathOfKey(given).split('/')) {
          expect(['', '.', '..', '.meta']).not.toContain(name)
          expect(name).not.toMatch(/[\p{Cc}<>:"|?*\\]/u)
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
        }
      }),
    )
  })

  it('can be read back', () => {
    fc.assert(
      fc.property(key, fc.constantFrom('file' as const, 'folder' as const), (text, role) => {
        for (const segment of text.split('/')) expect(decodeSegment(encodeSegment(segment, role), role)).toBe(segment)
      }),
    )
  })
})

describe('names made by hand', () => {
  it('stand for themselves where the rule would have written another name', () => {
    expect(decodeSegment(['README'], 'file')).toBe('README')
    expect(decodeSegment(['50%.csv'], 'file')).toBe('50%.csv')
    expect(decodeSegment(['a.csv'], 'folder')).toBe('a.csv')
    expect(decodeSegment(['README%'], 'file')).toBe('README')
    expect(decodeSegment(['torn%+'], 'folder')).toBeUndefined()
    expect(decodeSegment(['torn%+', 'x'], 'file')).toBeUndefined()
  })

  it('are looked for after the own path', () => {
    expect(alternativesOfKey('v1/README')).toEqual([['v1'], ['README%', 'README']])
    expect(alternativesOfKey('v1/dm.csv')).toEqual([['v1'], ['dm.csv']])
    // That name is the path of the key README.
    expect(alternativesOfKey('README%')).toEqual([['README%25%']])
    expect(alternativesOfKey('../a.csv')).toEqual([['.%2E'], ['a.csv']])
  })
})

describe('checkKey', () => {
  it('refuses what is no S3 key', () => {
    expect(() => checkKey('')).toThrow('0 bytes')
    expect(() => checkKey('ü'.repeat(513))).toThrow('1026 bytes')
    expect(() => checkKey('\ud800')).toThrow('well-formed')
    expect(() => checkKey('ü'.repeat(512))).not.toThrow()
  })
})

describe('compareUtf8', () => {
  it('orders text as its UTF-8 bytes are ordered', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 })
    fc.assert(
      fc.property(text, text, text, (common, a, b) => {
        const [x, y] = [common + a, common + b]
        expect(Math.sign(compareUtf8(x, y))).toBe(Buffer.compare(Buffer.from(x), Buffer.from(y)))
      }),
    )
    expect(compareUtf8('\uffee', '😀')).toBeLessThan(0)
    expect(compareUtf8('😀', '\uffee')).toBeGreaterThan(0)
  })
})
