import { describeLargeCell } from '../csv/describe-fault.ts'
import { createDialectFinder } from '../csv/find-dialect.ts'
import type { TextFault } from '../csv/normalise-text.ts'
import { Rejection } from '../errors.ts'
import { createBorderFinder } from './find-border.ts'
import { type FileStart, readHeader } from './read-header.ts'
import type { TextReader } from './read-text.ts'

/** A part of a file's text. */
export interface Part {
  /** Alone in their buffer. */
  bytes: Uint8Array<ArrayBuffer>
  /**
   * `whole`: records, and more parts follow. `last`: the rest of the file. `open`: no record ends in it, and the file goes on. `whole` says what
   * follows from the quotes; see findBorder.
   */
  kind: 'whole' | 'last' | 'open'
  /** Behind the bytes of a last part. */
  fault?: TextFault | undefined
}

/** A row may be as large as two cells whose every byte is a doubled quote, and this: then no decoder takes it. */
const rowMargin = 256 * 1024

/**
 * Cuts a file's text into parts of at most `partBytes` that end with a record; where a record is larger, into parts of twice as many bytes, four
 * times, and so on. Where the parts are cut depends on the text alone.
 *
 * A line end is a border unless it stands inside quotes, and whether it does takes all quotes before it: they are counted in one pass while the
 * text is read, so that parts can be decoded in parallel before it is known that the quotes are in order; a part whose decoder does not end
 * exactly at its border shows that they are not. Source: Ge, Li, Eilebrecht, Chandramouli, Kossmann, "Speculative Distributed CSV Data Parsing for
 * Big Data Analytics", SIGMOD 2019, which also says when a border can be guessed without reading what is before it; Mühlbauer et al., "Instant
 * Loading for Main Memory Databases", PVLDB 6(14), 2013, for chunks and their parallel loading.
 */
export function createPartCutter({
  reader,
  file,
  names,
  maxCellBytes,
  partBytes,
}: {
  reader: TextReader
  /** Named in problems. */
  file: string
  /** The declared columns. */
  names: readonly string[]
  maxCellBytes: number
  partBytes: number
}) {
  const spare: ArrayBuffer[] = []
  const mostOpen = 2 * maxCellBytes + rowMargin
  let findBorder: ReturnType<typeof createBorderFinder> | undefined
  let buffer = new Uint8Array(partBytes)
  let size = 0
  /** In front of `from` there is nothing to cut any more. */
  let from = 0
  let lineEnd = 0x0a
  let ended = false
  let done = false

  async function fillTo(limit: number): Promise<void> {
    if (limit > buffer.length) {
      const larger = new Uint8Array(limit)
      larger.set(buffer.subarray(0, size))
      buffer = larger
    }
    size = await reader.fill(buffer.subarray(0, limit), size)
  }

  function takeBuffer(): Uint8Array<ArrayBuffer> {
    const known = spare.pop()
    return known ? new Uint8Array(known) : new Uint8Array(partBytes)
  }

  /** What is behind `end` begins the next buffer. */
  function cut(end: number, kind: Part['kind']): Part {
    const part: Part = { bytes: buffer.subarray(from, end), kind }
    const rest = buffer.subarray(end, size)
    buffer = takeBuffer()
    if (rest.length > buffer.length) buffer = new Uint8Array(rest.length)
    // Where lines end in CR, a LF behind it belongs to the line end, which is one without it too.
    const skipped = kind === 'whole' && lineEnd === 0x0d && rest[0] === 0x0a ? 1 : 0
    buffer.set(rest.subarray(skipped))
    size = rest.length - skipped
    from = 0
    return part
  }

  return {
    /** The file's beginning, before `next`. Throws Rejection where no end of the header is in sight. */
    async start(): Promise<
      FileStart & { /** Whether the file is one part, which begins with the header. */ whole: boolean }
    > {
      for (let limit = partBytes; ; limit *= 2) {
        await fillTo(limit)
        if (size < limit) {
          ended = true
          const finder = createDialectFinder({ names })
          finder.push(buffer.subarray(0, size))
          return { dialect: finder.finish().dialect, header: undefined, next: 0, whole: true }
        }
        const found = readHeader(buffer.subarray(0, size), { names, maxCellBytes })
        if (found) {
          lineEnd = found.dialect.lineEnds.includes('\n') ? 0x0a : 0x0d
          from = found.header ? found.next : 0
          return { ...found, whole: false }
        }
        if (size > mostOpen) throw new Rejection(describeLargeCell(maxCellBytes, { file, row: 0 }))
      }
    },
    /** The next part; undefined behind the last one. */
    async next(): Promise<Part | undefined> {
      if (done) return undefined
      for (let limit = Math.max(partBytes, size); ; limit *= 2) {
        if (!ended) await fillTo(limit)
        if (ended || size < limit) {
          done = true
          return { bytes: buffer.subarray(from, size), kind: 'last', fault: reader.fault() }
        }
        findBorder ??= createBorderFinder()
        const border = findBorder(buffer.subarray(from, size), lineEnd)
        if (border > 0) return cut(from + border, 'whole')
        if (size - from > mostOpen) return cut(size, 'open')
      }
    },
    /** Takes back the buffer of a part that is done with. */
    giveBack({ buffer: freed }: Uint8Array<ArrayBuffer>): void {
      if (freed.byteLength === partBytes) spare.push(freed)
    },
  }
}
