// Text columns on their way into pages. Texts lie one behind the other, the n-th at offsets[n] to offsets[n + 1]; 16 bytes behind the last are
// readable, and what is copied may spill 16 bytes over its end. All places are bytes of the memory.

const lengthBytes: usize = 4

/**
 * Puts for each index the number of its entry in the order of first places. `numbers` has a word for each entry, 0 where none is given yet; the
 * entries are noted in `order`. Returns how many are in use.
 */
export function numberEntries(indices: usize, count: usize, numbers: usize, order: usize): usize {
  let used: u32 = 0
  for (let at = indices, end = indices + count * 4; at < end; at += 4) {
    const entry = load<u32>(at)
    const place = numbers + (<usize>entry << 2)
    let number = load<u32>(place)
    if (number == 0) {
      store<u32>(order + (<usize>used << 2), entry)
      number = ++used
      store<u32>(place, number)
    }
    store<u32>(at, number - 1)
  }
  return used
}

/** Puts numbers[index] for each index. */
export function renumber(indices: usize, count: usize, numbers: usize): void {
  for (let at = indices, end = indices + count * 4; at < end; at += 4) {
    store<u32>(at, load<u32>(numbers + (<usize>load<u32>(at) << 2)))
  }
}

@inline
function copy(from: usize, length: usize, to: usize): void {
  let at: usize = 0
  do {
    v128.store(to + at, v128.load(from + at))
    at += 16
  } while (at < length)
}

/** The texts `order` names, each with its length before it, PLAIN; the n-th lies at places[n] to places[n + 1]. */
export function plainEntries(order: usize, count: usize, offsets: usize, bytes: usize, plain: usize, places: usize): void {
  let to: usize = 0
  store<u32>(places, 0)
  for (let at: usize = 0; at < count; at++) {
    const entry = offsets + (<usize>load<u32>(order + at * 4) << 2)
    const start = <usize>load<u32>(entry)
    const length = <usize>load<u32>(entry + 4) - start
    store<u32>(plain + to, <u32>length)
    copy(bytes + start, length, plain + to + lengthBytes)
    to += lengthBytes + length
    store<u32>(places + at * 4 + 4, <u32>to)
  }
}

/** Bytes of the texts that so many indices name, with their lengths. */
export function plainSize(indices: usize, count: usize, places: usize): f64 {
  let size: u64 = 0
  for (let at = indices, end = indices + count * 4; at < end; at += 4) {
    const place = places + (<usize>load<u32>(at) << 2)
    size += <u64>(load<u32>(place + 4) - load<u32>(place))
  }
  return <f64>size
}

/** Copies the texts that the indices name, with their lengths. Returns the bytes written. */
export function plainTexts(indices: usize, count: usize, places: usize, plain: usize, out: usize): usize {
  let to = out
  for (let at = indices, end = indices + count * 4; at < end; at += 4) {
    const place = places + (<usize>load<u32>(at) << 2)
    const start = load<u32>(place)
    const length = load<u32>(place + 4) - start
    copy(plain + start, length, to)
    to += length
  }
  return to - out
}

/** Below 0 where the text of `a` comes before that of `b`, by bytes. */
function compare(a: usize, b: usize, places: usize, plain: usize): i32 {
  let atA = plain + <usize>load<u32>(places + a * 4) + lengthBytes
  let atB = plain + <usize>load<u32>(places + b * 4) + lengthBytes
  const lengthA = plain + <usize>load<u32>(places + a * 4 + 4) - atA
  const lengthB = plain + <usize>load<u32>(places + b * 4 + 4) - atB
  const end = atA + min(lengthA, lengthB)
  for (; atA + 8 <= end; atA += 8, atB += 8) if (load<u64>(atA) != load<u64>(atB)) break
  for (; atA < end; atA++, atB++) {
    const difference = <i32>load<u8>(atA) - <i32>load<u8>(atB)
    if (difference != 0) return difference
  }
  return <i32>lengthA - <i32>lengthB
}

/** Writes the numbers of the least and the greatest of entries [0, count), at least one, to `out` and behind it. */
export function boundEntries(count: usize, places: usize, plain: usize, out: usize): void {
  let least: usize = 0
  let greatest: usize = 0
  for (let at: usize = 1; at < count; at++) {
    if (compare(at, least, places, plain) < 0) least = at
    else if (compare(at, greatest, places, plain) > 0) greatest = at
  }
  store<u32>(out, <u32>least)
  store<u32>(out + 4, <u32>greatest)
}

/** The same of the entries that the indices, at least one, name. `marks` has a word for each entry, none of which is `mark` yet. */
export function boundIndices(
  indices: usize,
  count: usize,
  places: usize,
  plain: usize,
  marks: usize,
  mark: u32,
  out: usize,
): void {
  let least = <usize>load<u32>(indices)
  let greatest = least
  for (let at = indices, end = indices + count * 4; at < end; at += 4) {
    const entry = <usize>load<u32>(at)
    if (load<u32>(marks + entry * 4) == mark) continue
    store<u32>(marks + entry * 4, mark)
    if (compare(entry, least, places, plain) < 0) least = entry
    else if (compare(entry, greatest, places, plain) > 0) greatest = entry
  }
  store<u32>(out, <u32>least)
  store<u32>(out + 4, <u32>greatest)
}
