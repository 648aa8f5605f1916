let within: i32 = 0

// The place behind the last line end (`lineEnd`, a byte) of [start, end) that is not inside quotes, 0 where there is none. `inside`: 1 where `start`
// is. Sixteen bytes at a time; which of them are inside is the prefix parity of the quotes.
export function lastBorder(start: usize, end: usize, lineEnd: i32, inside: i32): usize {
  let last: usize = 0
  let at = start
  let flip = inside != 0 ? 0xffff : 0
  const quote = i8x16.splat(0x22)
  const wanted = i8x16.splat(<i8>lineEnd)
  for (; at + 16 <= end; at += 16) {
    const block = v128.load(at)
    let quotes = i8x16.bitmask(i8x16.eq(block, quote))
    let ends = i8x16.bitmask(i8x16.eq(block, wanted))
    if (quotes != 0) {
      quotes ^= quotes << 1
      quotes ^= quotes << 2
      quotes ^= quotes << 4
      quotes ^= quotes << 8
      const covered = (quotes ^ flip) & 0xffff
      ends &= ~covered
      flip = (covered & 0x8000) != 0 ? 0xffff : 0
    } else ends &= ~flip
    if (ends != 0) last = at + 32 - <usize>clz(ends)
  }
  for (; at < end; at++) {
    const byte = load<u8>(at)
    if (byte == 0x22) flip ^= 0xffff
    else if (byte == <u8>lineEnd && flip == 0) last = at + 1
  }
  within = flip & 1
  return last
}

// 1 where the end of the bytes that lastBorder was last called for is inside quotes.
export function endsInside(): i32 {
  return within
}
