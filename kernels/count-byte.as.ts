// How many bytes of [start, end) are `byte`. Sixteen at a time.
export function countByte(start: usize, end: usize, byte: i32): i32 {
  let count: i32 = 0
  let at = start
  const wanted = i8x16.splat(<i8>byte)
  for (; at + 16 <= end; at += 16) count += popcnt(i8x16.bitmask(i8x16.eq(v128.load(at), wanted)))
  for (; at < end; at++) count += i32(load<u8>(at) == <u8>byte)
  return count
}
