import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { draftContents } from '../../../lib/contents/draft.ts'
import { parseContents } from '../../../lib/contents/parse.ts'
import { formatType } from '../../../lib/fields.ts'
import { decodeText, inPieces, rejectionOf } from '../csv/support.ts'

const draftOne = (csv: string): Promise<string> => draftContents([{ dataset: 'DM', body: inPieces(csv, 7) }])
const fieldsOf = (draft: string) => parseContents(Buffer.from(draft), { file: 'contents.csv' }).datasets[0]!.fields

/** The type drafted for a column of these values. */
async function typeOf(values: string[]): Promise<string> {
  const csv = `A,PAD\n${values.map(value => `"${value.replaceAll('"', '""')}",x\n`).join('')}`
  return formatType(fieldsOf(await draftOne(csv))[0]!.type)
}

test.each([
  [['true', 'FALSE', ''], 'boolean'],
  [['true', '.'], 'string'],
  [['yes', 'no'], 'string'],
  [['1', '0'], 'integer'],
  [['1', '-2147483648', '', '.'], 'integer'],
  [['1', '2147483648'], 'bigint'],
  [['1', '9223372036854775808'], 'double'],
  [['0', '-0', ' 12 '], 'integer'],
  [['0012', '1'], 'string'],
  [['00.5', '1.5'], 'string'],
  [['1.50', '-10.25'], 'decimal(4,2)'],
  [['0.001'], 'decimal(3,3)'],
  [['0.0'], 'decimal(1,1)'],
  [['1.5', '1.25'], 'double'],
  [['1.5', '2'], 'double'],
  [['1.5', '1e3'], 'double'],
  [['1.5', '.'], 'decimal(2,1)'],
  [[`${'9'.repeat(37)}.25`], 'double'],
  [['NaN'], 'string'],
  [['2014-01-02', '', '02JAN2014'], 'date'],
  [['2014-01-02', '2014-01'], 'string'],
  [['01/02/2014'], 'string'],
  [['2014-01-02T11:45', '2014-01-02 11:45:00.5'], 'timestamp'],
  [['2014-01-02T11:45', '2014-01-02'], 'string'],
  [['9:05', '11:45:00'], 'time'],
  [['', ''], 'string'],
  [['.'], 'string'],
  [[], 'string'],
  [['a', '1'], 'string'],
])('a column of %j is drafted as %s', async (values, expected) => {
  expect(await typeOf(values)).toBe(expected)
})

test('what is drafted decodes the file that it was drafted from, completely', async () => {
  const cell = fc.constantFrom(
    '',
    '1',
    '-7',
    '3000000000',
    '1.5',
    '2.25',
    'true',
    '2014-01-02',
    '11:45',
    '2014-01-02T11:45',
    'x',
    '.',
    '007',
  )
  const column = fc.uniqueArray(cell, { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(column, { minLength: 2, maxLength: 4 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
      async (columns, picks) => {
        const header = columns.map((_, i) => `C${i}`).join(',')
        const rows = picks.map(pick => columns.map((values, i) => values[(pick + i) % values.length]).join(','))
        const csv = `${[header, ...rows].join('\n')}\n`
        const { result } = await decodeText(csv, fieldsOf(await draftOne(csv)))
        expect(result.problems).toEqual([])
      },
    ),
    { numRuns: 200 },
  )
})

test('the draft is a contents file of all files, with names quoted where needed', async () => {
  const draft = await draftContents([
    { dataset: 'DM', body: inPieces('USUBJID;"a ""b"", c";AGE\n01;x;63\n') },
    { dataset: 'ae', body: inPieces('AESEQ\n1\n\n') },
  ])
  expect(draft).toBe(
    [
      'dataset,field,type,label,nullable,format',
      'dm,USUBJID,string,,true,',
      'dm,"a ""b"", c",string,,true,',
      'dm,AGE,integer,,true,',
      'ae,AESEQ,integer,,true,',
      '',
    ].join('\n'),
  )
  expect(fieldsOf(draft).map(field => field.name)).toEqual(['USUBJID', 'a "b", c', 'AGE'])
})

test('decimals get no more digits than they have, and their type has a name', async () => {
  expect(await draftOne('A,B\n1.50,x\n')).toContain('dm,A,"decimal(3,2)",,true,')
})

describe('a file that cannot be declared', () => {
  test.each([
    ['is empty', '', ['empty-file']],
    ['has columns without name', 'A,,\n1,2,3\n', ['field-name-missing', 'field-name-missing']],
    ['has a column in two cases', 'A,a\n1,2\n', ['column-duplicate']],
    ['has ragged rows', 'A,B\n1\n1,2,3\n1,2\n', ['ragged-row', 'ragged-row']],
    ['has a broken quote', 'A,B\n1,"2\n', ['unterminated-quote']],
  ])('because it %s', async (_, csv, codes) => {
    const problems = await rejectionOf(draftOne(csv))
    expect(problems.map(({ code }) => code)).toEqual(codes)
    for (const { file } of problems) expect(file).toBe('DM.csv')
  })

  test('lists no more than 100 problems', async () => {
    expect(await rejectionOf(draftOne(`A,B\n${'1\n'.repeat(150)}`))).toHaveLength(100)
  })
})
