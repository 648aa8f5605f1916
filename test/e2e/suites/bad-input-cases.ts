import { smallStudy } from '../../support/small-study.ts'
import type { Files } from '../../support/subject.ts'

export interface RejectedCase {
  name: string
  files: Files
  /** One of these, at least, must be in the report. */
  problem: { code: string; file: string; row?: number; column?: string }
}

/** What is lawful. */
export const good: Files = smallStudy
const withFile = (file: string, content: Uint8Array | string): Files => ({ ...good, [file]: content })
const dm = (...lines: string[]) => withFile('dm.csv', `${lines.join('\n')}\n`)
const header = 'USUBJID,SITEID,AGE'
/** In the cells of the cases; no message may say them. */
export const values = ['sixty', 'P1', 'S1']

/** What a version is refused for. */
export const rejectedCases: RejectedCase[] = [
  {
    name: 'a CSV that contents do not declare',
    files: withFile('lb.csv', 'A\n1\n'),
    problem: { code: 'dataset-undeclared', file: 'lb.csv' },
  },
  {
    name: 'a missing column',
    files: dm('USUBJID,AGE', 'P1,61'),
    problem: { code: 'column-missing', file: 'dm.csv', column: 'SITEID' },
  },
  {
    name: 'an extra column',
    files: dm(`${header},SEX`, 'P1,S1,61,F'),
    problem: { code: 'column-undeclared', file: 'dm.csv', column: 'SEX' },
  },
  {
    name: 'a duplicate column',
    files: dm(`${header},AGE`, 'P1,S1,61,62'),
    problem: { code: 'column-duplicate', file: 'dm.csv', column: 'AGE' },
  },
  {
    name: 'a column that collides by case',
    files: dm(`${header},Age`, 'P1,S1,61,62'),
    problem: { code: 'column-duplicate', file: 'dm.csv', column: 'Age' },
  },
  {
    name: 'a ragged row',
    files: dm(header, 'P1,S1,61', 'P2,S1'),
    problem: { code: 'ragged-row', file: 'dm.csv', row: 2 },
  },
  {
    name: 'a value that does not fit',
    files: dm(header, 'P1,S1,61', 'P2,S1,sixty'),
    problem: { code: 'value-does-not-fit', file: 'dm.csv', row: 2, column: 'AGE' },
  },
  {
    name: 'an empty cell in a column that may not be',
    files: dm(header, ',S1,61'),
    problem: { code: 'null-not-allowed', file: 'dm.csv', row: 1, column: 'USUBJID' },
  },
  {
    name: 'a quote that never ends',
    files: dm(header, 'P1,"S1,61', 'P2,S1,3'),
    problem: { code: 'unterminated-quote', file: 'dm.csv', row: 1 },
  },
  {
    name: 'a quote inside a cell',
    files: dm(header, 'P1,S"1,61'),
    problem: { code: 'stray-quote', file: 'dm.csv', row: 1 },
  },
  { name: 'an empty file', files: withFile('dm.csv', ''), problem: { code: 'empty-file', file: 'dm.csv' } },
  {
    name: 'another encoding',
    files: withFile('dm.csv', Buffer.from(`${header}\nP1,S\xe4,61\n`, 'latin1')),
    problem: { code: 'undecodable', file: 'dm.csv', row: 1 },
  },
  {
    name: 'UTF-16 without a mark',
    files: withFile('dm.csv', Buffer.from(`${header}\nP1,S1,61\n`, 'utf16le')),
    problem: { code: 'nul-byte', file: 'dm.csv' },
  },
  {
    name: 'a cell beyond the limit',
    files: withFile('dm.csv', Buffer.from(`${header}\nP1,${'S'.repeat(100 * 2 ** 20)},61\n`)),
    problem: { code: 'cell-too-large', file: 'dm.csv', row: 1, column: 'SITEID' },
  },
  {
    name: 'a contents file of no known dialect',
    files: withFile('contents.csv', 'a,b\n1,2\n'),
    problem: { code: 'header-unknown', file: 'contents.csv' },
  },
  {
    name: 'a type that does not exist',
    files: withFile('contents.csv', 'dataset,field,type\ndm,USUBJID,varchar2\n'),
    problem: { code: 'type-unknown', file: 'contents.csv', row: 1 },
  },
  {
    name: 'columns that collide by case in contents',
    files: withFile('contents.csv', 'dataset,field,type\ndm,AGE,integer\ndm,age,integer\n'),
    problem: { code: 'field-duplicate', file: 'contents.csv', row: 2 },
  },
  {
    name: 'a delivered surrogate key',
    files: {
      'contents.csv': 'dataset,field,type\ndm,USUBJID,string\ndm,patient_key,bigint\n',
      'dm.csv': 'USUBJID,patient_key\nP1,1\n',
    },
    problem: { code: 'key-column-delivered', file: 'dm.csv', column: 'patient_key' },
  },
  {
    name: 'a file name that is no dataset',
    files: withFile('2dm.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: '2dm.csv' },
  },
  {
    name: 'a file in a folder of the version',
    files: withFile('more/lb.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: 'more/lb.csv' },
  },
  {
    name: 'a file name with a space, a plus, a percent sign and an umlaut',
    files: withFile('d m+1%ä.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: 'd m+1%ä.csv' },
  },
  {
    name: 'a file name that looks encoded',
    files: withFile('dm%2F+%20.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: 'dm%2F+%20.csv' },
  },
  {
    name: 'a file in an oddly named folder of the version',
    files: withFile('Größe in cm/100% a+b/lb.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: 'Größe in cm/100% a+b/lb.csv' },
  },
]

/** What is not whole, and what it waits for. */
export const waitingCases: { study: string; files: Files; waitingFor: string[] }[] = [
  { study: 'waits-contents', files: { 'dm.csv': good['dm.csv']! }, waitingFor: ['contents.csv'] },
  {
    study: 'waits-dataset',
    files: Object.fromEntries(Object.entries(good).filter(([file]) => file !== 'sv.csv')),
    waitingFor: ['sv.csv'],
  },
]

const wideColumns = Array.from({ length: 10_000 }, (_, index) => `C${index}`)
/** What looks odd and is accepted, by study. */
export const lawfulCases: Record<string, Files> = {
  'no-rows': dm(header),
  wide: {
    'contents.csv': `${['dataset,field,type', ...[...wideColumns, 'USUBJID'].map(name => `wide,${name},string`)].join('\n')}\n`,
    'wide.csv': `${[...wideColumns, 'USUBJID']}\n${[...wideColumns, 'P1']}\n${[...wideColumns, 'P2']}\n`,
  },
  lenient: dm(header, 'P1,S1,61', 'P2,S1,sixty'),
}
