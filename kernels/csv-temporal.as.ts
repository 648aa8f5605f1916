// Cells of dates and times into typed slots, in the notations of ISO 8601 and SAS, as lib/csv/parse-temporal.ts reads them. The functions are called as those of
// csv-numbers.as.ts.

import { cellEnd, cellStart, FLAGS, markNull, NULLABLE, SLOTS } from './shared/cells.as'

const NO_DATE: i32 = i32.MIN_VALUE
const NO_TIME: i32 = -1

// As numbers, the first byte lowest.
const YEAR_MONTH: u64 = 0x2d30302d30303030 // 0000-00-
const YEAR_MONTH_MARKS: u64 = 0xff0000ff00000000
const ZEROS: u64 = 0x3030303030303030
const CLOCK: u64 = 0x30303a30303a3030 // 00:00:00
const CLOCK_MARKS: u64 = 0x0000ff0000ff0000
const HIGH_BITS: u64 = 0x8080808080808080
const ABOVE_NINE: u64 = 0x7676767676767676

// Whether each byte is 9 or less.
function areDigits(bytes: u64): bool {
  return (((bytes + ABOVE_NINE) | bytes) & HIGH_BITS) == 0
}

// Each pair of digits as a number in its lower byte.
function readPairs(digits: u64): u64 {
  return (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ff
}

// Days since 1970-01-01 in the proleptic Gregorian calendar, years 0001 to 9999, or NO_DATE.
function countDays(year: u32, month: u32, day: u32): i32 {
  // Less than 1 wraps around.
  if (year - 1 >= 9999 || month - 1 >= 12 || day - 1 >= 31) return NO_DATE
  if (day > 28) {
    const leap = (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0)
    if (day > (month == 2 ? 28 + u32(leap) : 30 + ((month + (month >> 3)) & 1))) return NO_DATE
  }
  // Years counted from March put the leap day last, so that days before a month need no table of leap years.
  const marchYear = year - u32(month < 3)
  const marchMonth = month < 3 ? month + 9 : month - 3
  return <i32>(marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + (marchMonth * 153 + 2) / 5 + day) - 719469
}

// Of the ten bytes 2014-01-02.
function readIsoDate(at: usize): i32 {
  const start = load<u64>(at) ^ YEAR_MONTH
  const days = <u64>load<u16>(at, 8) ^ 0x3030
  if ((start & YEAR_MONTH_MARKS) != 0 || !areDigits(start) || !areDigits(days)) return NO_DATE
  const pairs = readPairs(start)
  const year = <u32>(pairs & 0xff) * 100 + <u32>((pairs >> 16) & 0xff)
  // The month's digits are the sixth and seventh byte.
  const month = <u32>((start >> 40) & 0xff) * 10 + <u32>((start >> 48) & 0xff)
  return countDays(year, month, <u32>(days & 0xff) * 10 + <u32>(days >> 8))
}

// 1 to 12 by three letters in any case, 0 where they are none.
function readMonth(at: usize): u32 {
  const letters = (<u32>load<u8>(at) << 16) | (<u32>load<u8>(at, 1) << 8) | <u32>load<u8>(at, 2)
  if ((letters & 0x404040) != 0x404040) return 0
  switch (letters & 0xdfdfdf) {
    case 0x4a414e:
      return 1
    case 0x464542:
      return 2
    case 0x4d4152:
      return 3
    case 0x415052:
      return 4
    case 0x4d4159:
      return 5
    case 0x4a554e:
      return 6
    case 0x4a554c:
      return 7
    case 0x415547:
      return 8
    case 0x534550:
      return 9
    case 0x4f4354:
      return 10
    case 0x4e4f56:
      return 11
    case 0x444543:
      return 12
    default:
      return 0
  }
}

// Of the nine bytes 02JAN2014.
function readSasDate(at: usize): i32 {
  const day = <u64>load<u16>(at) ^ 0x3030
  const year = <u64>(load<u32>(at, 5) ^ 0x30303030)
  if (!areDigits(day) || !areDigits(year)) return NO_DATE
  const pairs = readPairs(year)
  return countDays(
    <u32>(pairs & 0xff) * 100 + <u32>((pairs >> 16) & 0xff),
    readMonth(at + 2),
    <u32>(day & 0xff) * 10 + <u32>(day >> 8),
  )
}

// Seconds of the day of the first `length` (5 or 8) of the bytes 11:45:00, or NO_TIME.
function readClock(at: usize, length: usize): i32 {
  let clock = load<u64>(at) ^ CLOCK
  if (length == 5) clock &= 0xffffffffff
  if ((clock & CLOCK_MARKS) != 0 || !areDigits(clock)) return NO_TIME
  const hours = <i32>(clock & 0xff) * 10 + <i32>((clock >> 8) & 0xff)
  const minutes = <i32>((clock >> 24) & 0xff) * 10 + <i32>((clock >> 32) & 0xff)
  const seconds = <i32>((clock >> 48) & 0xff) * 10 + <i32>(clock >> 56)
  return hours > 23 || minutes > 59 || seconds > 59 ? NO_TIME : (hours * 60 + minutes) * 60 + seconds
}

export function takeDates(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const slots = load<usize>(column, SLOTS) + (<usize>row << 2)
  const flags = load<u32>(column, FLAGS)
  let next = unusual
  for (let done: i32 = 0; done < rows; done++, ends += stride) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let days: i32 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      days = end - first == 10 ? readIsoDate(first) : end - first == 9 ? readSasDate(first) : NO_DATE
      if (days == NO_DATE) {
        store<u32>(next, done)
        next += 4
        days = 0
      }
    }
    store<i32>(slots + (<usize>done << 2), days)
  }
  return <i32>((next - unusual) >> 2)
}

// Microseconds since 1970-01-01T00:00 of 2014-01-02T11:45:00 (or with a space) and 02JAN2014:11:45:00 (or with a space).
export function takeTimestamps(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const slots = load<usize>(column, SLOTS) + (<usize>row << 3)
  const flags = load<u32>(column, FLAGS)
  let next = unusual
  for (let done: i32 = 0; done < rows; done++, ends += stride) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let micros: i64 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      const length = end - first
      const iso = length == 19 || length == 16
      const dateLength: usize = iso ? 10 : 9
      const between = load<u8>(first + dateLength)
      let days = NO_DATE
      let seconds = NO_TIME
      if (iso ? between == 0x54 || between == 0x20 : (length == 18 || length == 15) && (between == 0x3a || between == 0x20)) {
        days = iso ? readIsoDate(first) : readSasDate(first)
        seconds = readClock(first + dateLength + 1, length - dateLength - 1)
      }
      if (days == NO_DATE || seconds == NO_TIME) {
        store<u32>(next, done)
        next += 4
      } else micros = (<i64>days * 86400 + <i64>seconds) * 1000000
    }
    store<i64>(slots + (<usize>done << 3), micros)
  }
  return <i32>((next - unusual) >> 2)
}

// Microseconds of the day of 11:45:00 and 11:45.
export function takeTimes(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const slots = load<usize>(column, SLOTS) + (<usize>row << 3)
  const flags = load<u32>(column, FLAGS)
  let next = unusual
  for (let done: i32 = 0; done < rows; done++, ends += stride) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let micros: i64 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      const seconds = end - first == 8 || end - first == 5 ? readClock(first, end - first) : NO_TIME
      if (seconds == NO_TIME) {
        store<u32>(next, done)
        next += 4
      } else micros = <i64>seconds * 1000000
    }
    store<i64>(slots + (<usize>done << 3), micros)
  }
  return <i32>((next - unusual) >> 2)
}
