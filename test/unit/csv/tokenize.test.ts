import { parse as parseWhole } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findSeparator } from '../../../lib/csv/find-dialect.ts'
import { type TokenizeOptions, tokenize, tokenizeWhole } from '../../../lib/csv/tokenize.ts'
import { cutAt, inPieces, rejectionOf } from './support.ts'

async function tokenizeAll(
  body: AsyncIterable<Uint8Array>,
  options: Partial<TokenizeOptions> = {},
): Promise<string[][]> {
  const records: string[][] = []
  for await (const some of tokenize(body, { file: 'dm.csv', names: [], ...options })) records.push(...some)
  return records
}

const cell = fc.string({
  unit: fc.constantFrom('a', 'é', '😀', ' ', ',', ';', '\t', '"', '\n', '\r', '.'),
  maxLength: 6,
})
const separator = fc.constantFrom(',', ';', '\t')
const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
const table = fc
  .integer({ min: 2, max: 4 })
  .chain(width => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }))

const quoteCell = (text: string): string => (/^[^",;\t\r\n]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`)
const names = (width: number): string[] => Array.from({ length: width }, (_, i) => `C${i}`)

test('every table comes back from its CSV, in any dialect, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      separator,
      lineEnd,
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (rows, by, end, size, open) => {
        const header = names(rows[0]!.length)
        const lines = [header, ...rows].map(row => row.map(quoteCell).join(by))
        const text = lines.join(end) + (open ? '' : end)
        // An open last line of empty cells is still a record where it has a separator.
        expect(await tokenizeAll(inPieces(text, size), { names: header })).toEqual([header, ...rows])
      },
    ),
    { numRuns: 200 },
  )
})

describe('raw text', () => {
  const options = { delimiter: ',', record_delimiter: ['\r\n', '\n'], relax_column_count: true }

  test('is read as csv-parse reads it whole, or refused where csv-parse refuses it', async () => {
    const raw = fc.string({ unit: fc.constantFrom('a', 'b', ',', '"', '"', '\n', '\r\n', ' ', 'é'), maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(raw, fc.integer({ min: 1, max: 5 }), async (rest, size) => {
        const text = `A,B\n${rest}`
        let expected: string[][] | undefined
        try {
          expected = parseWhole(text, options)
        } catch {
          expected = undefined
        }
        const found = tokenizeAll(inPieces(text, size), { names: ['A', 'B'] })
        if (expected) expect(await found).toEqual(expected)
        else expect((await rejectionOf(found))[0]!.code).toMatch(/^(stray|unterminated)-quote$/)
      }),
      { numRuns: 500 },
    )
  })

  test('gives the same records wherever it is cut in two', async () => {
    const text = Buffer.from('\ufeffÄ;"B\r\n""x"\r\n"é😀;";\n\r\n"""";"\r"\r\n a ; b\n;')
    const expected = [['Ä', 'B\r\n"x'], ['é😀;', ''], [''], ['"', '\r'], [' a ', ' b'], ['', '']]
    for (let position = 0; position <= text.length; position++) {
      expect(await tokenizeAll(cutAt(text, position)), `cut at ${position}`).toEqual(expected)
    }
    expect(tokenizeWhole(text, { file: 'dm.csv', names: [] })).toEqual(expected)
  })

  test('of one large piece comes in small arrays of records', async () => {
    const text = `A,B\n${'1234567,1234567\n'.repeat(20_000)}`
    let largest = 0
    let count = 0
    for await (const records of tokenize(inPieces(text), { file: 'dm.csv', names: ['A', 'B'] })) {
      largest = Math.max(largest, records.length)
      count += records.length
    }
    expect(count).toBe(20_001)
    expect(largest).toBeLessThan(5_000)
  })

  test('without any bytes has no records', async () => {
    expect(await tokenizeAll(inPieces(''))).toEqual([])
    expect(await tokenizeAll(inPieces('\ufeff', 1))).toEqual([])
  })
})

describe('line ends', () => {
  test.each([
    [
      'a lone CR is text where lines end in LF',
      'A,B\nx\ry,z\n',
      [
        ['A', 'B'],
        ['x\ry', 'z'],
      ],
    ],
    [
      'CRLF and LF may be mixed',
      'A,B\r\n1,2\n3,4\r\n',
      [
        ['A', 'B'],
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'LF is text where lines end in CR',
      'A,B\rx\ny,z\r',
      [
        ['A', 'B'],
        ['x\ny', 'z'],
      ],
    ],
    ['a header alone may end in CR', 'A,B\r', [['A', 'B']]],
    ['a header alone may end in nothing', 'A,B', [['A', 'B']]],
    ['a blank line is a record of one empty cell', 'A,B\n\n1,2\n\n', [['A', 'B'], [''], ['1', '2'], ['']]],
  ])('%s', async (_, text, expected) => {
    for (const size of [1, 2, 100]) expect(await tokenizeAll(inPieces(text, size))).toEqual(expected)
  })
})

describe('the separator', () => {
  test.each([
    ['A,B;C', ['A', 'B;C'], ','],
    ['A,B;C', ['A,B', 'C'], ';'],
    ['A\tB,C\tD', [], '\t'],
    ['"A;x;y;z",B', [], ','],
    ['A', ['A'], ','],
    ['"a, b";c', ['C'], ';'],
    ['', [], ','],
    ['a;b', [' A', 'b '], ';'],
    ['"a""q";b', ['a"q'], ';'],
  ])('of %j with the declared columns %j is %j', (header, declared, expected) => {
    expect(findSeparator(header, declared)).toBe(expected)
  })
})

describe('is refused with its row', () => {
  const lines = (count: number): string => `A,B\n${'1,2\n'.repeat(count)}`
  const refused = async (text: string | Uint8Array, options: Partial<TokenizeOptions> = {}) => {
    const all = []
    for (const size of [1, 3, 1000, Infinity]) {
      all.push(await rejectionOf(tokenizeAll(inPieces(text, size), { names: ['A', 'B'], ...options })))
    }
    for (const problems of all) expect(problems).toEqual(all[0])
    expect(all[0]).toHaveLength(1)
    return all[0]![0]!
  }

  test('a quote inside an unquoted cell', async () => {
    expect(await refused(`${lines(500)}1,secret"x\n1,2\n`)).toMatchObject({
      code: 'stray-quote',
      file: 'dm.csv',
      row: 501,
      column: 'B',
    })
  })

  test('text after a closing quote', async () => {
    expect(await refused(`${lines(500)}"secret"x,2\n`)).toMatchObject({ code: 'stray-quote', row: 501, column: 'A' })
  })

  test('a quote that is never closed', async () => {
    expect(await refused(`${lines(500)}1,"secret\n${'1,2\n'.repeat(9)}`)).toMatchObject({
      code: 'unterminated-quote',
      row: 501,
      column: 'B',
    })
  })

  test('a broken quote in the header, without a row', async () => {
    expect(await refused('A"x,B\n1,2\n')).toEqual({ code: 'stray-quote', file: 'dm.csv', message: expect.any(String) })
    expect(await refused('A,"B\n1,2\n')).toMatchObject({ code: 'unterminated-quote' })
  })

  test('bytes that are no UTF-8', async () => {
    const bad = Buffer.concat([
      Buffer.from(lines(7)),
      Buffer.from('1,"\n'),
      Buffer.from([0xff]),
      Buffer.from('"\n1,2\n'),
    ])
    expect(await refused(bad)).toMatchObject({ code: 'undecodable', row: 8 })
    expect(await refused(Buffer.from([0x41, 0x2c, 0xe4, 0x0a]))).toEqual({
      code: 'undecodable',
      file: 'dm.csv',
      message: expect.any(String),
    })
  })

  test('a NUL character', async () => {
    expect(await refused(`${lines(3)}1,\0\n`)).toMatchObject({ code: 'nul-byte', row: 4 })
    expect(await refused(`${lines(3)}\0\n`)).toMatchObject({ code: 'nul-byte', row: 4 })
    expect(await refused(`${lines(3)}1,"x"\0\n`)).toMatchObject({ code: 'nul-byte', row: 4 })
  })

  test('a cell that is too large, exactly from one byte on', async () => {
    const maxCellBytes = 100
    const row = (cell: string): string => `${lines(2)}1,${cell}\n${'1,2\n'.repeat(9)}`
    for (const fits of ['x'.repeat(100), 'é'.repeat(50), `"${'""'.repeat(100)}"`]) {
      expect(await tokenizeAll(inPieces(row(fits)), { maxCellBytes })).toHaveLength(13)
    }
    for (const cell of ['x'.repeat(101), `${'é'.repeat(50)}x`, `"${'""'.repeat(101)}"`]) {
      expect(await refused(row(cell), { maxCellBytes })).toMatchObject({ code: 'cell-too-large', row: 3, column: 'B' })
    }
    expect(await refused(`A,${'B'.repeat(101)}\n`, { maxCellBytes })).toEqual({
      code: 'cell-too-large',
      file: 'dm.csv',
      message: expect.any(String),
    })
  })

  test('no problem quotes what a cell holds', async () => {
    for (const text of ['A,B\n1,secret"x\n', 'A,B\n"secret"x\n', 'A,B\n1,"secret', 'A,B\n1,secret\0']) {
      const problems = await rejectionOf(tokenizeAll(inPieces(text), { names: ['A', 'B'] }))
      expect(JSON.stringify(problems)).not.toContain('secret')
      const problemsWhole = await rejectionOf(() =>
        tokenizeWhole(Buffer.from(text), { file: 'dm.csv', names: ['A', 'B'] }),
      )
      expect(problemsWhole).toEqual(problems)
    }
  })

  test('no error carries a cause that quotes what a cell holds', async () => {
    const error: Error = await tokenizeAll(inPieces('A,B\n1,secret"x\n')).then(
      () => new Error('not refused'),
      thrown => thrown,
    )
    expect(error.name).toBe('Rejection')
    expect(error.cause).toBeUndefined()
    expect(error.stack).not.toContain('secret')
  })
})

describe('memory', () => {
  /** Counts what was asked for, so that a test sees how far a source was read. */
  async function* endless(start: string, filler: string, state: { bytes: number }): AsyncGenerator<Uint8Array, void> {
    yield Buffer.from(start)
    const piece = Buffer.alloc(64 * 1024, filler)
    // An end there is, so that a reader that never refuses fails the test and does not hang it.
    for (; state.bytes < 48e6; state.bytes += piece.length) yield piece
  }
  const maxCellBytes = 1024 * 1024

  test.each([
    ['an unquoted cell', 'A,B\n1,', 'x', 'cell-too-large', 1],
    ['a quoted cell', 'A,B\n1,2\n"', 'x\n', 'cell-too-large', 2],
    ['a row of endless cells', 'A,B\n1,', ',', 'row-too-large', 1],
    ['a header', '', 'x', 'cell-too-large', undefined],
  ])('%s without end is refused long before it is read', async (_, start, filler, code, row) => {
    const state = { bytes: 0 }
    const [problem] = await rejectionOf(tokenizeAll(endless(start, filler, state), { names: ['A', 'B'], maxCellBytes }))
    expect(problem).toMatchObject({ code })
    expect(problem!.row).toBe(row)
    expect(state.bytes).toBeLessThan(4 * maxCellBytes)
  })

  test('a source is read no faster than its records are taken', async () => {
    const state = { bytes: 0 }
    const records = tokenize(endless('A,B\n', '1,2\n', state), { file: 'dm.csv', names: ['A', 'B'] })
    await records.next()
    await records.next()
    expect(state.bytes).toBeLessThanOrEqual(2 * 64 * 1024)
    await records.return()
  })
})
