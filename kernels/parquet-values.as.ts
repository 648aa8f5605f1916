// Columns of a row group on their way into pages: nulls left out, bounds, dictionaries. All places are bytes of the memory.

/** The bits [first, first + count) of `from`, or-ed to those at bit `to` of `bits`, which are 0. */
export function appendBits(from: usize, first: usize, count: usize, bits: usize, to: usize): void {
  let at: usize = 0
  if (((first | to) & 7) == 0) {
    at = count & ~7
    memory.copy(bits + (to >> 3), from + (first >> 3), at >> 3)
  }
  for (; at < count; at++) {
    const bit = (load<u8>(from + ((first + at) >> 3)) >> <u8>((first + at) & 7)) & 1
    const place = bits + ((to + at) >> 3)
    store<u8>(place, load<u8>(place) | (bit << <u8>((to + at) & 7)))
  }
}

/** How many of the bits [first, first + count) are set; `first` is a multiple of 8. */
export function countBits(bits: usize, first: usize, count: usize): usize {
  let set: usize = 0
  let at = bits + (first >> 3)
  const whole = at + (count >> 3)
  for (; at + 8 <= whole; at += 8) set += <usize>popcnt(load<u64>(at))
  for (; at < whole; at++) set += popcnt(<u32>load<u8>(at))
  const rest = count & 7
  if (rest) set += popcnt(<u32>load<u8>(at) & ((1 << rest) - 1))
  return set
}

/** Copies the values whose bits, from `first` on, are not set; `to` may be before or at `from`. Returns how many. */
@inline
function gather<T>(from: usize, nulls: usize, first: usize, count: usize, to: usize): usize {
  const start = to
  const width = sizeof<T>()
  let at: usize = 0
  while (at < count) {
    const bit = first + at
    let byte = <u32>load<u8>(nulls + (bit >> 3)) >> (bit & 7)
    let steps = min<usize>(8 - (bit & 7), count - at)
    if (steps == 8 && byte == 0) {
      for (let each: usize = 0; each < 8; each++) store<T>(to + each * width, load<T>(from + each * width))
      to += 8 * width
      from += 8 * width
    } else {
      for (let each: usize = 0; each < steps; each++) {
        store<T>(to, load<T>(from))
        from += width
        to += width * (1 - (byte & 1))
        byte >>= 1
      }
    }
    at += steps
  }
  return (to - start) / width
}

export function gather1(from: usize, nulls: usize, first: usize, count: usize, to: usize): usize {
  return gather<u8>(from, nulls, first, count, to)
}

export function gather4(from: usize, nulls: usize, first: usize, count: usize, to: usize): usize {
  return gather<u32>(from, nulls, first, count, to)
}

export function gather8(from: usize, nulls: usize, first: usize, count: usize, to: usize): usize {
  return gather<u64>(from, nulls, first, count, to)
}

/** Least and greatest of `count` ≥ 1 values, to `out` and behind it. */
export function bounds4(values: usize, count: usize, out: usize): void {
  let low = v128.load32_splat(values)
  let high = low
  const end = values + count * 4
  let at = values
  for (; at + 16 <= end; at += 16) {
    const four = v128.load(at)
    low = i32x4.min_s(low, four)
    high = i32x4.max_s(high, four)
  }
  for (; at < end; at += 4) {
    const one = v128.load32_splat(at)
    low = i32x4.min_s(low, one)
    high = i32x4.max_s(high, one)
  }
  store<i32>(
    out,
    min(min(i32x4.extract_lane(low, 0), i32x4.extract_lane(low, 1)), min(i32x4.extract_lane(low, 2), i32x4.extract_lane(low, 3))),
  )
  store<i32>(
    out + 4,
    max(max(i32x4.extract_lane(high, 0), i32x4.extract_lane(high, 1)), max(i32x4.extract_lane(high, 2), i32x4.extract_lane(high, 3))),
  )
}

export function bounds8(values: usize, count: usize, out: usize): void {
  let low = load<i64>(values)
  let high = low
  const end = values + count * 8
  for (let at = values; at < end; at += 8) {
    const value = load<i64>(at)
    low = min(low, value)
    high = max(high, value)
  }
  store<i64>(out, low)
  store<i64>(out + 8, high)
}

/** Infinities the wrong way round where every value is NaN. Returns how many are. */
export function boundsDouble(values: usize, count: usize, out: usize): usize {
  let low = f64x2.splat(f64.POSITIVE_INFINITY)
  let high = f64x2.splat(f64.NEGATIVE_INFINITY)
  let nans = i64x2.splat(0)
  const end = values + count * 8
  let at = values
  for (; at + 16 <= end; at += 16) {
    const two = v128.load(at)
    low = f64x2.pmin(low, two)
    high = f64x2.pmax(high, two)
    nans = i64x2.sub(nans, f64x2.ne(two, two))
  }
  let more: usize = 0
  if (at < end) {
    const one = v128.load64_splat(at)
    low = f64x2.pmin(low, one)
    high = f64x2.pmax(high, one)
    more = <usize>(load<f64>(at) != load<f64>(at))
  }
  store<f64>(out, min(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1)))
  store<f64>(out + 8, max(f64x2.extract_lane(high, 0), f64x2.extract_lane(high, 1)))
  return <usize>(i64x2.extract_lane(nans, 0) + i64x2.extract_lane(nans, 1)) + more
}

/** Values from which on it is looked whether they hardly repeat. */
const trial: usize = 4096

/**
 * Writes each distinct value to `entries` and of each value which it is to `indices`, in the order of first places; returns how many there are, or
 * -1 where they are more than `most`, or so many already that they will be. Values are told apart by their bits. `slots` has room for
 * 2^bits words, more than `most`, which are 0.
 */
@inline
function find<T>(values: usize, count: usize, indices: usize, entries: usize, most: usize, slots: usize, bits: usize): isize {
  const width = sizeof<T>()
  const mask: usize = (1 << bits) - 1
  const shift = <u64>(64 - bits)
  let size: usize = 0
  for (let at: usize = 0; at < count; at++) {
    const value = load<T>(values + at * width)
    // Fibonacci hashing (Knuth, TAOCP 3, 6.4), with the high half folded in, as doubles that are short decimals differ there.
    const mixed = (<u64>value ^ (<u64>value >> 32)) * 0x9e3779b97f4a7c15
    let slot = <usize>(mixed >> shift)
    let entry: usize
    while (true) {
      entry = load<u32>(slots + slot * 4)
      if (entry == 0) {
        if (size == most || (at >= trial && size * 15 > at * 14)) return -1
        store<T>(entries + size * width, value)
        size++
        entry = size
        store<u32>(slots + slot * 4, <u32>size)
        break
      }
      if (load<T>(entries + (entry - 1) * width) == value) break
      slot = (slot + 1) & mask
    }
    store<u32>(indices + at * 4, <u32>(entry - 1))
  }
  return size
}

export function find4(values: usize, count: usize, indices: usize, entries: usize, most: usize, slots: usize, bits: usize): isize {
  return find<u32>(values, count, indices, entries, most, slots, bits)
}

export function find8(values: usize, count: usize, indices: usize, entries: usize, most: usize, slots: usize, bits: usize): isize {
  return find<u64>(values, count, indices, entries, most, slots, bits)
}

/** As find, for integers of a narrow range, the least of which is at `least`: `slots` has a word, 0, for each of the range. */
@inline
function lookUp<T>(values: usize, count: usize, indices: usize, entries: usize, most: usize, slots: usize, least: usize): isize {
  const width = sizeof<T>()
  const base = load<T>(least)
  let size: usize = 0
  for (let at: usize = 0; at < count; at++) {
    const value = load<T>(values + at * width)
    const slot = slots + (<usize>(value - base) << 2)
    let entry = load<u32>(slot)
    if (entry == 0) {
      if (size == most) return -1
      store<T>(entries + size * width, value)
      size++
      entry = <u32>size
      store<u32>(slot, entry)
    }
    store<u32>(indices + at * 4, entry - 1)
  }
  return size
}

export function lookUp4(values: usize, count: usize, indices: usize, entries: usize, most: usize, slots: usize, least: usize): isize {
  return lookUp<u32>(values, count, indices, entries, most, slots, least)
}

export function lookUp8(values: usize, count: usize, indices: usize, entries: usize, most: usize, slots: usize, least: usize): isize {
  return lookUp<u64>(values, count, indices, entries, most, slots, least)
}
