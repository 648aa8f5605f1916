import { describe, expect, test } from 'vitest'
import {
  findDateOrder,
  isTimeFormat,
  isTimestampFormat,
  isWholeNumberFormat,
  parseFormat,
} from '../../../lib/csv/date-formats.ts'

describe('a format', () => {
  test.each([
    ['DATE9.', { name: 'DATE', width: 9 }],
    ['date9.', { name: 'DATE', width: 9 }],
    ['DATE.', { name: 'DATE' }],
    ['DATE', { name: 'DATE' }],
    ['E8601DA.', { name: 'E8601DA' }],
    ['E8601DT26.6', { name: 'E8601DT', width: 26, decimals: 6 }],
    ['8.', { name: '', width: 8 }],
    ['8', { name: '', width: 8 }],
    [' F8.2 ', { name: 'F', width: 8, decimals: 2 }],
    ['$20.', { name: '$', width: 20 }],
    ['$CHAR8.', { name: '$CHAR', width: 8 }],
    ['BEST12.', { name: 'BEST', width: 12 }],
    ['AGE_F.', { name: 'AGE_F' }],
  ])('%j has the parts %j', (text, expected) => {
    expect(parseFormat(text)).toEqual(expected)
  })

  test.each(['', '.', '-8.', 'DATE 9.', '8.2.1', 'YYYY-MM-DD'])('%j is none', text => {
    expect(parseFormat(text)).toBeUndefined()
  })
})

test.each([
  ['DATE9.', 'ymd'],
  ['DATE.', 'ymd'],
  ['YYMMDD10.', 'ymd'],
  ['YYMMDDN8.', 'ymd'],
  ['E8601DA.', 'ymd'],
  ['MMDDYY10.', 'mdy'],
  ['DDMMYY10.', 'dmy'],
  ['DDMMYYP10.', 'dmy'],
  ['DATETIME20.', 'timestamp'],
  ['DATETIME.', 'timestamp'],
  ['E8601DT.', 'timestamp'],
  ['TIME5.', 'time'],
  ['TIME8.', 'time'],
  ['TIME.', 'time'],
  ['E8601TM.', 'time'],
  ['8.', 'whole'],
  ['F8.', 'whole'],
  ['8.0', 'whole'],
  ['8.2', 'none'],
  ['F.', 'none'],
  ['BEST12.', 'none'],
  ['Z5.', 'none'],
  ['MONYY7.', 'none'],
])('%s is of the kind %s', (text, expected) => {
  const format = parseFormat(text)!
  const kinds = [
    findDateOrder(format),
    isTimestampFormat(format) ? 'timestamp' : undefined,
    isTimeFormat(format) ? 'time' : undefined,
    isWholeNumberFormat(format) ? 'whole' : undefined,
  ].filter(kind => kind !== undefined)
  expect(kinds).toEqual(expected === 'none' ? [] : [expected])
})
