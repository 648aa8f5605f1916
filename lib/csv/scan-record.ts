import type { QuoteFault } from './describe-fault.ts'
import type { Dialect } from './find-dialect.ts'

const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d
/** csv-parse looks at a byte once so many are there, from it on. */
const lookAhead = 4

/** What stands at the place of a record: a whole one, the beginning of one, or a fault. */
export type ScanOutcome = 'whole' | 'open' | QuoteFault

/**
 * Finds the cells of one record (RFC 4180; separators and line ends as `Dialect` has them), the general way: what the loop over rows does not
 * take comes here. Its fields tell of the last scan.
 */
export class RecordScanner {
  /** Cells that are whole. */
  count = 0
  /** Behind a whole record's line end. */
  next = 0
  /** Where the cell under way starts: the one that is open or at fault. */
  cellStart = 0
  /** How far bytes must reach for a line end or a stray quote to count before the file has ended. */
  needs = 0
  private readonly separator: number
  private readonly feedEnds: boolean
  /** Start and end of each whole cell's content, by turns. */
  private readonly bounds: number[] = []
  private readonly escaped: boolean[] = []
  /** Whether the quoted cell under way holds doubled quotes. */
  private doubled = false

  constructor({ separator, lineEnds }: Dialect) {
    this.separator = separator.charCodeAt(0)
    this.feedEnds = lineEnds.includes('\n')
  }

  /** Scans the record that starts at `start` in bytes up to `size`; with `final` the file ends there. */
  scan(bytes: Uint8Array, start: number, size: number, final: boolean): ScanOutcome {
    this.count = 0
    let i = start
    for (;;) {
      this.cellStart = i
      if (i < size && bytes[i] === quote) {
        const close = this.findClose(bytes, i, size, final)
        if (close < 0) return final ? 'unterminated-quote' : 'open'
        i = close + 1
        if (i < size && bytes[i] !== this.separator) {
          const length = this.lineEndAt(bytes, i, size, final)
          if (length === undefined) return 'open'
          if (length === 0) {
            this.needs = close + lookAhead
            return 'stray-quote'
          }
        }
        this.addCell(this.cellStart + 1, close, this.doubled)
      } else {
        for (; i < size && bytes[i] !== this.separator; i++) {
          const byte = bytes[i]
          if (byte === quote) {
            this.needs = i + lookAhead
            return 'stray-quote'
          }
          if (byte !== lineFeed && byte !== carriageReturn) continue
          const length = this.lineEndAt(bytes, i, size, final)
          if (length === undefined) return 'open'
          if (length > 0) break
        }
        if (i === size && !final) return 'open'
        this.addCell(this.cellStart, i, false)
      }
      if (i === size) {
        this.next = size
        return 'whole'
      }
      if (bytes[i] !== this.separator) {
        this.needs = i + lookAhead
        this.next = i + this.lineEndAt(bytes, i, size, final)!
        return 'whole'
      }
      i++
    }
  }

  /** The n-th whole cell of the last scan, without its quotes. `buffer` is over the bytes that were scanned. */
  cell(buffer: Buffer, at: number): string {
    const text = buffer.toString('utf8', this.bounds[2 * at], this.bounds[2 * at + 1])
    return this.escaped[at] ? text.replaceAll('""', '"') : text
  }

  /** Bytes of the n-th whole cell of the last scan, without its quotes. */
  cellBytes(buffer: Buffer, at: number): number {
    return this.escaped[at] ? Buffer.byteLength(this.cell(buffer, at)) : this.bounds[2 * at + 1] - this.bounds[2 * at]
  }

  private addCell(start: number, end: number, escaped: boolean): void {
    this.bounds[2 * this.count] = start
    this.bounds[2 * this.count + 1] = end
    this.escaped[this.count++] = escaped
  }

  /** The closing quote of the cell that a quote at `open` begins; below 0 where it is not known to be there. */
  private findClose(bytes: Uint8Array, open: number, size: number, final: boolean): number {
    this.doubled = false
    for (let i = open + 1; ; i += 2) {
      i = bytes.indexOf(quote, i)
      if (i < 0 || i >= size || (i + 1 === size && !final)) return -1
      if (i + 1 === size || bytes[i + 1] !== quote) return i
      this.doubled = true
    }
  }

  /** The length of the line end at a place, 0 where there is none; undefined where the next bytes decide. */
  private lineEndAt(bytes: Uint8Array, i: number, size: number, final: boolean): number | undefined {
    if (bytes[i] === lineFeed) return this.feedEnds ? 1 : 0
    if (bytes[i] !== carriageReturn) return 0
    if (i + 1 === size) return final ? (this.feedEnds ? 0 : 1) : undefined
    if (bytes[i + 1] === lineFeed) return 2
    return this.feedEnds ? 0 : 1
  }
}
