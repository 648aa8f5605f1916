/** What the readers of this file return for bytes that they do not take: they may still be a date or time in another notation. */
export const noDate = -2147483648
export const noTime = -1

const monthLengths = Uint8Array.of(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
const dash = 0x2d
const colon = 0x3a
const digitZero = 0x30
/** Months by the letters of their names, folded to upper case. */
const monthOfName = new Map(
  ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'].map((name, at) => [
    (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
    at + 1,
  ]),
)

/** Days since 1970-01-01 of the ten bytes `2014-01-02`, or noDate. */
export function readIsoDate(bytes: Uint8Array, at: number): number {
  const y0 = bytes[at] - digitZero
  const y1 = bytes[at + 1] - digitZero
  const y2 = bytes[at + 2] - digitZero
  const y3 = bytes[at + 3] - digitZero
  const m0 = bytes[at + 5] - digitZero
  const m1 = bytes[at + 6] - digitZero
  const d0 = bytes[at + 8] - digitZero
  const d1 = bytes[at + 9] - digitZero
  // A number of one digit is the only one that makes neither itself nor nine less it negative.
  const signs =
    y0 |
    (9 - y0) |
    y1 |
    (9 - y1) |
    y2 |
    (9 - y2) |
    y3 |
    (9 - y3) |
    m0 |
    (9 - m0) |
    m1 |
    (9 - m1) |
    d0 |
    (9 - d0) |
    d1 |
    (9 - d1)
  if (signs < 0 || bytes[at + 4] !== dash || bytes[at + 7] !== dash) return noDate
  return countDays(y0 * 1000 + y1 * 100 + y2 * 10 + y3, m0 * 10 + m1, d0 * 10 + d1)
}

/** Days since 1970-01-01 of the nine bytes `02JAN2014`, in any case, or noDate. */
export function readSasDate(bytes: Uint8Array, at: number): number {
  const d0 = bytes[at] - digitZero
  const d1 = bytes[at + 1] - digitZero
  const y0 = bytes[at + 5] - digitZero
  const y1 = bytes[at + 6] - digitZero
  const y2 = bytes[at + 7] - digitZero
  const y3 = bytes[at + 8] - digitZero
  const signs = y0 | (9 - y0) | y1 | (9 - y1) | y2 | (9 - y2) | y3 | (9 - y3) | d0 | (9 - d0) | d1 | (9 - d1)
  if (signs < 0) return noDate
  const letters = ((bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4]) & 0xdfdfdf
  // Folding takes some bytes that are no letters to letters.
  if ((bytes[at + 2] & bytes[at + 3] & bytes[at + 4] & 0x40) === 0) return noDate
  return countDays(y0 * 1000 + y1 * 100 + y2 * 10 + y3, monthOfName.get(letters) ?? 0, d0 * 10 + d1)
}

/** Seconds of the day of the eight bytes `11:45:00`, or noTime. */
export function readSeconds(bytes: Uint8Array, at: number): number {
  const minutes = readMinutes(bytes, at)
  const s0 = bytes[at + 6] - digitZero
  const s1 = bytes[at + 7] - digitZero
  if (minutes < 0 || bytes[at + 5] !== colon || (s0 | (5 - s0) | s1 | (9 - s1)) < 0) return noTime
  return minutes * 60 + s0 * 10 + s1
}

/** Minutes of the day of the five bytes `11:45`, or noTime. */
export function readMinutes(bytes: Uint8Array, at: number): number {
  const h0 = bytes[at] - digitZero
  const h1 = bytes[at + 1] - digitZero
  const m0 = bytes[at + 3] - digitZero
  const m1 = bytes[at + 4] - digitZero
  const signs = h0 | (9 - h0) | h1 | (9 - h1) | m0 | (5 - m0) | m1 | (9 - m1)
  const hours = h0 * 10 + h1
  return signs < 0 || bytes[at + 2] !== colon || hours > 23 ? noTime : hours * 60 + m0 * 10 + m1
}

/** Of the proleptic Gregorian calendar, years 0001 to 9999; noDate where it has no such day. */
function countDays(year: number, month: number, day: number): number {
  if (year < 1 || month < 1 || month > 12 || day < 1) return noDate
  const leap = (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > monthLengths[month] + (month === 2 && leap ? 1 : 0)) return noDate
  // Years counted from March put the leap day last, so that days before a month need no table of leap years.
  const marchYear = month > 2 ? year : year - 1
  const leaps = ((marchYear / 4) | 0) - ((marchYear / 100) | 0) + ((marchYear / 400) | 0)
  return marchYear * 365 + leaps + (((((month + 9) % 12) * 153 + 2) / 5) | 0) + day - 719_469
}
