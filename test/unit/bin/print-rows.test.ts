import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CommandError } from '../../../bin/support/failure.ts'
import {
  createCsvPrinter,
  createJsonPrinter,
  createTablePrinter,
  type RowPrinter,
  type Write,
} from '../../../bin/support/print-rows.ts'

/** What a printer makes of pages. */
async function print(
  create: (write: Write) => RowPrinter,
  columns: [name: string, type: string][],
  ...pages: unknown[][][]
): Promise<string> {
  let text = ''
  const printer = create(async piece => {
    text += piece
  })
  await printer.begin(columns.map(([name, type]) => ({ name, type })))
  for (const rows of pages) await printer.rows(rows)
  await printer.end()
  return text
}

describe('CSV', () => {
  it('is read by csv-parse as it was, a null apart from empty text', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '"', ',', '\r\n', 'NULL'),
      fc.constant(null),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(cell, { minLength: 2, maxLength: 2 })), async rows => {
        const text = await print(
          createCsvPrinter,
          [
            ['a', 'varchar'],
            ['b "c"', 'varchar'],
          ],
          rows,
        )
        const records = parse(text, {
          relax_column_count: false,
          cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
        }) as unknown[][]
        expect(records).toEqual([['a', 'b "c"'], ...rows])
      }),
    )
  })

  it('has numbers to their last digit, and nested values as JSON', async () => {
    const types: [string, string][] = [
      ['a', 'bigint'],
      ['b', 'double'],
      ['c', 'array(bigint)'],
      ['d', 'boolean'],
    ]
    expect(await print(createCsvPrinter, types, [[2n ** 63n - 1n, -0, [2n ** 53n + 1n, null], false]])).toBe(
      'a,b,c,d\n9223372036854775807,-0,"[9007199254740993,null]",false\n',
    )
  })
})

describe('JSON', () => {
  it('is one array, each row on a line, columns in their order', async () => {
    const types: [string, string][] = [
      ['2', 'bigint'],
      ['1', 'varchar'],
      ['__proto__', 'varchar'],
      ['z', 'double'],
    ]
    const text = await print(createJsonPrinter, types, [[2n ** 63n - 1n, '', null, -0]], [], [[1, 'a\n', 'b', 1.5]])
    expect(text).toBe(
      '[\n{"2":9223372036854775807,"1":"","__proto__":null,"z":-0.0},\n{"2":1,"1":"a\\n","__proto__":"b","z":1.5}\n]\n',
    )
  })

  it('of nothing is an empty array', async () => {
    expect(await print(createJsonPrinter, [['a', 'integer']])).toBe('[]\n')
  })

  it('cannot hold two columns of one name', async () => {
    const printer = createJsonPrinter(async () => {})
    const twice = [
      { name: 'a', type: 'integer' },
      { name: 'a', type: 'integer' },
    ]
    await expect(printer.begin(twice)).rejects.toThrow(CommandError)
  })
})

describe('a table', () => {
  it('aligns numbers to the right, and shows nulls and control characters', async () => {
    expect(
      await print(
        createTablePrinter,
        [
          ['n', 'decimal(3,1)'],
          ['text', 'varchar'],
        ],
        [['10.5', 'a\nb']],
        [['1.0', null]],
      ),
    ).toBe('     n  text\n  10.5  a⏎b\n   1.0  NULL\n\n2 rows\n')
  })

  it('fits into the terminal, says what it has cut, and leaves narrow columns alone', async () => {
    const wide = (write: Write) => createTablePrinter(write, { width: 30 })
    const text = await print(
      wide,
      [
        ['id', 'integer'],
        ['a', 'varchar'],
        ['b', 'varchar'],
      ],
      [[1, 'x'.repeat(60), 'y'.repeat(20)]],
    )
    const lines = text.split('\n')
    expect(lines[1]).toBe(`   1  ${'x'.repeat(10)}…  ${'y'.repeat(10)}…`)
    for (const line of lines.slice(0, 2)) expect([...line].length).toBeLessThanOrEqual(30)
    expect(text).toContain('was cut; --csv and --json print all of it')
  })

  it('has the widths of its first rows, and holds no others back', async () => {
    const written: string[] = []
    const printer = createTablePrinter(async text => {
      written.push(text)
    })
    await printer.begin([{ name: 'a', type: 'varchar' }])
    await printer.rows(Array.from({ length: 99 }, () => ['four']))
    expect(written).toEqual([])
    await printer.rows([['four']])
    expect(written.join('').split('\n')).toHaveLength(102)
    await printer.rows([['longer than four']])
    expect(written.at(-1)).toBe('  lon…\n')
    await printer.end()
    expect(written.at(-1)).toContain('101 rows')
  })
})
