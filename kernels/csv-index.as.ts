// Finds the ends of the cells of records that are as they should be: simdcsv's and simdjson's way (Langdale and Lemire, Parsing Gigabytes of JSON
// per Second, 2019), 64 bytes at a time, quotes by the parity of their count.

const QUOTE: i32 = 0x22
const LINE_FEED: i32 = 0x0a
const CARRIAGE_RETURN: i32 = 0x0d

// One bit for each of 64 bytes that is the given one.
function find(a: v128, b: v128, c: v128, d: v128, byte: v128): u64 {
  return (
    <u64>(<u32>i8x16.bitmask(i8x16.eq(a, byte)) | (<u32>i8x16.bitmask(i8x16.eq(b, byte)) << 16)) |
    (<u64>(<u32>i8x16.bitmask(i8x16.eq(c, byte)) | (<u32>i8x16.bitmask(i8x16.eq(d, byte)) << 16)) << 32)
  )
}

// Bit n of the result is the parity of bits 0 to n.
function parities(bits: u64): u64 {
  bits ^= bits << 1
  bits ^= bits << 2
  bits ^= bits << 4
  bits ^= bits << 8
  bits ^= bits << 16
  return bits ^ (bits << 32)
}

// From the record's start at `start`, in bytes up to `size` (64 more can be read): writes where each cell ends, separators and line ends outside of
// quotes, as u32 to `ends`, which has room for `most` (at least 64 more than columns), and start - 1 before it. Returns how many records there are of which
// each has as many cells as there are columns, no more bytes than `longest`, quotes where they may be, and no lone CR (or, where lines end in CR, no lone LF)
// outside of them. Each block of 64 bytes is looked at once, so that it ends.
export function indexCells(
  start: usize,
  size: usize,
  ends: usize,
  most: i32,
  columns: i32,
  separator: i32,
  lineEnd: i32,
  longest: usize,
): i32 {
  const feeds = lineEnd == LINE_FEED
  const separators = i8x16.splat(<i8>separator)
  const quotes = i8x16.splat(<i8>QUOTE)
  const lineEnds = i8x16.splat(<i8>lineEnd)
  const others = i8x16.splat(<i8>(feeds ? CARRIAGE_RETURN : LINE_FEED))
  const width: usize = <usize>columns << 2
  const last: usize = ends + (<usize>(most - 64) << 2)
  let to: usize = ends
  let expected: usize = ends + width - 4
  let recordStart: usize = start
  let records: i32 = 0
  // Of the byte before: all ones within quotes; whether a quote may open behind it; whether it closes one; whether it is a CR outside of quotes.
  let inside: u64 = 0
  let opener: u64 = 1
  let closed: u64 = 0
  let returned: u64 = 0
  store<u32>(ends - 4, <u32>(start - 1))
  for (let at: usize = start; at < size && to <= last; at += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    let separates = find(a, b, c, d, separators)
    let quote = find(a, b, c, d, quotes)
    let breaks = find(a, b, c, d, lineEnds)
    let other = find(a, b, c, d, others)
    let valid: u64 = ~0
    if (at + 64 > size) {
      valid = (<u64>1 << (size - at)) - 1
      separates &= valid
      quote &= valid
      breaks &= valid
      other &= valid
    }
    let fault: u64 = 0
    if ((quote | inside | closed) != 0) {
      const within = parities(quote) ^ inside
      separates &= ~within
      breaks &= ~within
      other &= ~within
      const closes = quote & ~within
      const openers = separates | breaks | other | closes
      fault =
        (quote & within & ~((openers << 1) | opener)) |
        (((closes << 1) | closed) & ~(separates | breaks | other | quote) & valid)
      opener = openers >> 63
      closed = closes >> 63
      inside = <u64>(<i64>within >> 63)
    } else {
      opener = (separates | breaks | other) >> 63
    }
    if (feeds) {
      if ((other | returned) != 0) {
        fault |= ((other << 1) | returned) & ~breaks & valid
        returned = other >> 63
      }
    } else {
      fault |= other & ~((breaks << 1) | returned)
      returned = breaks >> 63
    }
    let cells = separates | breaks
    if (fault != 0) {
      const before = (fault & (0 - fault)) - 1
      cells &= before
      breaks &= before
    }
    const count = <usize>popcnt(cells)
    // Writing more than there are costs less than a branch for each.
    let rest = cells
    let next = to
    do {
      store<u32>(next, <u32>at + <u32>ctz(rest))
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 4)
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 8)
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 12)
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 16)
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 20)
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 24)
      rest &= rest - 1
      store<u32>(next, <u32>at + <u32>ctz(rest), 28)
      rest &= rest - 1
      next += 32
    } while (rest != 0)
    for (; breaks != 0; breaks &= breaks - 1) {
      const bit = ctz(breaks)
      const entry = to + (<usize>popcnt(cells & (((<u64>1) << bit) - 1)) << 2)
      const behind = at + <usize>bit + 1
      if (entry != expected || behind - recordStart >= longest) return records
      records++
      expected += width
      recordStart = behind
    }
    if (fault != 0) return records
    to += count << 2
  }
  return records
}
