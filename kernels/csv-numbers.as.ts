// Number cells into typed slots. Each function takes `rows` cells of a column into its slots from `row` on; the first ends at the place in
// `ends`, the others `stride` bytes on each, and each starts behind the end before its own. Cells that are not as usual are listed, as u32 counted from 0, at
// `unusual`; the count of them is returned. The layout of a column's record is that of lib/csv/column-record.ts.

import { cellEnd, cellStart, FLAGS, markNull, NULLABLE, SLOTS } from './shared/cells.as'

const MINUS: i32 = 0x2d
const POINT: i32 = 0x2e

const SCALE: usize = 16
const WIDTH: usize = 20
const LIMIT: usize = 24
// Of 10^0, 10^1 and so on as doubles and as 64-bit integers.
const POWERS: usize = 32
const LONG_POWERS: usize = 36

// What readDigits returns where there is something else than digits.
const NONE: i64 = -1

// Where lib/csv/kernel-memory.ts puts vectors: what is loaded stays in a register, where a constant is made anew in each turn of a loop.
const ASCENDING: usize = 512
const DESCENDING: usize = 528
const ZEROS: usize = 544
const NINES: usize = 560
const POINTS: usize = 576
const LOW_BYTES: usize = 592
const TENS: usize = 608
const HUNDREDS: usize = 624
const TEN_THOUSANDS: usize = 640

// The last `length` (at most 16) bytes before a place as digits, with zeros before them.
function lastDigits(end: usize, length: usize, zeros: v128, descending: v128): v128 {
  return v128.and(v128.xor(v128.load(end - 16), zeros), i8x16.gt_s(i8x16.splat(<i8>length), descending))
}

// Sixteen digits as a number, or NONE.
function readDigits(digits: v128, nines: v128, lowBytes: v128, tens: v128, hundreds: v128, tenThousands: v128): i64 {
  if (v128.any_true(i8x16.gt_u(digits, nines))) return NONE
  const pairs = i16x8.add(i16x8.mul(v128.and(digits, lowBytes), tens), i16x8.shr_u(digits, 8))
  const fours = i32x4.dot_i16x8_s(pairs, hundreds)
  const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(fours, fours), tenThousands)
  return <i64>i32x4.extract_lane(eights, 0) * 100000000 + <i64>i32x4.extract_lane(eights, 1)
}

export function takeIntegers(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const wide = load<usize>(column, WIDTH) == 8
  const slots = load<usize>(column, SLOTS) + (<usize>row << (wide ? 3 : 2))
  const flags = load<u32>(column, FLAGS)
  const zeros = v128.load(ZEROS)
  const descending = v128.load(DESCENDING)
  const nines = v128.load(NINES)
  const lowBytes = v128.load(LOW_BYTES)
  const tens = v128.load(TENS)
  const hundreds = v128.load(HUNDREDS)
  const tenThousands = v128.load(TEN_THOUSANDS)
  // A number of ten digits may be beyond 32 bits.
  const most: usize = wide ? 16 : 9
  let next = unusual
  for (let done: i32 = 0; done < rows; done++, ends += stride) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let value: i64 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      const negative = load<u8>(first) == MINUS
      const length = end - first - <usize>negative
      value = readDigits(lastDigits(end, length, zeros, descending), nines, lowBytes, tens, hundreds, tenThousands)
      // A length of 0 wraps around.
      if (value == NONE || length - 1 >= most) {
        store<u32>(next, done)
        next += 4
        value = 0
      }
      if (negative) value = -value
    }
    if (wide) store<i64>(slots + (<usize>done << 3), value)
    else store<i32>(slots + (<usize>done << 2), <i32>value)
  }
  return <i32>((next - unusual) >> 2)
}

export function takeDoubles(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const slots = load<usize>(column, SLOTS) + (<usize>row << 3)
  const flags = load<u32>(column, FLAGS)
  const powers = load<usize>(column, POWERS)
  const zeros = v128.load(ZEROS)
  const descending = v128.load(DESCENDING)
  const nines = v128.load(NINES)
  const lowBytes = v128.load(LOW_BYTES)
  const tens = v128.load(TENS)
  const hundreds = v128.load(HUNDREDS)
  const tenThousands = v128.load(TEN_THOUSANDS)
  const points = v128.load(POINTS)
  const ascending = v128.load(ASCENDING)
  let next = unusual
  for (let done: i32 = 0; done < rows; done++, ends += stride) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let value: f64 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      const negative = load<u8>(first) == MINUS
      const length = end - first - <usize>negative
      let digits = lastDigits(end, length, zeros, descending)
      const found = i8x16.bitmask(i8x16.eq(digits, points))
      // The point is taken out by moving what stands before it.
      const point = found == 0 ? -1 : ctz(found)
      digits = i8x16.swizzle(digits, i8x16.add(ascending, i8x16.le_s(ascending, i8x16.splat(<i8>point))))
      const whole = readDigits(digits, nines, lowBytes, tens, hundreds, tenThousands)
      // Exact operands and one rounding give the nearest double (Clinger, How to Read Floating Point Numbers Accurately, 1990).
      if (length - 1 - <usize>(found != 0) < 16 && length <= 16 && <u64>whole <= 9007199254740992) {
        value = <f64>whole / load<f64>(powers + ((found == 0 ? 0 : <usize>(15 - point)) << 3))
      } else {
        store<u32>(next, done)
        next += 4
      }
      if (negative) value = -value
    }
    store<f64>(slots + (<usize>done << 3), value)
  }
  return <i32>((next - unusual) >> 2)
}

// Decimals as whole numbers of units of the SCALE, below LIMIT, in slots of WIDTH bytes: 4, 8 or 16.
export function takeDecimals(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const width = load<usize>(column, WIDTH)
  const slots = load<usize>(column, SLOTS) + <usize>row * width
  const flags = load<u32>(column, FLAGS)
  const powers = load<usize>(column, LONG_POWERS)
  const scale = load<i32>(column, SCALE)
  const limit = load<i64>(column, LIMIT)
  const zeros = v128.load(ZEROS)
  const descending = v128.load(DESCENDING)
  const nines = v128.load(NINES)
  const lowBytes = v128.load(LOW_BYTES)
  const tens = v128.load(TENS)
  const hundreds = v128.load(HUNDREDS)
  const tenThousands = v128.load(TEN_THOUSANDS)
  const points = v128.load(POINTS)
  const ascending = v128.load(ASCENDING)
  let next = unusual
  let slot: usize = slots
  for (let done: i32 = 0; done < rows; done++, ends += stride, slot += width) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let value: i64 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      const negative = load<u8>(first) == MINUS
      const length = end - first - <usize>negative
      let digits = lastDigits(end, length, zeros, descending)
      const found = i8x16.bitmask(i8x16.eq(digits, points))
      const point = found == 0 ? -1 : ctz(found)
      digits = i8x16.swizzle(digits, i8x16.add(ascending, i8x16.le_s(ascending, i8x16.splat(<i8>point))))
      value = readDigits(digits, nines, lowBytes, tens, hundreds, tenThousands)
      const fraction = found == 0 ? 0 : 15 - point
      const count = <i32>length - i32(found != 0)
      // Of at most 18 digits, so that 64 bits hold it.
      const fits = count > 0 && length <= 16 && fraction <= scale && count + scale - fraction <= 18
      if (fits && value != NONE) value *= load<i64>(powers + (<usize>(scale - fraction) << 3))
      if (!fits || value == NONE || value >= limit) {
        store<u32>(next, done)
        next += 4
        value = 0
      }
      if (negative) value = -value
    }
    if (width == 4) store<i32>(slot, <i32>value)
    else {
      store<i64>(slot, value)
      if (width == 16) store<i64>(slot, value >> 63, 8)
    }
  }
  return <i32>((next - unusual) >> 2)
}

// One of the words for true and false that parseBoolean knows, in any case: 1 or 0; -1 where it is none.
function readTruth(start: usize, length: usize): i32 {
  const letter = load<u8>(start) | 0x20
  if (length == 1) {
    if (letter == 0x79 || letter == 0x74 || load<u8>(start) == 0x31) return 1
    if (letter == 0x6e || letter == 0x66 || load<u8>(start) == 0x30) return 0
    return -1
  }
  const word = load<u32>(start)
  const letters = word & 0x40404040
  const lower = word | 0x20202020
  if (length == 4) return lower == 0x65757274 && letters == 0x40404040 ? 1 : -1
  if (length == 5) return lower == 0x736c6166 && letters == 0x40404040 && (load<u8>(start, 4) & ~0x20) == 0x45 ? 0 : -1
  return -1
}

export function takeBooleans(column: usize, ends: usize, stride: usize, rows: i32, row: i32, unusual: usize): i32 {
  const slots = load<usize>(column, SLOTS) + <usize>row
  const flags = load<u32>(column, FLAGS)
  let next = unusual
  for (let done: i32 = 0; done < rows; done++, ends += stride) {
    const first = cellStart(ends, flags)
    const end = cellEnd(ends, flags, first)
    let value: i32 = 0
    if (end == first && (flags & NULLABLE) != 0) markNull(column, row + done)
    else {
      value = readTruth(first, end - first)
      if (value < 0) {
        store<u32>(next, done)
        next += 4
        value = 0
      }
    }
    store<u8>(slots + <usize>done, <u8>value)
  }
  return <i32>((next - unusual) >> 2)
}
