import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ColumnBatch } from '../../../lib/columns.ts'
import { type CsvOptions, type CsvResult, decodeCsv } from '../../../lib/csv/decode-csv.ts'
import { type Problem, Rejection } from '../../../lib/errors.ts'
import type { Field } from '../../../lib/fields.ts'
import { decodeByStrings } from './oracle/decode-by-strings.ts'
import { cutAt, inPieces, makeFields, rowsOf } from './support.ts'

type Decode = typeof decodeCsv
type Options = Omit<CsvOptions, 'file'>

/** All that can be seen of a decoding: rows by batches, kinds and bitmaps, and the result; or the problems that it ends in. */
async function observe(decode: Decode, body: AsyncIterable<Uint8Array>, options: Options) {
  const batches: unknown[] = []
  try {
    const decoder = decode(body, { file: 'lb.csv', ...options })
    let step = await decoder.next()
    for (; !step.done; step = await decoder.next()) batches.push(describeBatch(step.value))
    return { batches, result: step.value as CsvResult }
  } catch (error) {
    if (error instanceof Rejection) return { problems: error.problems }
    throw error
  }
}

const describeBatch = (batch: ColumnBatch) => ({
  rows: rowsOf(batch),
  columns: batch.columns.map(({ kind, nulls, ...column }) => ({
    kind,
    nulls: nulls && [...nulls],
    slots: 'indices' in column ? column.indices.length : column.values.length,
  })),
})

/** csv-parse's errors come before its header where a file is small, so that the oracle cannot name the column. */
function withColumn(expected: Awaited<ReturnType<typeof observe>>, found: Problem[] | undefined) {
  const [problem] = expected.problems ?? []
  if (!problem?.code.endsWith('-quote') || problem.column !== undefined) return expected
  return { problems: [{ ...problem, ...(found?.[0]?.column !== undefined && { column: found[0].column }) }] }
}

/** Compares decodeCsv with its oracle on the same bytes, in pieces of the given size. */
async function compare(bytes: Uint8Array | string, options: Options, size = Infinity): Promise<void> {
  const expected = await observe(decodeByStrings, inPieces(bytes), options)
  expect(await observe(decodeCsv, inPieces(bytes, size), options)).toEqual(expected)
}

const fields: Field[] = [
  ...makeFields({
    S: 'string',
    I: 'integer',
    L: 'bigint',
    D: 'double',
    B: 'boolean',
    DAY: 'date',
    AT: 'timestamp',
    CLOCK: 'time',
    SMALL: { kind: 'decimal', precision: 5, scale: 2 },
    MIDDLE: { kind: 'decimal', precision: 16, scale: 4 },
    LARGE: { kind: 'decimal', precision: 25, scale: 3 },
    'T!': 'string',
  }),
  { ...makeFields({ MDY: 'date' })[0], format: 'MMDDYY10.', id: 99 },
]
const fieldsOf = (indices: number[], nullable: boolean[]): Field[] =>
  indices.map((index, at) => ({ ...fields[index], nullable: nullable[at % nullable.length] }))

const digits = fc
  .integer({ min: 1, max: 22 })
  .chain(length => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length }))
const number = fc
  .tuple(
    fc.constantFrom('', '-', '+', ' ', '--'),
    fc.option(digits, { nil: '' }),
    fc.constantFrom('', '.', '.0', '.00'),
    fc.option(digits, { nil: '', freq: 2 }),
    fc.constantFrom('', '', '', 'e5', 'E-7', 'e400', ' ', '\u00a0'),
  )
  .map(parts => parts.join(''))
const small = fc.double({ min: -1000, max: 1000, noNaN: true }).map(value => value.toFixed(3))
const anyDouble = fc.double({ noNaN: true }).map(String)
const day = fc.integer({ min: -719_500, max: 2_933_000 }).map(days => {
  const date = new Date(days * 86_400_000)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10)
})
const anyDay = fc
  .tuple(fc.integer({ min: 0, max: 2100 }), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }))
  .map(([year, month, date]) =>
    [String(year).padStart(4, '0'), String(month).padStart(2, '0'), String(date).padStart(2, '0')].join('-'),
  )
const sasDay = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.constantFrom('JAN', 'feb', 'Feb', 'DEC', 'XYZ', 'J\u0001N'), fc.nat(9999))
  .map(([date, month, year]) => `${String(date).padStart(2, '0')}${month}${String(year).padStart(4, '0')}`)
const clock = fc
  .tuple(
    fc.integer({ min: 0, max: 25 }),
    fc.integer({ min: 0, max: 61 }),
    fc.constantFrom('', ':00', ':59', ':60', ':7'),
  )
  .map(([hour, minute, rest]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}${rest}`)
const stamp = fc
  .tuple(fc.oneof(day, anyDay, sasDay), fc.constantFrom('T', ' ', ':', 't'), clock, fc.constantFrom('', 'Z', '.5'))
  .map(parts => parts.join(''))
const text = fc.string({
  unit: fc.constantFrom('a', 'B', 'é', '😀', ' ', ',', ';', '\t', '"', '\n', '\r', '.', '-', '1'),
  maxLength: 8,
})
const truth = fc.constantFrom('true', 'F', 'y', 'N', '1', '0', 'yes', 'maybe', 'T ')
const cell = fc.oneof(
  { arbitrary: fc.constantFrom('', '', '.', ' ', '01/02/2014', '2014-01-02'), weight: 3 },
  ...[number, small, anyDouble, day, anyDay, sasDay, clock, stamp, text, truth].map(arbitrary => ({
    arbitrary,
    weight: 1,
  })),
)
/** What fits a field, mostly. */
const fitting: Record<Field['type']['kind'], fc.Arbitrary<string>> = {
  string: text,
  integer: fc.integer().map(String),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  double: fc.oneof(small, anyDouble),
  boolean: truth,
  date: day,
  timestamp: fc.tuple(day, clock).map(([date, time]) => `${date}T${time}`),
  time: clock,
  decimal: fc.integer({ min: -99_999, max: 99_999 }).map(unscaled => (unscaled / 100).toFixed(2)),
}

const dialect = fc.record({
  separator: fc.constantFrom(',', ';', '\t'),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  closed: fc.boolean(),
  quoted: fc.constantFrom<'needed' | 'all'>('needed', 'all'),
})
const options = fc.record({
  onBadValue: fc.constantFrom<'reject' | 'null'>('reject', 'null'),
  maxBatchRows: fc.constantFrom(1, 2, 7, 1000),
  maxCellBytes: fc.constantFrom(60, 100_000),
})
const schema = fc.record({
  order: fc.shuffledSubarray(
    fields.map((_, at) => at),
    { minLength: 1 },
  ),
  nullable: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
})

function writeCsv(
  header: string[],
  rows: string[][],
  { separator, lineEnd, closed, quoted }: { separator: string; lineEnd: string; closed: boolean; quoted: string },
): string {
  const write = (value: string) =>
    quoted === 'all' || /[",;\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
  return [header, ...rows].map(row => row.map(write).join(separator)).join(lineEnd) + (closed ? lineEnd : '')
}

describe('decodeCsv does as csv-parse and the readers of strings do', () => {
  test('for cells of any kind in columns of any type', async () => {
    const ragged = fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, -1, 1)
    const rows = (width: number) =>
      fc.array(fc.tuple(fc.array(cell, { minLength: width, maxLength: width }), ragged), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        schema.chain(given => fc.tuple(fc.constant(given), rows(given.order.length))),
        dialect,
        options,
        fc.integer({ min: 1, max: 40 }),
        async ([{ order, nullable }, rows], how, given, size) => {
          const declared = fieldsOf(order, nullable)
          const cells = rows.map(([row, more]) => (more > 0 ? [...row, 'x'] : row.slice(0, row.length + more)))
          const header = declared.map(({ name }) => name).toReversed()
          await compare(writeCsv(header, cells, how), { fields: declared, ...given }, size)
        },
      ),
      { numRuns: 400 },
    )
  })

  test('for values that fit, with nulls', async () => {
    const row = (declared: Field[]) =>
      fc.tuple(...declared.map(({ type }) => fc.option(fitting[type.kind], { nil: '', freq: 6 })))
    await fc.assert(
      fc.asyncProperty(
        schema.chain(({ order }) => {
          const declared = fieldsOf(order, [true])
          return fc.tuple(fc.constant(declared), fc.array(row(declared), { maxLength: 25 }))
        }),
        dialect,
        fc.integer({ min: 1, max: 90 }),
        async ([declared, rows], how, size) => {
          const header = declared.map(({ name }) => name)
          await compare(writeCsv(header, rows, how), { fields: declared, maxBatchRows: 10 }, size)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('for raw bytes, sense or none', async () => {
    const raw = fc.string({
      unit: fc.constantFrom('1', 'a', ',', ',', '"', '\n', '\n', '\r', '\r\n', ' ', 'é', '""'),
      maxLength: 30,
    })
    const two = makeFields({ A: 'string', B: 'integer' })
    const one = makeFields({ A: 'string' })
    const start = fc.oneof(
      fc.constantFrom('A,B\n', 'A,B\r\n', 'B,A\r', '"A";B\n').map(text => ({ text, declared: two })),
      fc.constantFrom('A\n', 'A\r\n', 'A\r', '"A"\n').map(text => ({ text, declared: one })),
    )
    const damage = fc.constantFrom('', '', '', '\0', '\xff\n', '\xff')
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(start, raw, damage, raw),
        options,
        fc.constantFrom<'utf-8' | 'latin1'>('utf-8', 'latin1'),
        async ([{ text, declared }, middle, fault, rest], given, encoding) => {
          const bytes = Buffer.concat([Buffer.from(text + middle), Buffer.from(fault, 'latin1'), Buffer.from(rest)])
          const all = { fields: declared, encoding, ...given, maxCellBytes: 1000 }
          for (const size of [Infinity, 1, 3, 8]) {
            const found = await observe(decodeCsv, inPieces(bytes, size), all)
            const expected = await observe(decodeByStrings, inPieces(bytes, size), all)
            // csv-parse goes through all that it has before the header is looked at; here a header that is wrong is told first.
            if (/^(column|header)-/.test(found.problems?.[0]?.code ?? '')) expect(expected.problems).toBeDefined()
            else expect(found).toEqual(withColumn(expected, found.problems))
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('wherever a file is cut', async () => {
    const csv = Buffer.from(
      '\ufeffS,I,D,DAY,T\r\n"a ""b"", c",1,-1.5,2014-01-02,x\r\n\r\n"é\r\n😀",-22,1e3,02JAN2014,"y"\r\n,,,,z\nq,x,.5,2014-02-30,\r\n"",7,7,,""""\r\n1,2\r\nlast,3,0.1,2020-12-31,end',
    )
    const declared = makeFields({ S: 'string', I: 'integer', D: 'double', DAY: 'date', 'T!': 'string' })
    const expected = await observe(decodeByStrings, inPieces(csv), { fields: declared })
    expect(expected.result).toMatchObject({ rowsIn: 8, rowsOut: 5 })
    for (let position = 0; position <= csv.length; position++) {
      expect(await observe(decodeCsv, cutAt(csv, position), { fields: declared }), `cut at ${position}`).toEqual(
        expected,
      )
    }
    for (const size of [1, 2, 3, 5, 17]) {
      expect(await observe(decodeCsv, inPieces(csv, size), { fields: declared })).toEqual(expected)
    }
  })

  test('for UTF-16 in both orders, and Latin-1', async () => {
    const declared = makeFields({ S: 'string', I: 'integer' })
    const csv = 'S,I\nmüde,1\n"a, ö",2\n'
    const little = Buffer.from(`\ufeff${csv}`, 'utf16le')
    await compare(little, { fields: declared }, 3)
    await compare(Buffer.from(little).swap16(), { fields: declared }, 3)
    await compare(Buffer.from(csv, 'latin1'), { fields: declared, encoding: 'latin1' }, 3)
  })

  test('over many rows, batches and growing dictionaries', async () => {
    const declared = makeFields({ ID: 'string', N: 'bigint', X: 'double', DAY: 'date', T: 'string' })
    const lines = Array.from({ length: 20_000 }, (_, row) => {
      const note = row % 7 === 0 ? `"say ""${row % 900}"""` : row % 3 === 0 ? '' : `note ${row % 5}`
      return `ID-${(row * 7919) % 6000},${row * 1_000_003},${(row / 7).toFixed(row % 9)},2014-01-0${1 + (row % 9)},${note}\n`
    })
    const csv = `ID,N,X,DAY,T\n${lines.join('')}`
    await compare(csv, { fields: declared, maxBatchRows: 4096 }, 10_000)
    await compare(csv, { fields: declared, maxBatchBytes: 100_000 }, 300_000)
  })

  test('for quoted numbers, and cells that need the general way in every column', async () => {
    const width = fields.length
    const names = fields.map(({ name }) => name).join(',')
    for (const value of ['"1"', '" 1 "', '"1""', '""', '"', '+1', '1.0', '1 ', '1\r', '\t1', '1e2', '.', '"."', '1"']) {
      for (let at = 0; at < width; at++) {
        const cells = Array.from({ length: width }, (_, index) => (index === at ? value : ''))
        cells[11] ||= 'x'
        await compare(`${names}\n${cells.join(',')}\n${',,,,,,,,,,,t,'}\n`, { fields, onBadValue: 'null' })
        await compare(`${names}\r${cells.join(',')}\r${',,,,,,,,,,,t,'}\r`, { fields })
      }
    }
  })
})

test('names of columns are nothing but names', async () => {
  const hostile = [
    '__proto__',
    'constructor',
    "'];process.exit(1)//",
    '`;process.exit(1)//',
    '*/ throw 1 /*',
    '\u2028',
    'a\\',
    '0',
    'toString',
  ]
  const declared = makeFields(Object.fromEntries(hostile.map((_, at) => [`n${at}`, at % 2 ? 'integer' : 'string'])))
  const named = declared.map((field, at) => ({ ...field, name: hostile[at] }))
  const header = hostile.map(name => `"${name}"`).join(',')
  await compare(`${header}\n${hostile.map((_, at) => at).join(',')}\n${'x,'.repeat(8)}x\n`, { fields: named })
})

describe('a double is the nearest one', () => {
  test('for any number of digits', async () => {
    const declared = makeFields({ D: 'double' })
    const literal = fc
      .tuple(fc.constantFrom('', '-'), digits, fc.constantFrom('', '.'), digits)
      .map(parts => parts.join(''))
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            literal,
            anyDouble.filter(text => !text.includes('Infinity')),
          ),
          { minLength: 1, maxLength: 50 },
        ),
        async literals => {
          const { batches } = await observe(decodeCsv, inPieces(`D\n${literals.join('\n')}\n`), { fields: declared })
          expect((batches![0] as { rows: number[][] }).rows.map(([value]) => value)).toEqual(literals.map(Number))
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('a cell or row that is too large', () => {
  const declared = makeFields({ A: 'string', B: 'string' })
  const maxCellBytes = 70_000
  const outcome = async (text: string, size: number) =>
    (await observe(decodeCsv, inPieces(text, size), { fields: declared, maxCellBytes })).problems

  test.each([
    ['an unquoted cell', `A,B\n1,2\n1,${'x'.repeat(70_001)}\n`],
    ['a quoted cell', `A,B\n1,2\n1,"${'x\n'.repeat(40_000)}"\n`],
    ['a cell of quotes', `A,B\n1,2\n1,"${'""'.repeat(70_001)}"\n`],
    ['an open cell', `A,B\n1,2\n1,"${'x\n'.repeat(200_000)}`],
  ])('is refused: %s', async (_, text) => {
    for (const size of [1000, 65_536, Infinity]) {
      expect(await outcome(text, size)).toMatchObject([{ code: 'cell-too-large', row: 2, column: 'B' }])
    }
    await compare(text, { fields: declared, maxCellBytes }, 65_536)
  })

  test('is refused: a row of many cells', async () => {
    const text = `A,B\n1,2\n${'xxxxxxxxx,'.repeat(60_000)}\n`
    for (const size of [1000, 65_536, Infinity]) {
      expect(await outcome(text, size)).toMatchObject([{ code: 'row-too-large', row: 2 }])
    }
  })

  test('is not refused a byte below', async () => {
    for (const cell of ['x'.repeat(70_000), `"${'""'.repeat(70_000)}"`]) {
      await compare(`A,B\n1,2\n1,${cell}\n`, { fields: declared, maxCellBytes }, 50_000)
    }
  })
})
