import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignFieldIds } from '../../../lib/contents/field-ids.ts'
import { parseContents } from '../../../lib/contents/parse.ts'
import { type Contents, formatType } from '../../../lib/fields.ts'
import { rejectionOf } from '../csv/support.ts'

const parse = (text: string | Uint8Array): Contents =>
  parseContents(typeof text === 'string' ? Buffer.from(text) : text, { file: 'contents.csv' })
/** `dataset.COLUMN type` of every column. */
const columnsOf = ({ datasets }: Contents): string[] =>
  datasets.flatMap(({ name, fields }) => fields.map(field => `${name}.${field.name} ${formatType(field.type)}`))
const problemsOf = async (text: string | Uint8Array) =>
  (await rejectionOf(() => parse(text))).map(({ code, row, column }) => [code, row, column])

const procHeader = 'MEMNAME,NAME,TYPE,LENGTH,VARNUM,LABEL,FORMAT'
const proc = (rows: string[]): string => `${[procHeader, ...rows].join('\r\n')}\r\n`
const plain = (rows: string[], header = 'dataset,field,type'): string => `${[header, ...rows].join('\n')}\n`

describe('PROC CONTENTS', () => {
  test('is read with its labels, in the order of VARNUM', () => {
    const contents = parse(
      proc(['DM,AGE,1,8,2,Age,8.', 'AE,AESEQ,1,8,1,,', 'DM,USUBJID,2,11,1,"Subject, unique",$11.']),
    )
    const { ids } = assignFieldIds([
      { name: 'USUBJID', type: { kind: 'string' } },
      { name: 'AGE', type: { kind: 'bigint' } },
    ])
    expect(contents).toEqual({
      datasets: [
        {
          name: 'dm',
          fields: [
            { id: ids[0], name: 'USUBJID', type: { kind: 'string' }, nullable: true, label: 'Subject, unique' },
            { id: ids[1], name: 'AGE', type: { kind: 'bigint' }, nullable: true, label: 'Age' },
          ],
        },
        { name: 'ae', fields: [{ id: expect.any(Number), name: 'AESEQ', type: { kind: 'double' }, nullable: true }] },
      ],
    })
  })

  test.each([
    ['1', '', 'double', undefined],
    ['1', '8.', 'bigint', undefined],
    ['1', 'F8.', 'bigint', undefined],
    ['1', '8.2', 'double', undefined],
    ['1', 'BEST12.', 'double', undefined],
    ['1', 'date9.', 'date', 'DATE9.'],
    ['1', 'DATE.', 'date', 'DATE.'],
    ['1', 'YYMMDD10.', 'date', 'YYMMDD10.'],
    ['1', 'MMDDYY10.', 'date', 'MMDDYY10.'],
    ['1', 'DDMMYY10.', 'date', 'DDMMYY10.'],
    ['1', 'E8601DA.', 'date', 'E8601DA.'],
    ['1', 'DATETIME20.', 'timestamp', 'DATETIME20.'],
    ['1', 'E8601DT.', 'timestamp', 'E8601DT.'],
    ['1', 'TIME5.', 'time', 'TIME5.'],
    ['1', 'E8601TM.', 'time', 'E8601TM.'],
    ['Num', 'TIME8.', 'time', 'TIME8.'],
    ['2', '', 'string', undefined],
    ['2', '$20.', 'string', undefined],
    ['2', 'DATE9.', 'string', undefined],
    ['Char', '', 'string', undefined],
  ])('TYPE %s with FORMAT %j is %s', (type, format, kind, kept) => {
    const field = parse(proc([`X,A,${type},8,1,,${format}`])).datasets[0]!.fields[0]!
    expect(field.type).toEqual({ kind })
    expect(field.format).toBe(kept)
  })

  test('is told by its header in any order, case, separator, encoding, with columns of its own', () => {
    const text = 'label;Type;LIBNAME;name;MemName\nAlter;1;WORK;Größe;DM\n'
    const expected = ['dm.Größe double']
    expect(columnsOf(parse(text))).toEqual(expected)
    expect(columnsOf(parse(`\ufeff${text.replaceAll(';', '\t').replaceAll('\n', '\r')}`))).toEqual(expected)
    expect(columnsOf(parse(Buffer.from(`\ufeff${text}`, 'utf16le')))).toEqual(expected)
    const latin = Buffer.from(text, 'latin1')
    expect(columnsOf(parseContents(latin, { file: 'contents.csv', encoding: 'latin1' }))).toEqual(expected)
  })

  test('is refused with everything that is wrong', async () => {
    const rows = [
      'DM,AGE,1,8,1,,',
      'DM,SEX,3,8,2,,',
      'DM,age,1,8,3,,',
      'DM,X,1,8,second,,',
      'DM,Y,1,8,0,,',
      '1AE,X,2,8,1,,',
      ',X,2,8,1,,',
      ',Y,2,8,2,,',
      'DM,,2,8,5,,',
      'DM,Z,1,8,6,,$8.',
      'DM,W,1,8,7,,YYYY-MM',
      'DM,V,1',
      'Contents,V,1,8,1,,',
      'DM,AGE,1,8,9,,',
    ]
    expect(await problemsOf(proc(rows))).toEqual([
      ['type-unknown', 2, 'TYPE'],
      ['field-duplicate', 3, 'age'],
      ['varnum-invalid', 4, 'VARNUM'],
      ['varnum-invalid', 5, 'VARNUM'],
      ['dataset-name-invalid', 6, undefined],
      ['dataset-name-missing', 7, undefined],
      ['dataset-name-missing', 8, undefined],
      ['field-name-missing', 9, undefined],
      ['format-unknown', 10, 'FORMAT'],
      ['format-unknown', 11, 'FORMAT'],
      ['ragged-row', 12, undefined],
      ['dataset-name-reserved', 13, undefined],
      ['field-duplicate', 14, 'AGE'],
    ])
  })
})

describe('the plain dialect', () => {
  test('is read with every type and option', () => {
    const header = 'dataset,field,type,label,nullable,format'
    const rows = [
      'DM,S,string,A label,,',
      'dm,I,Integer,,false,',
      'DM,L,bigint,,yes,',
      'DM,"P","decimal(10, 2)",,,',
      'DM,D,date,,,mmddyy10.',
    ]
    const { datasets } = parse(plain(rows, header))
    const id = expect.any(Number)
    expect(datasets).toEqual([
      {
        name: 'dm',
        fields: [
          { id, name: 'S', type: { kind: 'string' }, nullable: true, label: 'A label' },
          { id, name: 'I', type: { kind: 'integer' }, nullable: false },
          { id, name: 'L', type: { kind: 'bigint' }, nullable: true },
          { id, name: 'P', type: { kind: 'decimal', precision: 10, scale: 2 }, nullable: true },
          { id, name: 'D', type: { kind: 'date' }, nullable: true, format: 'MMDDYY10.' },
        ],
      },
    ])
  })

  test.each([
    ['string text varchar char character', 'string'],
    ['integer int int32 INT', 'integer'],
    ['bigint long int64', 'bigint'],
    ['double float float64 number', 'double'],
    ['boolean bool', 'boolean'],
    ['date', 'date'],
    ['timestamp datetime', 'timestamp'],
    ['time', 'time'],
    ['"decimal(38,38)" "numeric(38,38)"', 'decimal(38,38)'],
  ])('calls %s one type', (words, expected) => {
    const rows = words.split(' ').map((word, i) => `x,C${i},${word}`)
    for (const { type } of parse(plain(rows)).datasets[0]!.fields) expect(formatType(type)).toBe(expected)
  })

  test('keeps the order of the rows, of datasets that alternate too', () => {
    const rows = ['B,Z,date', 'a,Y,date', 'b,X,date', 'A,W,date', '', ',,', 'b,A,date']
    expect(columnsOf(parse(plain(rows)))).toEqual(['b.Z date', 'b.X date', 'b.A date', 'a.Y date', 'a.W date'])
  })

  test('takes any column name that can be shown', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .map(text => text.trim().slice(0, 255))
      .filter(text => text !== '' && !/\p{Cc}/u.test(text))
    fc.assert(
      fc.property(fc.uniqueArray(name, { selector: text => text.toLowerCase(), minLength: 1, maxLength: 5 }), names => {
        const rows = names.map(text => `x,"${text.replaceAll('"', '""')}",string`)
        expect(parse(plain(rows)).datasets[0]!.fields.map(field => field.name)).toEqual(names)
      }),
    )
    const longest = 'n'.repeat(255)
    expect(columnsOf(parse(plain([`x,${longest},date`])))).toEqual([`x.${longest} date`])
  })

  test('is refused with everything that is wrong', async () => {
    const header = 'dataset,field,type,nullable,format'
    const rows = [
      'x,A,varchat,,',
      'x,B,"decimal(39,2)",,',
      'x,C,"decimal(5,6)",,',
      'x,D,decimal,,',
      'x,E,"decimal(0,0)",,',
      'x,F,date,perhaps,BEST8.',
      'x,G,timestamp,,DATE9.',
      'x,H,string,,ANYTHING',
      `x,${'n'.repeat(256)},date,,`,
      'x,"a\tb",date,,',
      ',a,date,,',
      'dm x,a,date,,',
      `${'d'.repeat(129)},a,date,,`,
    ]
    expect(await problemsOf(plain(rows, header))).toEqual([
      ['type-unknown', 1, 'type'],
      ['decimal-invalid', 2, 'type'],
      ['decimal-invalid', 3, 'type'],
      ['decimal-invalid', 4, 'type'],
      ['decimal-invalid', 5, 'type'],
      ['format-unknown', 6, 'format'],
      ['nullable-invalid', 6, 'nullable'],
      ['format-unknown', 7, 'format'],
      ['field-name-invalid', 9, undefined],
      ['field-name-invalid', 10, undefined],
      ['dataset-name-missing', 11, undefined],
      ['dataset-name-invalid', 12, undefined],
      ['dataset-name-invalid', 13, undefined],
    ])
  })

  test('explains what it expected', async () => {
    const [problem] = await rejectionOf(() => parse(plain(['x,A,strng'])))
    expect(problem).toEqual({
      code: 'type-unknown',
      file: 'contents.csv',
      row: 1,
      column: 'type',
      message: expect.stringMatching(/^the type is "strng", expected string, integer, bigint, decimal\(p,s\)/),
    })
  })
})

describe('a contents file that is none', () => {
  test.each([
    ['empty', '', 'empty-file'],
    ['blank', '\n', 'empty-file'],
    ['a header only', 'dataset,field,type\n', 'no-rows'],
    ['blank rows only', 'dataset,field,type\n\n,,\n', 'no-rows'],
    ['another header', 'USUBJID,AGE\nsecret,1\n', 'header-unknown'],
    ['no header', 'secret,1\n', 'header-unknown'],
    ['a broken quote', 'dataset,field,type\n"x"y,secret,date\n', 'stray-quote'],
    ['a NUL', 'dataset,field,type\nx,secret\0,date\n', 'nul-byte'],
    ['not UTF-8', Buffer.from('dataset,field,type\nx,\xe4,date\n', 'latin1'), 'undecodable'],
  ])('because it is %s', async (_, text, code) => {
    const problems = await rejectionOf(() => parse(text))
    expect(problems.map(problem => problem.code)).toEqual([code])
    expect(problems[0]!.file).toBe('contents.csv')
    expect(JSON.stringify(problems)).not.toContain('secret')
  })

  test('because its header names columns twice', async () => {
    expect(await problemsOf('dataset,field,type,Type,x,x,DATASET\nx,A,date,date,,,x\n')).toEqual([
      ['column-duplicate', undefined, 'dataset'],
      ['column-duplicate', undefined, 'type'],
    ])
  })
})
