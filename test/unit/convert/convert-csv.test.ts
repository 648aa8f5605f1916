import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConvertCsvOptions } from '../../../lib/convert/convert-csv.ts'
import { inPieces, makeFields } from '../csv/support.ts'
import { convert, observe, observeWhole, startFakeThread } from './support.ts'

const three = makeFields({ ID: 'string', N: 'integer', 'T!': 'string' })
const one = makeFields({ ID: 'string' })
const entities = [
  { name: 'patient', naturalKey: ['ID'], required: false },
  { name: 'visit', naturalKey: ['ID', 'N'], required: false },
]

/** The conversion of a text in parts of so many bytes. */
const options = (csv: Uint8Array | string, given: Partial<ConvertCsvOptions> & { size?: number } = {}) => {
  const { size, ...rest } = given
  return {
    body: inPieces(csv, size),
    file: 'lb.csv',
    fields: three,
    partBytes: 64,
    startThread: startFakeThread,
    ...rest,
  } satisfies ConvertCsvOptions
}

const lineEnd = fc.constantFrom('\n', '\n', '\r\n', '\r')
const cell = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', '1', '22', '', 'é', 'x y') },
  { weight: 2, arbitrary: fc.constantFrom('"q"', '"a,b"', '"say ""x"""', '"two\nlines"', '"cr\rlf\r\n"', '""') },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('a', 'ü'), minLength: 20, maxLength: 200 }) },
)
const row = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(cell, fc.constantFrom('1', '2', '33', ''), cell).map(cells => cells.join(',')) },
  { weight: 1, arbitrary: fc.constantFrom('', 'a,b', 'a,1,b,c', 'a,x,b') },
)
const csv = fc
  .tuple(lineEnd, fc.array(row, { maxLength: 60 }), fc.boolean(), fc.nat(3))
  .map(
    ([end, rows, closed, blanks]) =>
      ['ID,N,T', ...rows].join(end) + (closed ? end : '') + (closed ? end.repeat(blanks) : ''),
  )

describe('convertCsv', () => {
  it('finds in parts what one decoder finds in the whole file', async () => {
    await fc.assert(
      fc.asyncProperty(
        csv,
        fc.integer({ min: 8, max: 400 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 100 }),
        fc.constantFrom<'reject' | 'null'>('reject', 'null'),
        fc.integer({ min: 1, max: 20 }),
        async (text, partBytes, threads, size, onBadValue, maxProblems) => {
          const given = { entities, onBadValue, maxProblems }
          expect(await observe(options(text, { ...given, partBytes, threads, size }))).toEqual(
            await observeWhole(options(text, given)),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('refuses a file that cannot be read with the words of one decoder, wherever it is cut', async () => {
    const bits = fc.constantFrom('a', '1', ',', ',', '"', '\n', '\n', '\r', '\r\n', '""', 'a,1,b\n', 'a,1,b\n', '\n\n')
    const damage = fc.constantFrom('', '', '', '\0', '\xff\n', '\xff')
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('ID,N,T\n', 'ID,N,T\r\n', 'ID,N,T\r', 'ID\n', 'ID,"N"x\n', 'ID,NN,T\n', ''),
        fc.array(bits, { maxLength: 60 }),
        damage,
        fc.array(bits, { maxLength: 20 }),
        fc.integer({ min: 8, max: 90 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 50 }),
        async (header, middle, fault, end, partBytes, threads, size) => {
          const fields = header === 'ID\n' ? one : three
          const bytes = Buffer.concat([
            Buffer.from(header + middle.join('')),
            Buffer.from(fault, 'latin1'),
            Buffer.from(end.join('')),
          ])
          const given = { fields, maxCellBytes: 1000 }
          expect(await observe(options(bytes, { ...given, partBytes, threads, size }))).toEqual(
            // How much of a line that is no text is looked at hangs on the pieces.
            await observeWhole(options(bytes, { ...given, size })),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  it('gives the same bytes whatever the threads and the pieces in which the file comes', async () => {
    const lines = Array.from({ length: 500 }, (_, at) => `P${at % 40},${at},${at % 9 ? 'ok' : '"two\nlines ""x"""'}`)
    const text = ['ID,N,T', ...lines].join('\n')
    const given = { rowGroupRows: 7, partBytes: 1000 }
    const first = await convert(options(text, given))
    expect(first).toHaveProperty('result.rowsOut', 500)
    for (const threads of [1, 2, 3, 5]) {
      for (const size of [1, 999, 1000, 1001, 100_000]) {
        expect(await convert(options(text, { ...given, threads, size }))).toEqual(first)
      }
    }
  })
})
