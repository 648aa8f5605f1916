/** Bytes of the largest lawful cell, where nothing else is asked for. */
export const defaultMaxCellBytes = 16 * 2 ** 20
