import type { DateOrder } from './date-formats.ts'

/**
 * Exact readers of dates and times in the proleptic Gregorian calendar, years 0001 to 9999. Each takes a trimmed, non-empty cell and returns
 * the value, or the reason why it does not fit as a string: what was expected, never the cell itself.
 */

const isoDate = /^(\d{4})-(\d{2})-(\d{2})$/
const sasDate = /^(\d{1,2})-?([a-z]{3})-?(\d{4})$/i
const partsYearFirst = /^(\d{4})([-/. :]?)(\d{2})\2(\d{2})$/
const partsYearLast = /^(\d{1,2})([-/. :])(\d{1,2})\2(\d{4})$|^(\d{2})(\d{2})(\d{4})$/
const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/
const timestamp = /^(\d{4}-\d{2}-\d{2})[T ]([^T ]+)$|^(\d{1,2}-?[a-z]{3}-?\d{4})[: ](.+)$/i
const zone = /(Z|[+-]\d{2}(:?\d{2})?)$/i

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const noSuchDay = 'expected a date of the calendar, in the years 0001 to 9999'
const expectedDates: Record<DateOrder, string> = {
  ymd: 'expected a date such as 2014-01-02 or 02JAN2014, with a year of four digits',
  mdy: 'expected a date such as 01/02/2014 (month, day, year of four digits), 2014-01-02 or 02JAN2014',
  dmy: 'expected a date such as 02/01/2014 (day, month, year of four digits), 2014-01-02 or 02JAN2014',
}
const expectedTimestamp = 'expected a date and time such as 2014-01-02T11:45:00 or 02JAN2014:11:45:00'
const expectedTime = 'expected a time of day such as 11:45 or 11:45:00.5'

/**
 * Days since 1970-01-01. ISO (`2014-01-02`) and SAS (`02JAN2014`) dates are always read; other notations only in the declared order:
 * `ymd` with any separator or none, `mdy` and `dmy` with a separator, or as eight digits.
 */
export function parseDate(text: string, order?: DateOrder): number | string {
  const iso = isoDate.exec(text)
  if (iso) return toDays(Number(iso[1]), Number(iso[2]), Number(iso[3])) ?? noSuchDay
  const sas = sasDate.exec(text)
  if (sas) return toDays(Number(sas[3]), months.indexOf(sas[2]!.toUpperCase()) + 1, Number(sas[1])) ?? noSuchDay
  if (order === 'ymd') {
    const parts = partsYearFirst.exec(text)
    if (parts) return toDays(Number(parts[1]), Number(parts[3]), Number(parts[4])) ?? noSuchDay
  } else if (order !== undefined) {
    const parts = partsYearLast.exec(text)
    if (parts) {
      const [first, second] = [Number(parts[1] ?? parts[5]), Number(parts[3] ?? parts[6])]
      const [month, day] = order === 'mdy' ? [first, second] : [second, first]
      return toDays(Number(parts[4] ?? parts[7]), month, day) ?? noSuchDay
    }
  }
  return expectedDates[order ?? 'ymd']
}

/**
 * Microseconds of the day. Seconds and up to six digits of a fraction are optional; the hour may be one digit. The day has 24 hours:
 * 24:00 and leap seconds do not fit.
 */
export function parseTime(text: string): bigint | string {
  const parts = clock.exec(text)
  if (!parts) return zone.test(text) && /^\d{1,2}:/.test(text) ? 'expected a time without a time zone' : expectedTime
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)]
  if (hour > 23 || minute > 59 || second > 59) return 'expected a time of the day, from 00:00 to 23:59:59.999999'
  const micros = Number((parts[4] ?? '').padEnd(6, '0'))
  return BigInt(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/**
 * Microseconds since 1970-01-01T00:00, without zone: ISO with `T` or a space, or SAS (`02JAN2014:11:45:00`). A zone, `Z` included, does not
 * fit: dropping it would change what was said.
 */
export function parseTimestamp(text: string): bigint | string {
  const parts = timestamp.exec(text)
  if (!parts) return expectedTimestamp
  const clockText = parts[2] ?? parts[4]!
  if (zone.test(clockText)) return 'expected a date and time without a time zone'
  const days = parseDate(parts[1] ?? parts[3]!)
  if (typeof days === 'string') return days
  const micros = parseTime(clockText)
  if (typeof micros === 'string') return micros === expectedTime ? expectedTimestamp : micros
  return BigInt(days) * 86_400_000_000n + micros
}

/** Days since 1970-01-01; undefined where the calendar has no such day. */
function toDays(year: number, month: number, day: number): number | undefined {
  if (year < 1 || month < 1 || month > 12 || day < 1) return undefined
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > monthLengths[month - 1]! + (month === 2 && leap ? 1 : 0)) return undefined
  // Years counted from March put the leap day last, so that days before a month need no table of leap years.
  const marchYear = month > 2 ? year : year - 1
  const marchMonth = (month + 9) % 12
  const leaps = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return marchYear * 365 + leaps + Math.floor((marchMonth * 153 + 2) / 5) + day - 1 - 719_468
}
