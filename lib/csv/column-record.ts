/**
 * The record of a column in the kernels' memory: 32-bit words at these distances from its address, in words. Of text columns and of others the
 * words from 4 on differ.
 */
export const word = {
  /** Address of the slots: a value a row. */
  slots: 0,
  /** Address of the bitmap of nulls. */
  nulls: 1,
  flags: 2,
  /** Not 0 once a row was null. */
  anyNull: 3,

  /** Text: address of the dictionary's bytes, room for them, bytes used. */
  bytes: 4,
  bytesRoom: 5,
  bytesUsed: 6,
  /** Addresses: where each entry starts (and the last ends), and 16 bytes of each that tell it from most others. */
  offsets: 7,
  keys: 8,
  entriesRoom: 9,
  entries: 10,
  /** Address of the hash table: pairs of hash and entry + 1, twice as many as there is room for entries. */
  table: 11,
  /** Of a hash, to the right, for its place in the table. */
  shift: 12,
  /** Out: bytes of an entry that there is no room for. */
  wanted: 13,
  /** Out: bytes of the cells taken. */
  textBytes: 14,

  /** Decimals. */
  scale: 4,
  /** Bytes of a slot. */
  width: 5,
  /** Decimals: 64 bits; what unscaled values must be below. */
  limit: 6,
  powers: 8,
  longPowers: 9,
} as const

export const recordBytes = 64

export const flag = {
  nullable: 1,
  /** The column is a row's first, and lines end in CR: a LF may stand before its cells. */
  leadingFeed: 2,
  /** The column is a row's last, and lines end in LF: a CR may stand behind its cells. */
  trailingReturn: 4,
} as const
