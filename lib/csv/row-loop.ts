import { hashText } from '../text-table.ts'
import { type ColumnSlots, cellKind } from './column-slots.ts'
import type { Dialect } from './find-dialect.ts'
import { noDate, noTime, readIsoDate, readMinutes, readSasDate, readSeconds } from './read-temporal.ts'

// Constants by themselves: the engine looks up the members of an object at every cell.
const { text: textKind, int32: int32Kind, int64: int64Kind, double: doubleKind, date: dateKind } = cellKind
const { decimal32: decimal32Kind, decimal64: decimal64Kind, decimal: decimalKind } = cellKind
const { boolean: booleanKind, timestamp: timestampKind, time: timeKind } = cellKind
const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d
const minus = 0x2d
const point = 0x2e
const zero = 0x30

/** 10^0 to 10^22: the powers of ten that a double holds exactly. */
const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))
/** Whole numbers of so many digits are exact as doubles. */
const exactDigits = 15

/** Truth values of one letter or digit by their byte: 2 is none. */
const truths = new Uint8Array(256).fill(2)
for (const letter of 'tyTY1') truths[letter.charCodeAt(0)] = 1
for (const letter of 'fnFN0') truths[letter.charCodeAt(0)] = 0

/** Where the loop stands; it goes on from here. */
export interface LoopState {
  /** In the bytes: the start of a record. */
  at: number
  /** The slot of the next row. */
  row: number
  /** Bytes that the batch is reckoned to take. */
  cost: number
}

export interface LoopLimits {
  /** Behind the last line end in the bytes that is known to be one: every unquoted record that starts before it ends at it or before. */
  end: number
  /** Of the bytes. */
  size: number
  rows: number
  cost: number
}

/** Bytes behind `size` that the loop may look at: a quote, which ends any cell, and then no quote. */
export const sentinel = Uint8Array.of(quote, ...new Array<number>(31).fill(lineFeed))

/**
 * The loop over rows: scans and converts in one step, cell by cell, straight from bytes into slots, for values as they are mostly written; no
 * string is made of them. Whatever is not as usual (another count of cells, a value that does not fit, a null where none may be, a stray quote, a
 * record that is cut) ends it before that record, whose slots may then hold anything, and the record is read the general way.
 *
 * It is one loop for all schemas. Generated source for each schema was measured against it: 15 % faster over a megarow of twelve
 * columns, no faster over 10,000 rows; compiled code that grows with the columns is not worth that.
 */
export function createRowLoop({
  columns,
  dialect,
  maxCellBytes,
  maxRowBytes,
}: {
  /** In the order of the file. */
  columns: ColumnSlots[]
  dialect: Dialect
  maxCellBytes: number
  maxRowBytes: number
}): (bytes: Uint8Array, buffer: Buffer, state: LoopState, limits: LoopLimits) => void {
  const separator = dialect.separator.charCodeAt(0)
  const lineEnd = dialect.lineEnds.includes('\n') ? lineFeed : carriageReturn
  const last = columns.length - 1
  const rowCost = columns.reduce((sum, { width }) => sum + width, 0)
  /** Bytes above it are neither separator, line end nor quote: one comparison tells for most. */
  const highest = Math.max(separator, quote)
  const undoubled = { bytes: new Uint8Array(256), length: 0 }

  /** Undoubles the quotes of a cell whose content starts at `start`; returns the place of its closing quote, -1 where it is not there. */
  function undouble(bytes: Uint8Array, start: number, size: number): number {
    let to = 0
    let target = undoubled.bytes
    for (let at = start; ; at++) {
      const byte = bytes[at]
      if (byte === quote) {
        if (at + 1 >= size) return -1
        if (bytes[at + 1] !== quote) {
          undoubled.length = to
          return at
        }
        at++
      }
      if (to === target.length) {
        undoubled.bytes = new Uint8Array(2 * to)
        undoubled.bytes.set(target)
        target = undoubled.bytes
      }
      target[to++] = byte
    }
  }

  /** Reads a cell that is no text the general way; returns the place behind it, -1 where the record needs it too. */
  function readCell(bytes: Uint8Array, buffer: Buffer, start: number, size: number, column: ColumnSlots, row: number) {
    let from = start
    let end = start
    let next: number
    if (bytes[start] === quote) {
      from++
      end = bytes.indexOf(quote, from)
      if (end < 0 || end + 1 >= size || bytes[end + 1] === quote) return -1
      next = end + 1
    } else {
      while (bytes[end] !== separator && bytes[end] !== lineFeed && bytes[end] !== carriageReturn) {
        if (bytes[end] === quote) return -1
        end++
      }
      next = end
    }
    if (end - from > maxCellBytes) return -1
    const outcome = column.read(buffer.toString('utf8', from, end), row)
    if (outcome === 'stored') return next
    if (outcome !== 'null' || !column.nullable) return -1
    column.setNull(row)
    return next
  }

  return (bytes, buffer, state, { end, size, rows, cost: mostCost }) => {
    // Copies: the engine reads a closure's variables from memory each time.
    const [by, endsWith, most, all, lastColumn] = [separator, lineEnd, highest, columns, last]
    let i = state.at
    let row = state.row
    let cost = state.cost
    let start = i
    record: while (i < end && row < rows && cost < mostCost) {
      start = i
      let textBytes = 0
      for (let k = 0; k <= lastColumn; k++) {
        const column = all[k]
        const stop = k === lastColumn ? endsWith : by
        let c = bytes[i]
        if (c === stop || c === carriageReturn) {
          // Where lines end in LF, a CR before it belongs to the line end; elsewhere it is text.
          if (c === stop || (k === lastColumn && bytes[i + 1] === lineFeed)) {
            if (!column.nullable) break record
            column.setNull(row)
            i += c === stop ? 1 : 2
            continue
          }
        }
        switch (column.kind) {
          case textKind: {
            let hash = 0
            if (c === quote) {
              const from = ++i
              // The record is cut here and the quote is the sentinel: behind it there is none to end the cell.
              if (from > size) break record
              for (c = bytes[i]; c !== quote; c = bytes[++i]) hash = (Math.imul(hash, 31) + c) | 0
              if (i >= size) break record
              let length = i - from
              if (bytes[i + 1] === quote) {
                i = undouble(bytes, from, size)
                length = undoubled.length
                if (i < 0 || length > maxCellBytes) break record
                hash = hashText(undoubled.bytes, 0, length)
                column.indices[row] = column.table.find(undoubled.bytes, 0, length, hash)
              } else if (length > 0) {
                if (length > maxCellBytes) break record
                column.indices[row] = column.table.find(bytes, from, i, hash)
              } else {
                if (!column.nullable) break record
                column.setNull(row)
              }
              textBytes += length
              i++
            } else {
              const from = i
              while (c > most || (c !== by && c !== lineFeed && c !== carriageReturn && c !== quote)) {
                hash = (Math.imul(hash, 31) + c) | 0
                c = bytes[++i]
              }
              const length = i - from
              if (length > maxCellBytes) break record
              // Nothing before a line break is an empty cell, or too few of them: the end of the loop tells.
              if (length > 0) column.indices[row] = column.table.find(bytes, from, i, hash)
              else if (column.nullable) column.setNull(row)
              else break record
              textBytes += length
            }
            break
          }
          case int32Kind:
          case int64Kind: {
            const from = i
            const negative = c === minus
            if (negative) c = bytes[++i]
            const first = i
            let value = 0
            let digit = c - zero
            while (digit >= 0 && digit <= 9) {
              value = value * 10 + digit
              digit = bytes[++i] - zero
            }
            const digits = i - first
            c = bytes[i]
            if (
              digits > 0 &&
              digits <= (column.kind === int32Kind ? 9 : exactDigits) &&
              (c === stop || c === carriageReturn)
            ) {
              if (negative) value = -value
              if (column.kind === int32Kind) column.ints[row] = value
              else if (digits <= 9) {
                column.ints[2 * row] = value
                column.ints[2 * row + 1] = value < 0 ? -1 : 0
              } else column.storeLong(value, row)
            } else {
              i = readCell(bytes, buffer, from, size, column, row)
              if (i < 0) break record
            }
            break
          }
          case doubleKind:
          case decimal32Kind:
          case decimal64Kind:
          case decimalKind: {
            const from = i
            const negative = c === minus
            if (negative) c = bytes[++i]
            const first = i
            let value = 0
            let digit = c - zero
            while (digit >= 0 && digit <= 9) {
              value = value * 10 + digit
              digit = bytes[++i] - zero
            }
            let digits = i - first
            let fraction = 0
            if (bytes[i] === point) {
              const behind = ++i
              digit = bytes[i] - zero
              while (digit >= 0 && digit <= 9) {
                value = value * 10 + digit
                digit = bytes[++i] - zero
              }
              fraction = i - behind
              digits += fraction
            }
            c = bytes[i]
            if (digits === 0 || (c !== stop && c !== carriageReturn)) {
              i = readCell(bytes, buffer, from, size, column, row)
              if (i < 0) break record
            } else if (column.kind === doubleKind) {
              // Exact operands and one rounding give the nearest double (Clinger, How to Read Floating Point Numbers Accurately, 1990).
              if (digits <= exactDigits) value /= powersOfTen[fraction]
              else {
                value = Number(buffer.toString('latin1', first, i))
                if (value === Number.POSITIVE_INFINITY || i - from > maxCellBytes) break record
              }
              column.doubles[row] = negative ? -value : value
            } else {
              const scaled = fraction <= column.scale ? value * powersOfTen[Math.min(22, column.scale - fraction)] : -1
              if (digits <= exactDigits && scaled >= 0 && scaled < column.limit && scaled < Number.MAX_SAFE_INTEGER) {
                // A zero without sign: unscaled values are whole numbers.
                const signed = negative ? 0 - scaled : scaled
                if (column.kind === decimal32Kind) column.ints[row] = signed
                else if (column.kind === decimal64Kind) column.storeLong(signed, row)
                else column.decimals[row] = BigInt(signed)
              } else {
                i = readCell(bytes, buffer, from, size, column, row)
                if (i < 0) break record
              }
            }
            break
          }
          case dateKind: {
            const iso = bytes[i + 4] === minus
            const days = iso ? readIsoDate(bytes, i) : readSasDate(bytes, i)
            const behind = bytes[i + (iso ? 10 : 9)]
            if (days !== noDate && (behind === stop || behind === carriageReturn)) {
              column.ints[row] = days
              i += iso ? 10 : 9
            } else {
              i = readCell(bytes, buffer, i, size, column, row)
              if (i < 0) break record
            }
            break
          }
          case timestampKind: {
            const days = readIsoDate(bytes, i)
            const seconds = days === noDate ? noTime : readSeconds(bytes, i + 11)
            const between = bytes[i + 10]
            const behind = bytes[i + 19]
            const micros = (days * 86_400 + seconds) * 1e6
            if (
              seconds !== noTime &&
              (between === 0x54 || between === 0x20) &&
              (behind === stop || behind === carriageReturn) &&
              Math.abs(micros) < Number.MAX_SAFE_INTEGER
            ) {
              column.storeLong(micros, row)
              i += 19
            } else {
              i = readCell(bytes, buffer, i, size, column, row)
              if (i < 0) break record
            }
            break
          }
          case timeKind: {
            const long = bytes[i + 5] === 0x3a
            const seconds = long ? readSeconds(bytes, i) : readMinutes(bytes, i) * 60
            const behind = bytes[i + (long ? 8 : 5)]
            if (seconds >= 0 && (behind === stop || behind === carriageReturn)) {
              column.storeLong(seconds * 1e6, row)
              i += long ? 8 : 5
            } else {
              i = readCell(bytes, buffer, i, size, column, row)
              if (i < 0) break record
            }
            break
          }
          case booleanKind: {
            const truth = truths[c]
            const behind = bytes[i + 1]
            if (truth < 2 && (behind === stop || behind === carriageReturn)) {
              column.truths[row] = truth
              i++
            } else {
              i = readCell(bytes, buffer, i, size, column, row)
              if (i < 0) break record
            }
          }
        }
        if (bytes[i] !== stop) {
          if (k !== lastColumn || bytes[i] !== carriageReturn || bytes[i + 1] !== lineFeed || i + 1 >= size)
            break record
          i++
        }
        i++
      }
      if (endsWith === carriageReturn && bytes[i] === lineFeed) i++
      if (i - start > maxRowBytes) break
      row++
      cost += rowCost + textBytes
      start = i
    }
    state.at = start
    state.row = row
    state.cost = cost
  }
}
