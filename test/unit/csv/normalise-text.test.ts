import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTextNormaliser, type Encoding, type TextFault } from '../../../lib/csv/normalise-text.ts'

interface Normalised {
  text: string
  fault?: TextFault
}

/** Pushes the bytes in pieces of that size, from a buffer that is overwritten afterwards, as a source may do. */
function normalise(
  bytes: Uint8Array,
  { size = Infinity, encoding }: { size?: number; encoding?: Encoding } = {},
): Normalised {
  const normaliser = createTextNormaliser({ encoding })
  let text = ''
  for (let at = 0; at < bytes.length; at += size) {
    const piece = Uint8Array.from(bytes.subarray(at, Math.min(bytes.length, at + size)))
    const chunk = normaliser.push(piece)
    text += Buffer.from(chunk.bytes).toString('utf8')
    if (chunk.fault) return { text, fault: chunk.fault }
    piece.fill(0x41)
  }
  const { bytes: rest, fault } = normaliser.end()
  text += Buffer.from(rest).toString('utf8')
  return fault ? { text, fault } : { text }
}

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()
const bigEndian = (text: string): Buffer => Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be(text)])

const anyText = fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\0', ''))
const plainText = anyText.map(text => text.replace(/^\ufeff+/, ''))
const pieceSize = fc.integer({ min: 1, max: 7 })

describe('text comes out whole, however it is cut', () => {
  test('of UTF-8, with and without byte order mark', () => {
    fc.assert(
      fc.property(plainText, pieceSize, (text, size) => {
        expect(normalise(Buffer.from(text), { size })).toEqual({ text })
        expect(normalise(Buffer.from(`\ufeff${text}`), { size })).toEqual({ text })
      }),
    )
  })

  test('of UTF-16 with byte order mark, whatever is declared', () => {
    fc.assert(
      fc.property(plainText, pieceSize, (text, size) => {
        expect(normalise(Buffer.from(`\ufeff${text}`, 'utf16le'), { size })).toEqual({ text })
        expect(normalise(bigEndian(text), { size, encoding: 'latin1' })).toEqual({ text })
      }),
    )
  })

  test('of Latin-1 where it is declared', () => {
    const latin = fc.string({ unit: fc.integer({ min: 1, max: 0xff }).map(code => String.fromCharCode(code)) })
    fc.assert(
      fc.property(latin, pieceSize, (text, size) => {
        fc.pre(!/^(þÿ|ÿþ|ï»¿)/.test(text))
        expect(normalise(Buffer.from(text, 'latin1'), { size, encoding: 'latin1' })).toEqual({ text })
      }),
    )
  })

  test('of Latin-1 the bytes that windows-1252 uses for letters are control characters', () => {
    expect(normalise(Buffer.from([0x80, 0x9f]), { encoding: 'latin1' }).text).toBe('\u0080\u009f')
  })
})

describe('what is no text', () => {
  test('is found exactly where the platform decoder finds it', () => {
    const bytes = fc.uint8Array({ min: 1, maxLength: 12 })
    // Lead, continuation and plain bytes close together: random bytes hardly ever meet the rules of UTF-8.
    const nasty = fc.array(fc.constantFrom(0x41, 0x0a, 0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0xed, 0xf0, 0x90, 0xf4, 0xff), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          nasty.map(list => Uint8Array.from(list)),
        ),
        pieceSize,
        (data, size) => {
          fc.pre(!(data[0] === 0xff && data[1] === 0xfe) && !(data[0] === 0xfe && data[1] === 0xff))
          let text: string | undefined
          try {
            text = new TextDecoder('utf-8', { fatal: true }).decode(data)
          } catch {
            text = undefined
          }
          const found = normalise(data, { size })
          if (text === undefined) expect(found.fault?.code).toBe('undecodable')
          else expect(found).toEqual({ text })
        },
      ),
      { numRuns: 1000 },
    )
  })

  test.each([1, 3, 100])('leaves the lines before it, in pieces of %i', size => {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const good = `a,é${lineEnd}b,c${lineEnd}`
      const found = normalise(Buffer.concat([Buffer.from(good), Buffer.from([0x64, 0xff, 0x0a])]), { size })
      expect(found.fault?.code).toBe('undecodable')
      expect(found.text.startsWith(good)).toBe(true)
    }
  })

  test('of UTF-16 is a lone surrogate, or half a character at the end', () => {
    for (const size of [1, 2, 5, 100]) {
      for (const bad of ['ab\n\ud800c', 'ab\n\udc00', 'ab\n\ud800']) {
        for (const bytes of [Buffer.from(`\ufeff${bad}`, 'utf16le'), bigEndian(bad)]) {
          expect(normalise(bytes, { size })).toMatchObject({ text: 'ab\n', fault: { code: 'undecodable' } })
        }
      }
      const odd = Buffer.concat([Buffer.from('\ufeffab', 'utf16le'), Buffer.from([0x41])])
      expect(normalise(odd, { size })).toMatchObject({ text: 'ab', fault: { code: 'undecodable' } })
    }
  })

  test('is a NUL, in every encoding', () => {
    for (const size of [1, 100]) {
      for (const bytes of [Buffer.from('ab\0c'), Buffer.from('\ufeffab\0c', 'utf16le'), bigEndian('ab\0c')]) {
        expect(normalise(bytes, { size })).toMatchObject({ text: 'ab', fault: { code: 'nul-byte' } })
      }
      expect(normalise(Buffer.from('ab\0'), { size, encoding: 'latin1' }).fault?.code).toBe('nul-byte')
    }
  })

  test('is UTF-16 without byte order mark', () => {
    expect(normalise(Buffer.from('A,B\n', 'utf16le')).fault?.code).toBe('nul-byte')
  })

  test('is a NUL before bad bytes', () => {
    expect(normalise(Buffer.from([0x41, 0, 0x0a, 0xff]))).toMatchObject({ text: 'A', fault: { code: 'nul-byte' } })
  })
})
