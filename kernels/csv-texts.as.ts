// Text cells into a dictionary: distinct texts by their bytes, in the order of their first coming. The layout of a column's record is that of
// lib/csv/column-record.ts.

import { ANY_NULL, CARRIAGE_RETURN, FLAGS, LEADING_FEED, LINE_FEED, NULLABLE, NULLS, SLOTS, TRAILING_RETURN } from './shared/cells.as'

const QUOTE: i32 = 0x22

const BYTES: usize = 16
const BYTES_ROOM: usize = 20
const BYTES_USED: usize = 24
const OFFSETS: usize = 28
const KEYS: usize = 32
const ENTRIES_ROOM: usize = 36
const ENTRIES: usize = 40
const TABLE: usize = 44
const SHIFT: usize = 48
const WANTED: usize = 52
const TEXT_BYTES: usize = 56

// Odd, with about as many ones as zeros: fractions of the golden ratio and of the roots of 2 and 3.
const FIRST: u64 = 0x9e3779b97f4a7c15
const SECOND: u64 = 0x6a09e667f3bcc909
const THIRD: u64 = 0xbb67ae8584caa73b

// The first `length` (at most 16) bytes at a place, then zeros.
function firstBytes(at: usize, length: usize): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return v128.and(v128.load(at), i8x16.gt_s(i8x16.splat(<i8>length), places))
}

// 128 bits of all bytes of a text of more than 16.
function digest(at: usize, length: usize): v128 {
  let a: u64 = FIRST ^ <u64>length
  let b: u64 = SECOND
  const last = at + length - 16
  for (; at < last; at += 16) {
    a = rotl((a ^ load<u64>(at)) * THIRD, 29)
    b = rotl((b ^ load<u64>(at, 8)) * FIRST, 31)
  }
  a = (a ^ load<u64>(last)) * THIRD
  b = (b ^ load<u64>(last, 8)) * FIRST
  return i64x2.replace_lane(i64x2.splat(<i64>(a ^ (a >> 32))), 1, <i64>(b ^ (b >> 29)))
}

function sameBytes(a: usize, b: usize, length: usize): bool {
  const last = length - 16
  for (let at: usize = 0; at < last; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return false
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)))
}

function holdsQuote(at: usize, end: usize): bool {
  const quotes = i8x16.splat(<i8>QUOTE)
  for (; at + 16 <= end; at += 16) if (i8x16.bitmask(i8x16.eq(v128.load(at), quotes)) != 0) return true
  return (i8x16.bitmask(i8x16.eq(v128.load(at), quotes)) & ((1 << <i32>(end - at)) - 1)) != 0
}

// Copies [at, end) with one quote for each two; returns the end of the copy. Up to 32 bytes behind it are overwritten.
function undouble(at: usize, end: usize, to: usize): usize {
  const quotes = i8x16.splat(<i8>QUOTE)
  while (at < end) {
    const bytes = v128.load(at)
    v128.store(to, bytes)
    const found = i8x16.bitmask(i8x16.eq(bytes, quotes))
    const step: usize = found == 0 ? 16 : <usize>ctz(found) + 1
    if (at + step > end) return to + (end - at)
    to += step
    at += found == 0 ? step : step + 1
  }
  return to
}

// Takes `rows` cells of a column into its slots from `row` on; the first ends at the place in `ends`, the others `stride` bytes on each, and each
// starts behind the end before its own. Returns how many were taken: fewer where a cell is unusual, or where the dictionary
// needs room for an entry of as many bytes as are then WANTED. TEXT_BYTES is the sum of the lengths of those that were taken.
export function takeTexts(column: usize, ends: usize, stride: usize, rows: i32, row: i32, longest: usize): i32 {
  const slots = load<usize>(column, SLOTS) + (<usize>row << 2)
  const nulls = load<usize>(column, NULLS)
  const flags = load<u32>(column, FLAGS)
  const edges = flags & (LEADING_FEED | TRAILING_RETURN)
  const bytes = load<usize>(column, BYTES)
  const bytesRoom: usize = load<usize>(column, BYTES_ROOM)
  const offsets = load<usize>(column, OFFSETS)
  const keys = load<usize>(column, KEYS)
  const table = load<usize>(column, TABLE)
  const shift = load<u32>(column, SHIFT)
  const last: u32 = (<u32>0xffffffff >>> shift)
  const entriesRoom = load<u32>(column, ENTRIES_ROOM)
  let entries = load<u32>(column, ENTRIES)
  let used: usize = load<usize>(column, BYTES_USED)
  let textBytes: u32 = 0
  let wanted: u32 = 0
  let done: i32 = 0
  for (; done < rows; done++, ends += stride) {
    let start: usize = load<u32>(ends - 4) + 1
    let end: usize = load<u32>(ends)
    if (edges != 0) {
      if ((edges & LEADING_FEED) != 0 && load<u8>(start) == LINE_FEED) start++
      if ((edges & TRAILING_RETURN) != 0 && end > start && load<u8>(end - 1) == CARRIAGE_RETURN) end--
    }
    if (load<u8>(start) == QUOTE && end > start) {
      start++
      end--
      if (holdsQuote(start, end)) {
        const to = bytes + used
        if (used + (end - start) + 64 > bytesRoom) {
          wanted = <u32>(end - start)
          break
        }
        end = undouble(start, end, to)
        start = to
      }
    }
    const length = end - start
    if (length == 0) {
      if ((flags & NULLABLE) == 0) break
      const at = <u32>row + <u32>done
      const byte = nulls + (at >> 3)
      store<u8>(byte, load<u8>(byte) | (<u8>1 << <u8>(at & 7)))
      store<u32>(column, 1, ANY_NULL)
      store<u32>(slots + (<usize>done << 2), 0)
      continue
    }
    if (length > longest) break
    const short = length <= 16
    const key = short ? firstBytes(start, length) : digest(start, length)
    let mixed = (<u64>i64x2.extract_lane(key, 0) * FIRST) ^ rotl(<u64>i64x2.extract_lane(key, 1) * SECOND, 32)
    mixed = (mixed ^ (mixed >> 32)) * THIRD
    const hash = (<u32>(mixed >> 32) & ~1) | <u32>short
    let slot = hash >>> shift
    let entry: u32 = 0
    // Ends, as half of the slots at most are taken.
    for (;;) {
      const found = load<u64>(table + (<usize>slot << 3))
      if (found == 0) {
        entry = entries
        break
      }
      if (<u32>found == hash) {
        entry = <u32>(found >> 32) - 1
        if (!v128.any_true(v128.xor(load<v128>(keys + (<usize>entry << 4)), key))) {
          if (short) break
          const offset = load<u32>(offsets + (<usize>entry << 2))
          if (load<u32>(offsets + (<usize>entry << 2), 4) - offset == <u32>length && sameBytes(bytes + offset, start, length)) break
        }
      }
      slot = (slot + 1) & last
    }
    if (entry == entries) {
      if (entries == entriesRoom || used + length + 64 > bytesRoom) {
        wanted = <u32>length
        break
      }
      store<u64>(table + (<usize>slot << 3), (<u64>(entry + 1) << 32) | <u64>hash)
      v128.store(keys + (<usize>entry << 4), key)
      const to = bytes + used
      if (short) v128.store(to, key)
      else for (let at: usize = 0; at < length; at += 16) v128.store(to + at, v128.load(start + at))
      used += length
      entries++
      store<u32>(offsets + (<usize>entries << 2), <u32>used)
    }
    store<u32>(slots + (<usize>done << 2), entry)
    textBytes += <u32>length
  }
  store<u32>(column, entries, ENTRIES)
  store<u32>(column, <u32>used, BYTES_USED)
  store<u32>(column, wanted, WANTED)
  store<u32>(column, textBytes, TEXT_BYTES)
  return done
}

// Puts the entries of a table of `size` slots into the empty one that the column now has.
export function rebuildTable(column: usize, old: usize, size: i32): void {
  const table = load<usize>(column, TABLE)
  const shift = load<u32>(column, SHIFT)
  const last: u32 = (<u32>0xffffffff >>> shift)
  const end = old + (<usize>size << 3)
  for (let at = old; at < end; at += 8) {
    const entry = load<u64>(at)
    if (entry == 0) continue
    let slot = <u32>entry >>> shift
    while (load<u64>(table + (<usize>slot << 3)) != 0) slot = (slot + 1) & last
    store<u64>(table + (<usize>slot << 3), entry)
  }
}
