import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDate, parseTime, parseTimestamp } from '../../../lib/csv/parse-temporal.ts'

const vectors: {
  /** ISO, SAS (null where there is no such month), MM/DD/YYYY, DD/MM/YYYY, days or null where there is no such day. */
  dates: [string, string | null, string, string, number | null][]
  /** Timestamp, microseconds, its time of day, microseconds. */
  timestamps: [string, string, string, string][]
} = JSON.parse(readFileSync(new URL('vectors/values.recorded.json', import.meta.url), 'utf8'))

const reason = expect.stringContaining('expected')

describe('dates', () => {
  test('are the days that Python counts', () => {
    for (const [iso, sas, mdy, dmy, days] of vectors.dates) {
      const expected = days ?? reason
      expect(parseDate(iso), iso).toEqual(expected)
      expect(parseDate(iso, 'mdy'), iso).toEqual(expected)
      if (sas !== null) {
        expect(parseDate(sas), sas).toEqual(expected)
        expect(parseDate(sas.toLowerCase(), 'dmy'), sas).toEqual(expected)
      }
      expect(parseDate(mdy, 'mdy'), mdy).toEqual(expected)
      expect(parseDate(dmy, 'dmy'), dmy).toEqual(expected)
      expect(parseDate(mdy.replaceAll('/', ''), 'mdy'), mdy).toEqual(expected)
      expect(parseDate(iso.replaceAll('-', ''), 'ymd'), iso).toEqual(expected)
      expect(parseDate(iso.replaceAll('-', '/'), 'ymd'), iso).toEqual(expected)
    }
  })

  test('every day of the calendar is one more than the day before', () => {
    const text = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10)
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), days => {
        expect(parseDate(text(days))).toBe(days)
      }),
      { numRuns: 2000 },
    )
  })

  test('an order is never guessed', () => {
    for (const text of ['01/02/2014', '01-02-2014', '01022014', '20140102', '2014/01/02']) {
      expect(parseDate(text)).toEqual(reason)
    }
    expect(parseDate('2014/01/02', 'mdy')).toEqual(reason)
    expect(parseDate('1/2/2014', 'mdy')).toBe(16072)
    expect(parseDate('2.1.2014', 'dmy')).toBe(16072)
  })

  test.each([
    '2014-1-2',
    '14-01-02',
    '02JAN14',
    '2JANUARY2014',
    '02XXX2014',
    '2014-01',
    '2014',
    '2014-01-02T00:00',
    '+2014-01-02',
    '02/01-2014',
  ])('%j does not fit', text => {
    for (const order of [undefined, 'ymd', 'mdy', 'dmy'] as const) expect(parseDate(text, order)).toEqual(reason)
  })

  test('a dash in a SAS date is read over', () => {
    expect(parseDate('02-Jan-2014')).toBe(16072)
    expect(parseDate('2JAN2014')).toBe(16072)
  })
})

describe('timestamps and times', () => {
  test('are the microseconds that Python counts', () => {
    for (const [text, micros, clock, ofDay] of vectors.timestamps) {
      expect(parseTimestamp(text), text).toBe(BigInt(micros))
      expect(parseTime(clock), clock).toBe(BigInt(ofDay))
    }
  })

  test('seconds and fraction are optional, the hour may be one digit', () => {
    expect(parseTime('9:05')).toBe(32_700_000_000n)
    expect(parseTime('09:05:01.5')).toBe(32_701_500_000n)
    expect(parseTimestamp('2014-01-02T11:45')).toBe(parseTimestamp('02jan2014 11:45:00.000000'))
  })

  test.each(['2014-01-02T11:45:00Z', '2014-01-02T11:45+01:00', '2014-01-02 11:45:00-0500', '02JAN2014:11:45:00z'])(
    '%j is refused for its zone',
    text => {
      expect(parseTimestamp(text)).toBe('expected a date and time without a time zone')
    },
  )

  test.each([
    '2014-01-02',
    '2014-01-02T',
    '2014-01-02T24:00',
    '2014-01-02T11',
    '2014-02-30T11:45',
    '02XXX2014:11:45',
    '11:45',
    '2014-01-02TT11:45',
    '2014-01-02T11:45:00.1234567',
    '2014-01-02T11:60',
  ])('%j is no timestamp', text => {
    expect(parseTimestamp(text)).toEqual(reason)
  })

  test.each(['24:00', '11:60', '11:45:60', '11', '11:4', '1145', '11:45:00.', '-1:00', '11:45 PM', '11:45Z', '011:45'])(
    '%j is no time',
    text => {
      expect(parseTime(text)).toEqual(reason)
    },
  )
})
