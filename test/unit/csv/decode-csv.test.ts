import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Column } from '../../../lib/columns.ts'
import { type CsvOptions, decodeCsv } from '../../../lib/csv/decode-csv.ts'
import type { Field } from '../../../lib/fields.ts'
import { cutAt, decodeAll, decodeText, inPieces, makeFields, rejectionOf } from './support.ts'

const nine = makeFields({
  S: 'string',
  I: 'integer',
  L: 'bigint',
  D: 'double',
  B: 'boolean',
  DAY: 'date',
  AT: 'timestamp',
  CLOCK: 'time',
  SMALL: { kind: 'decimal', precision: 9, scale: 2 },
  MIDDLE: { kind: 'decimal', precision: 18, scale: 4 },
  LARGE: { kind: 'decimal', precision: 38, scale: 0 },
})

describe('values of every type', () => {
  const iso = (micros: number): string => new Date(micros / 1000).toISOString().slice(0, -1)
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const unscaled = (digits: number): fc.Arbitrary<bigint> =>
    fc.bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n })
  const scaled = (value: bigint, scale: number): string => {
    const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
    return `${value < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`
  }
  /** Each arbitrary yields the text and the value that it stands for. */
  const cells = [
    fc
      .string({ minLength: 1, unit: 'grapheme' })
      .map(s => s.replaceAll('\0', 'x'))
      .map(s => [s, s]),
    fc.integer().map(n => [String(n), n]),
    int64.map(n => [String(n), n]),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => [String(n), Object.is(n, -0) ? 0 : n]),
    fc.boolean().map(b => [String(b), Number(b)]),
    fc.integer({ min: -719_162, max: 2_932_896 }).map(n => [iso(n * 86_400_000_000).slice(0, 10), n]),
    fc.integer({ min: 0, max: 4e12 }).map(n => [iso(n * 1000), BigInt(n) * 1000n]),
    fc.integer({ min: 0, max: 86_399_999 }).map(n => [iso(n * 1000).slice(11), BigInt(n) * 1000n]),
    unscaled(9).map(n => [scaled(n, 2), Number(n)]),
    unscaled(18).map(n => [scaled(n, 4), n]),
    unscaled(38).map(n => [String(n), n]),
  ] as fc.Arbitrary<[string, unknown]>[]
  const row = fc.tuple(...cells.map(cell => fc.option(cell, { nil: ['', null] as [string, unknown], freq: 4 })))

  test('come back from CSV, with their nulls, in any order of columns', async () => {
    const order = fc.shuffledSubarray(
      nine.map((_, i) => i),
      { minLength: nine.length },
    )
    const options = fc.record({ maxBatchRows: fc.integer({ min: 1, max: 20 }), size: fc.integer({ min: 1, max: 50 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 30 }),
        order,
        options,
        async (rows, order, { maxBatchRows, size }) => {
          const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
          const lines = [nine.map(field => field.name), ...rows.map(cells => cells.map(([text]) => quoted(text)))]
          const csv = lines.map(line => `${order.map(i => line[i]).join(',')}\n`).join('')
          const { rows: found, result, batches } = await decodeAll(inPieces(csv, size), { fields: nine, maxBatchRows })
          expect(found).toEqual(rows.map(cells => cells.map(([, value]) => value)))
          expect(result).toMatchObject({
            rowsIn: rows.length,
            rowsOut: rows.length,
            rowsRejected: 0,
            problemCount: 0,
            problems: [],
          })
          for (const batch of batches) expect(batch.rows).toBeLessThanOrEqual(maxBatchRows)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('stand in the column kinds that the batch contract names', async () => {
    const csv = `${nine.map(field => field.name).join(',')}\n,,,,,,,,,,\n`
    const { batches } = await decodeText(csv, nine)
    expect(batches[0]!.columns.map(column => [column.kind, column.values.constructor.name])).toEqual([
      ['text', 'Array'],
      ['int32', 'Int32Array'],
      ['int64', 'BigInt64Array'],
      ['double', 'Float64Array'],
      ['boolean', 'Uint8Array'],
      ['int32', 'Int32Array'],
      ['int64', 'BigInt64Array'],
      ['int64', 'BigInt64Array'],
      ['int32', 'Int32Array'],
      ['int64', 'BigInt64Array'],
      ['decimal', 'Array'],
    ])
    for (const column of batches[0]!.columns) expect(column.nulls).toEqual(Uint8Array.of(1))
  })

  test('have white space around them taken off, save text; a point is null, save in text and booleans', async () => {
    const line = [
      ' a ',
      ' 1 ',
      '\u00a02',
      ' 1.5',
      'yes ',
      ' 2014-01-02 ',
      ' 2014-01-02 11:45 ',
      ' 9:05',
      ' 1.5 ',
      ' 1',
      '1 ',
    ]
    const names = nine.map(field => field.name).join(',')
    const { rows } = await decodeText(`${names}\n${line.join(',')}\n`, nine)
    const day = 16072
    const at = BigInt(day) * 86_400_000_000n + 42_300_000_000n
    expect(rows).toEqual([[' a ', 1, 2n, 1.5, 1, day, at, 32_700_000_000n, 150, 10000n, 1n]])

    const points = await decodeText(`${names}\n${Array(11).fill('.').join(',')}\n`, nine)
    expect(points.result.problems.map(problem => problem.column)).toEqual(['B'])
    const spaces = await decodeText(`${names}\n${Array(11).fill('  ').join(',')}\n`, nine)
    expect(spaces.rows).toEqual([['  ', ...Array(10).fill(null)]])
  })

  test('of dates are read in the declared order', async () => {
    const fields: Field[] = ['MMDDYY10.', 'DDMMYY10.', 'YYMMDDN8.', 'DATE9.', undefined].map((format, i) => ({
      ...makeFields({ [`D${i}`]: 'date' })[0]!,
      ...(format ? { format } : {}),
    }))
    const csv = 'D0,D1,D2,D3,D4\n01/02/2014,02/01/2014,20140102,02JAN2014,2014-01-02\n'
    expect((await decodeText(csv, fields)).rows).toEqual([[16072, 16072, 16072, 16072, 16072]])
  })

  test('of text are dictionary-encoded batch by batch', async () => {
    const { batches } = await decodeText('S\na\nb\na\nb\nb\n\nc\nc\na\n', makeFields({ S: 'string' }), {
      maxBatchRows: 4,
    })
    const columns = batches.map(({ columns: [column] }) => column as Column & { kind: 'text' })
    expect(columns.map(({ values, indices, nulls }) => [values, [...indices], nulls && [...nulls]])).toEqual([
      [['a', 'b'], [0, 1, 0, 1], undefined],
      [['b', 'c'], [0, 0, 1, 1], [2]],
      [['a'], [0], undefined],
    ])
  })
})

describe('a value that does not fit', () => {
  const fields = makeFields({ A: 'integer', 'N!': 'integer', S: 'string' })
  const csv = 'A,N,S\n1,1,a\nsecret,1,b\n3,secret,c\n,,d\nsecret,,e\n6,6,\n'

  test('takes its row out, by default', async () => {
    const { rows, result } = await decodeText(csv, fields)
    expect(rows).toEqual([
      [1, 1, 'a'],
      [6, 6, null],
    ])
    expect(result).toMatchObject({ rowsIn: 6, rowsOut: 2, rowsRejected: 4, valuesNulled: 0, problemCount: 5 })
    expect(result.problems.map(({ code, row, column }) => [code, row, column])).toEqual([
      ['value-does-not-fit', 2, 'A'],
      ['value-does-not-fit', 3, 'N'],
      ['null-not-allowed', 4, 'N'],
      ['value-does-not-fit', 5, 'A'],
      ['null-not-allowed', 5, 'N'],
    ])
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(result.problems[0]!.message).toContain('32 bits')
  })

  test('becomes null where that was asked for and the column allows it', async () => {
    const { rows, result } = await decodeText(csv, fields, { onBadValue: 'null' })
    expect(rows).toEqual([
      [1, 1, 'a'],
      [null, 1, 'b'],
      [6, 6, null],
    ])
    expect(result).toMatchObject({ rowsIn: 6, rowsOut: 3, rowsRejected: 3, valuesNulled: 1, problemCount: 5 })
    expect(result.problems.map(({ code, row, column }) => [code, row, column])).toEqual([
      ['value-set-to-null', 2, 'A'],
      ['value-does-not-fit', 3, 'N'],
      ['null-not-allowed', 4, 'N'],
      ['value-does-not-fit', 5, 'A'],
      ['null-not-allowed', 5, 'N'],
    ])
  })

  test('leaves no trace in the slots that the next row takes', async () => {
    const all = nine.map(field => field.name).join(',')
    const full = 'a,1,1,1,true,2014-01-02,2014-01-02 00:00:01,00:01,1,1,1'
    const wrong = `b,2,2,2,true,2014-01-03,2014-01-02 00:00:02,00:02,2,2,x`
    const { rows } = await decodeText(`${all}\n${wrong}\n,,,,,,,,,,\n,,,,,,,,,,x\n${full}\n`, nine)
    expect(rows[0]).toEqual(Array(11).fill(null))
    expect(rows[1]!.includes(null)).toBe(false)
    const { batches } = await decodeText(`${all}\n${full}\n${wrong}\n,,,,,,,,,,\n`, nine)
    for (const column of batches[0]!.columns) {
      expect(Number(column.kind === 'text' ? column.indices[1] : column.values[1])).toBe(0)
    }
    const noNulls = await decodeText(`${all}\n${full}\n,,,,,,,,,,x\n`, nine)
    for (const column of noNulls.batches[0]!.columns) expect(column.nulls).toBeUndefined()
  })

  test('is counted always, listed a few times', async () => {
    const wide = makeFields({ A: 'integer', B: 'integer' })
    const { result } = await decodeText(`A,B\n${'x,1\n'.repeat(20)}${'1,x\n'.repeat(3)}`, wide)
    expect(result.problemCount).toBe(23)
    expect(result.problems.map(({ row, column, more }) => [row, column, more])).toEqual([
      [1, 'A', undefined],
      [2, 'A', undefined],
      [3, 'A', undefined],
      [4, 'A', undefined],
      [5, 'A', 15],
      [21, 'B', undefined],
      [22, 'B', undefined],
      [23, 'B', undefined],
    ])
    const few = await decodeText(`A,B\n${'x,1\n'.repeat(20)}${'1,x\n'.repeat(3)}`, wide, { maxProblems: 2 })
    expect(few.result.problemCount).toBe(23)
    expect(few.result.problems.map(({ row, column, more }) => [row, column, more])).toEqual([
      [1, 'A', undefined],
      [2, 'A', 18],
    ])
  })
})

test('rows in are rows out and rows rejected, whatever the file holds, however it is cut', async () => {
  const fields = makeFields({ A: 'integer', 'B!': 'string', C: 'date' })
  const cell = fc.constantFrom('', '1', 'x', '.', '2014-01-02', '"a,b"', '"1"')
  const line = fc.array(cell, { maxLength: 4 }).map(cells => cells.join(','))
  const policy = fc.constantFrom<'reject' | 'null'>('reject', 'null')
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), policy, fc.nat(), async (lines, onBadValue, cut) => {
      const csv = Buffer.from(`A,B,C\n${lines.map(text => `${text}\n`).join('')}`)
      const whole = await decodeAll(inPieces(csv), { fields, onBadValue })
      const parts = await decodeAll(cutAt(csv, cut % csv.length), { fields, onBadValue })
      expect(parts).toEqual(whole)
      const { rowsIn, rowsOut, rowsRejected, valuesNulled, problems, sha256, bytes } = whole.result
      let expected = lines.length
      while (expected > 0 && lines[expected - 1] === '') expected--
      expect(rowsIn).toBe(expected)
      expect(rowsOut + rowsRejected).toBe(rowsIn)
      expect(whole.rows).toHaveLength(rowsOut)
      expect(rowsRejected + valuesNulled > 0).toBe(problems.length > 0)
      expect(sha256).toBe(createHash('sha256').update(csv).digest('hex'))
      expect(bytes).toBe(csv.length)
    }),
    { numRuns: 200 },
  )
})

test.each(nine.map(field => field.name))(
  'a quoted line break before %s, cut anywhere, in pieces of any size',
  async name => {
    const second = nine.find(field => field.name === name)!
    const values = { S: '"z"', B: 'Y', DAY: '2020-01-31', AT: '2020-01-31T10:11:12', CLOCK: '10:11' } as Record<
      string,
      string
    >
    const csv = Buffer.from(
      `N,${name}\n1,\n"x\ny",${values[name] ?? '12'}\n"","${(values[name] ?? '12').replaceAll('"', '')}"\n`,
    )
    const fields = [makeFields({ N: 'string' })[0]!, second]
    const whole = await decodeAll(inPieces(csv), { fields })
    expect(whole.result).toMatchObject({ rowsOut: 3, problems: [] })
    for (let cut = 1; cut < csv.length; cut++) {
      expect(await decodeAll(cutAt(csv, cut), { fields }), `cut at ${cut}`).toEqual(whole)
      expect((await decodeAll(inPieces(csv, cut), { fields })).rows, `pieces of ${cut}`).toEqual(whole.rows)
    }
  },
)

describe('rows', () => {
  const fields = makeFields({ A: 'integer', B: 'integer' })

  test('of another length than the header are rejected one by one', async () => {
    const { rows, result } = await decodeText('A,B\n1,2\n1\n1,2,3\n\n5,6\n', fields)
    expect(rows).toEqual([
      [1, 2],
      [5, 6],
    ])
    expect(result).toMatchObject({ rowsIn: 5, rowsOut: 2, rowsRejected: 3 })
    expect(result.problems).toEqual([
      { code: 'ragged-row', file: 'dm.csv', row: 2, message: 'the row has 1 cells, and the header has 2' },
      { code: 'ragged-row', file: 'dm.csv', row: 3, message: 'the row has 3 cells, and the header has 2' },
      { code: 'ragged-row', file: 'dm.csv', row: 4, message: 'the row has 1 cells, and the header has 2' },
    ])
  })

  test('that are blank are nothing at the end, and nulls where there is one column', async () => {
    const end = await decodeText('A,B\n1,2\n\r\n\n\n', fields)
    expect(end.result).toMatchObject({ rowsIn: 1, problemCount: 0 })
    const one = await decodeText('A\n1\n\n3\n\n', makeFields({ A: 'integer' }))
    expect(one.rows).toEqual([[1], [null], [3], [null]])
  })

  test('are none where there is a header only: no batch', async () => {
    for (const csv of ['A,B', 'A,B\n', 'A,B\r\n\r\n', '\ufeffb;a\r']) {
      const { batches, result } = await decodeText(csv, fields)
      expect(batches).toEqual([])
      expect(result).toMatchObject({ rowsIn: 0, rowsOut: 0, problems: [] })
    }
  })

  test('fill a batch to its bytes', async () => {
    const csv = `S\n${'0123456789\n'.repeat(100)}`
    const { batches } = await decodeText(csv, makeFields({ S: 'string' }), { maxBatchBytes: 140 })
    expect(batches.map(batch => batch.rows)).toEqual(Array(10).fill(10))
  })
})

test('text of rejected rows does not pile up in a batch', async () => {
  const bad = Array.from({ length: 200 }, (_, row) => `text ${row},x\n`).join('')
  const fields = makeFields({ S: 'string', N: 'integer' })
  const { batches, result } = await decodeText(`S,N\n${bad}good,1\n`, fields, { maxBatchBytes: 200 })
  expect(result).toMatchObject({ rowsIn: 201, rowsOut: 1, rowsRejected: 200 })
  expect(batches.map(batch => batch.rows)).toEqual([1])
  const [column] = batches[0]!.columns
  expect(column!.kind === 'text' && column!.values.length).toBeLessThan(20)
})

describe('the header', () => {
  const fields = makeFields({ AGE: 'integer', Name: 'string' })
  const problemsOf = async (csv: string) =>
    (await rejectionOf(decodeText(csv, fields))).map(({ code, column }) => [code, column])

  test('is matched without case and without white space around names', async () => {
    expect((await decodeText(' name ,"age"\nx,1\n', fields)).rows).toEqual([[1, 'x']])
  })

  test('that is wrong is refused with every column that is', async () => {
    expect(await problemsOf('AGE,EXTRA,age,AGE,,MORE\n')).toEqual([
      ['column-undeclared', 'EXTRA'],
      ['column-duplicate', 'age'],
      ['column-duplicate', 'AGE'],
      ['column-undeclared', '#5'],
      ['column-undeclared', 'MORE'],
      ['column-missing', 'Name'],
    ])
  })

  test('says whether a column is there twice or in two cases', async () => {
    const problems = await rejectionOf(decodeText('AGE,Name,name,AGE\n', fields))
    expect(problems[0]!.message).toContain('differs from column Name only in case')
    expect(problems[1]!.message).toContain('more than once')
  })

  test('that is not there at all gives away no data', async () => {
    const problems = await rejectionOf(decodeText('63,secret\n64,other\n', fields))
    expect(problems.map(({ code, column }) => [code, column])).toEqual([
      ['header-missing', undefined],
      ['column-missing', 'AGE'],
      ['column-missing', 'Name'],
    ])
    expect(JSON.stringify(problems)).not.toContain('secret')
  })

  test('of an empty file is missed', async () => {
    for (const csv of ['', '\ufeff']) expect(await problemsOf(csv)).toEqual([['empty-file', undefined]])
  })
})

describe('encodings', () => {
  const fields = makeFields({ Ä: 'string' })
  const options = (encoding?: CsvOptions['encoding']) => ({ fields, ...(encoding ? { encoding } : {}) })

  test('are found by byte order mark, or declared', async () => {
    const text = 'ä\nö😀\n'
    const be = Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\ufeff${text}`),
      Buffer.from(`\ufeff${text}`, 'utf16le'),
      be,
    ]) {
      expect((await decodeAll(inPieces(bytes, 1), options())).rows).toEqual([['ö😀']])
    }
    expect((await decodeAll(inPieces(Buffer.from('ä\nö\n', 'latin1')), options('latin1'))).rows).toEqual([['ö']])
  })

  test('that are wrong are refused with the row', async () => {
    const problems = await rejectionOf(
      decodeAll(inPieces(Buffer.from([0xc3, 0x84, 0x0a, 0x61, 0x0a, 0xe4, 0x0a])), options()),
    )
    expect(problems).toEqual([
      { code: 'undecodable', file: 'dm.csv', row: 2, message: expect.stringContaining('not UTF-8') },
    ])
  })
})

describe('large files', () => {
  test('pass through in bounded memory, and no faster than they are taken', async () => {
    const fields = makeFields({ ID: 'string', N: 'bigint', X: 'double', DAY: 'date', T: 'string' })
    const pieces = 150
    let made = 0
    async function* source(): AsyncGenerator<Uint8Array, void> {
      yield Buffer.from('ID,N,X,DAY,T\n')
      for (; made < pieces; made++) {
        let piece = ''
        for (let i = 0; i < 1000; i++)
          piece += `ILMS-${made}-${i},${made * 1000 + i},${i}.5,2014-01-02,"${'text, '.repeat(10)}"\n`
        yield Buffer.from(piece)
      }
    }
    const decoder = decodeCsv(source(), { file: 'lb.csv', fields, maxBatchRows: 4096 })
    const inUse = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = inUse()
    let rows = 0
    let peak = 0
    let madeAtFirst = 0
    let step = await decoder.next()
    for (; !step.done; step = await decoder.next()) {
      rows += step.value.rows
      madeAtFirst ||= made
      peak = Math.max(peak, inUse())
    }
    expect(step.value).toMatchObject({ rowsIn: pieces * 1000, rowsRejected: 0 })
    expect(step.value.bytes).toBeGreaterThan(14e6)
    expect(rows).toBe(pieces * 1000)
    // 4,096 rows are five pieces.
    expect(madeAtFirst).toBeLessThan(8)
    // A batch and garbage; the 150,000 rows of the file take several times as much.
    expect(peak - before).toBeLessThan(60e6)
  })

  test('with a cell of 100 MB are refused when the cell has passed its largest size', async () => {
    let made = 0
    async function* source(): AsyncGenerator<Uint8Array, void> {
      yield Buffer.from('A,B\n1,"')
      const piece = Buffer.alloc(64 * 1024, 'x')
      for (; made < 100e6; made += piece.length) yield piece
      yield Buffer.from('"\n')
    }
    const fields = makeFields({ A: 'integer', B: 'string' })
    const problems = await rejectionOf(decodeAll(source(), { fields, maxCellBytes: 1024 * 1024 }))
    expect(problems).toMatchObject([{ code: 'cell-too-large', row: 1, file: 'dm.csv' }])
    expect(made).toBeLessThan(4e6)
  })

  test('with 10,000 columns are decoded', async () => {
    const width = 10_000
    const fields = makeFields(
      Object.fromEntries(Array.from({ length: width }, (_, i) => [`C${i}`, i % 2 ? 'double' : 'string'])),
    )
    const line = (row: number): string => fields.map((_, i) => `${row}${i % 10}`).join(',')
    const csv = [
      fields
        .map(field => field.name)
        .reverse()
        .join(','),
      ...Array.from({ length: 50 }, (_, row) => line(row)),
    ]
    const { rows, result } = await decodeText(`${csv.join('\n')}\n`, fields)
    expect(result).toMatchObject({ rowsOut: 50, problemCount: 0 })
    expect(rows[7]!.slice(0, 2)).toEqual(['79', 78])
    expect(rows[49]!.length).toBe(width)
  })

  test('are let go when the reader stops early', async () => {
    let released = false
    async function* source(): AsyncGenerator<Uint8Array, void> {
      try {
        yield Buffer.from('A\n')
        for (;;) yield Buffer.from('1\n'.repeat(100))
      } finally {
        released = true
      }
    }
    const decoder = decodeCsv(source(), { file: 'dm.csv', fields: makeFields({ A: 'integer' }), maxBatchRows: 10 })
    await decoder.next()
    await decoder.return({} as never)
    expect(released).toBe(true)
  })

  test('that break off hand on the failure of their source', async () => {
    async function* source(): AsyncGenerator<Uint8Array, void> {
      yield Buffer.from('A\n1\n')
      throw new Error('connection lost')
    }
    await expect(decodeAll(source(), { fields: makeFields({ A: 'integer' }) })).rejects.toThrow('connection lost')
  })
})
