// What the kernels that read cells share: the head of a column's record, whose layout is that of lib/csv/column-record.ts, and where a cell lies.

export const LINE_FEED: i32 = 0x0a
export const CARRIAGE_RETURN: i32 = 0x0d

export const SLOTS: usize = 0
export const NULLS: usize = 4
export const FLAGS: usize = 8
export const ANY_NULL: usize = 12

export const NULLABLE: u32 = 1
export const LEADING_FEED: u32 = 2
export const TRAILING_RETURN: u32 = 4

export function cellStart(ends: usize, edges: u32): usize {
  const start: usize = load<u32>(ends - 4) + 1
  return (edges & LEADING_FEED) != 0 && load<u8>(start) == LINE_FEED ? start + 1 : start
}

export function cellEnd(ends: usize, edges: u32, start: usize): usize {
  const end: usize = load<u32>(ends)
  return (edges & TRAILING_RETURN) != 0 && end > start && load<u8>(end - 1) == CARRIAGE_RETURN ? end - 1 : end
}

export function markNull(column: usize, row: u32): void {
  const byte: usize = load<usize>(column, NULLS) + (row >> 3)
  store<u8>(byte, load<u8>(byte) | (<u8>1 << <u8>(row & 7)))
  store<u32>(column, 1, ANY_NULL)
}
