// The encodings of Parquet pages that pack bits. All places are bytes of the memory; what is written may spill 16 bytes over its end.
// Source: parquet-format, Encodings: RLE / Bit-Packing Hybrid, DELTA_BINARY_PACKED, PLAIN booleans.

@inline
function varint(value: u64, to: usize): usize {
  while (value > 127) {
    store<u8>(to++, <u8>value | 128)
    value >>= 7
  }
  store<u8>(to++, <u8>value)
  return to
}

/** Packs eight values of up to 16 bits; `bits` bytes are taken. */
@inline
function packEight(from: usize, bits: u64, to: usize): void {
  const first = v128.load(from)
  const second = v128.load(from + 16)
  const low = i64x2.splat(0xffffffff)
  // Two neighbours to a lane, then two lanes to a word.
  const a = v128.or(v128.and(first, low), i64x2.shl(i64x2.shr_u(first, 32), <i32>bits))
  const b = v128.or(v128.and(second, low), i64x2.shl(i64x2.shr_u(second, 32), <i32>bits))
  const word = <u64>i64x2.extract_lane(a, 0) | (<u64>i64x2.extract_lane(a, 1) << (2 * bits))
  const next = <u64>i64x2.extract_lane(b, 0) | (<u64>i64x2.extract_lane(b, 1) << (2 * bits))
  const half = 4 * bits
  if (half < 64) {
    store<u64>(to, word | (next << half))
    store<u64>(to + 8, half > 0 ? next >> (64 - half) : 0)
  } else {
    store<u64>(to, word)
    store<u64>(to + 8, next)
  }
}

/** Packs `count` values of up to 32 bits; the last byte is filled up with zeros. Returns the place behind. */
function pack32(from: usize, count: usize, bits: u64, to: usize): usize {
  let pending: u64 = 0
  let used: u64 = 0
  for (const end = from + count * 4; from < end; from += 4) {
    pending |= <u64>load<u32>(from) << used
    used += bits
    if (used >= 32) {
      store<u32>(to, <u32>pending)
      to += 4
      pending >>= 32
      used -= 32
    }
  }
  store<u32>(to, <u32>pending)
  return to + <usize>((used + 7) >> 3)
}

/** A stretch of packed groups of eight values, of which the last is filled up with zeros: there is room for them behind the values. */
function literal(from: usize, count: usize, bits: usize, to: usize): usize {
  const groups = (count + 7) >> 3
  const filled = groups * 8 - count
  // What follows the values is put back: it is the next page's.
  const behind = from + count * 4
  const a = v128.load(behind)
  const b = v128.load(behind + 16)
  if (filled) memory.fill(behind, 0, filled * 4)
  to = varint(<u64>((groups << 1) | 1), to)
  if (bits <= 16) {
    for (let group: usize = 0; group < groups; group++) {
      packEight(from + group * 32, <u64>bits, to)
      to += bits
    }
  } else to = pack32(from, groups * 8, <u64>bits, to)
  v128.store(behind, a)
  v128.store(behind + 16, b)
  return to
}

/**
 * Indices in the hybrid, without length: runs of eight or more equal values where they begin at a group, else packed groups of eight. There
 * are 32 bytes behind the values. Returns the bytes written.
 */
export function packIndices(values: usize, count: usize, bits: usize, out: usize): usize {
  let to = out
  const end = values + count * 4
  let begun = values
  let at = values
  while (at < end) {
    const first = v128.load32_splat(at)
    if (at + 32 > end || !allEqual(first, at)) {
      at += 32
      continue
    }
    let next = at + 32
    while (next + 16 <= end && i32x4.all_true(i32x4.eq(v128.load(next), first))) next += 16
    const value = load<u32>(at)
    while (next < end && load<u32>(next) == value) next += 4
    if (begun < at) to = literal(begun, (at - begun) >> 2, bits, to)
    to = varint(<u64>((next - at) >> 2) << 1, to)
    for (let shift: usize = 0; shift < bits; shift += 8) store<u8>(to++, <u8>(value >> shift))
    at = next
    begun = next
  }
  if (begun < end) to = literal(begun, (end - begun) >> 2, bits, to)
  return to - out
}

@inline
function allEqual(first: v128, at: usize): bool {
  return i32x4.all_true(v128.and(i32x4.eq(v128.load(at), first), i32x4.eq(v128.load(at + 16), first)))
}

/** Bytes of levels from which on a run is shorter than the bits. */
const shortestRun: usize = 4

/**
 * Definition levels of `rows` rows whose nulls' bits, set = null, begin at a byte: the hybrid of width 1, without length. The bits turned round are
 * whole groups of it. Returns the bytes written.
 */
export function packLevels(nulls: usize, rows: usize, out: usize): usize {
  let to = out
  const whole = nulls + (rows >> 3)
  let begun = nulls
  let at = nulls
  while (at < whole) {
    const byte = load<u8>(at)
    let next = at + 1
    while (next < whole && load<u8>(next) == byte) next++
    if (next - at >= shortestRun && (byte == 0 || byte == 0xff)) {
      to = invert(begun, at, to)
      to = varint(<u64>(next - at) << 4, to)
      store<u8>(to++, <u8>(byte == 0))
      begun = next
    }
    at = next
  }
  return invert(begun, nulls + ((rows + 7) >> 3), to) - out
}

function invert(from: usize, end: usize, to: usize): usize {
  if (from == end) return to
  to = varint(<u64>(end - from) * 2 + 1, to)
  for (; from < end; from++) store<u8>(to++, ~load<u8>(from))
  return to
}

/** Booleans, a byte each, to bits. Returns the bytes written. */
export function packBooleans(values: usize, count: usize, out: usize): usize {
  const bytes = (count + 7) >> 3
  for (let byte: usize = 0; byte < bytes; byte++) {
    let bits: u32 = 0
    const some = min<usize>(8, count - byte * 8)
    for (let bit: usize = 0; bit < some; bit++) bits |= <u32>(load<u8>(values + byte * 8 + bit) != 0) << bit
    store<u8>(out + byte, <u8>bits)
  }
  return bytes
}

const blockValues: usize = 128
const miniblockValues: usize = 32

@inline
function zigzag<T>(value: T): u64 {
  if (sizeof<T>() == 4) return <u64>(<u32>((<i32>value << 1) ^ (<i32>value >> 31)))
  return <u64>((<i64>value << 1) ^ (<i64>value >> 63))
}

@inline
function widthOf(value: u64): usize {
  return 64 - <usize>clz(value)
}

/** The least of the differences to each of `count` values from the one before it. */
@inline
function leastDelta<T>(at: usize, count: usize): T {
  let least = load<T>(at) - load<T>(at - sizeof<T>())
  for (let end = at + count * sizeof<T>(); at < end; at += sizeof<T>()) least = min(least, load<T>(at) - load<T>(at - sizeof<T>()))
  return least
}

/** Bits that hold what each difference has over the least; differences wrap around, as the reader's sums do. */
@inline
function deltaBits<T>(at: usize, count: usize, least: T): usize {
  let all: u64 = 0
  for (let end = at + count * sizeof<T>(); at < end; at += sizeof<T>()) {
    const over = load<T>(at) - load<T>(at - sizeof<T>()) - least
    all |= sizeof<T>() == 4 ? <u64>(<u32>over) : <u64>over
  }
  return widthOf(all)
}

@inline
function measure<T>(values: usize, count: usize): usize {
  let bytes: usize = 20
  for (let at: usize = 1; at < count; at += blockValues) {
    const block = min(blockValues, count - at)
    const least = leastDelta<T>(values + at * sizeof<T>(), block)
    bytes += (widthOf(zigzag<T>(least)) + 6) / 7 + 4
    for (let done: usize = 0; done < block; done += miniblockValues) {
      const some = min(miniblockValues, block - done)
      bytes += 4 * deltaBits<T>(values + (at + done) * sizeof<T>(), some, least)
    }
  }
  return bytes
}

/** About the bytes that packDeltas writes, a few too many. */
export function measureDeltas4(values: usize, count: usize): usize {
  return measure<i32>(values, count)
}

export function measureDeltas8(values: usize, count: usize): usize {
  return measure<i64>(values, count)
}

@inline
function packDeltas<T>(values: usize, count: usize, out: usize): usize {
  let to = varint(blockValues, out)
  to = varint(blockValues / miniblockValues, to)
  to = varint(<u64>count, to)
  to = varint(count > 0 ? zigzag<T>(load<T>(values)) : 0, to)
  for (let at: usize = 1; at < count; at += blockValues) {
    const block = min(blockValues, count - at)
    const least = leastDelta<T>(values + at * sizeof<T>(), block)
    to = varint(zigzag<T>(least), to)
    const widths = to
    store<u32>(to, 0)
    to += 4
    for (let done: usize = 0; done < block; done += miniblockValues) {
      const some = min(miniblockValues, block - done)
      const first = values + (at + done) * sizeof<T>()
      const bits = <u64>deltaBits<T>(first, some, least)
      store<u8>(widths + done / miniblockValues, <u8>bits)
      const end = to + 4 * <usize>bits
      let pending: u64 = 0
      let used: u64 = 0
      for (let each = first, last = first + some * sizeof<T>(); each < last; each += sizeof<T>()) {
        const delta = load<T>(each) - load<T>(each - sizeof<T>()) - least
        const over = sizeof<T>() == 4 ? <u64>(<u32>delta) : <u64>delta
        pending |= over << used
        used += bits
        if (used >= 64) {
          store<u64>(to, pending)
          to += 8
          used -= 64
          pending = used > 0 ? over >> (bits - used) : 0
        }
      }
      store<u64>(to, pending)
      to += <usize>((used + 7) >> 3)
      // A miniblock is whole, whatever its last values are.
      if (to < end) memory.fill(to, 0, end - to)
      to = end
    }
  }
  return to - out
}

/** Integers as differences, in blocks of 128 with four miniblocks. Returns the bytes written. */
export function packDeltas4(values: usize, count: usize, out: usize): usize {
  return packDeltas<i32>(values, count, out)
}

export function packDeltas8(values: usize, count: usize, out: usize): usize {
  return packDeltas<i64>(values, count, out)
}
