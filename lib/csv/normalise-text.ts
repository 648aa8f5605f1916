import { isAscii, isUtf8 } from 'node:buffer'

/** `latin1` is ISO-8859-1 exactly: bytes 0x80 to 0x9F are the C1 control characters, not the letters of windows-1252. */
export type Encoding = 'utf-8' | 'latin1'

/** What makes a file unreadable as text; `reason` completes a sentence that starts with the place. */
export interface TextFault {
  code: 'undecodable' | 'nul-byte'
  reason: string
}

/** UTF-8 text without byte order mark. With a fault, `bytes` is what stands before it, at least up to the start of its line. */
export interface TextChunk {
  bytes: Uint8Array
  fault?: TextFault
}

type Form = 'utf-8' | 'latin1' | 'utf-16le' | 'utf-16be'

const nothing = new Uint8Array(0)
const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Turns the bytes of a file, in any pieces, into valid UTF-8 without byte order mark. A byte order mark (UTF-8, UTF-16LE, UTF-16BE)
 * decides, whatever was declared; without one it is the declared encoding. After a chunk with a fault there is nothing more to push.
 */
export function createTextNormaliser({ encoding = 'utf-8' }: { encoding?: Encoding } = {}) {
  let form: Form | undefined
  let carry: Uint8Array = nothing

  function take(chunk: Uint8Array, last: boolean): TextChunk {
    let buffer = asBuffer(carry.length === 0 ? chunk : Buffer.concat([carry, chunk]))
    carry = nothing
    if (form === undefined) {
      if (buffer.length < 3 && !last) {
        carry = Buffer.from(buffer)
        return { bytes: nothing }
      }
      const found = findForm(buffer, encoding)
      form = found.form
      buffer = buffer.subarray(found.skip)
    }
    const cut = last ? buffer.length : completeLength(buffer, form)
    // A copy: the source may use its buffer again.
    if (cut < buffer.length) carry = Buffer.from(buffer.subarray(cut))
    return withoutNul(transcode(buffer.subarray(0, cut), form))
  }

  return {
    push: (chunk: Uint8Array): TextChunk => take(chunk, false),
    end: (): TextChunk => take(nothing, true),
  }
}

function findForm(start: Buffer, declared: Encoding): { form: Form; skip: number } {
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return { form: 'utf-8', skip: 3 }
  if (start[0] === 0xff && start[1] === 0xfe) return { form: 'utf-16le', skip: 2 }
  if (start[0] === 0xfe && start[1] === 0xff) return { form: 'utf-16be', skip: 2 }
  return { form: declared, skip: 0 }
}

/** The length without a character that is cut in two at the end. */
function completeLength(buffer: Buffer, form: Form): number {
  const { length } = buffer
  if (form === 'latin1') return length
  if (form === 'utf-8') {
    for (let back = 1; back <= Math.min(3, length); back++) {
      const byte = buffer[length - back]!
      if (byte < 0x80) break
      if (byte >= 0xc0) return back < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? length - back : length
    }
    return length
  }
  const even = length - (length % 2)
  const high = even === 0 ? 0 : buffer[form === 'utf-16le' ? even - 1 : even - 2]!
  return high >= 0xd8 && high <= 0xdb ? even - 2 : even
}

function transcode(buffer: Buffer, form: Form): TextChunk {
  if (form === 'latin1') return { bytes: isAscii(buffer) ? buffer : Buffer.from(buffer.toString('latin1'), 'utf8') }
  if (form === 'utf-8') {
    if (isUtf8(buffer)) return { bytes: buffer }
    const reason = 'holds bytes that are not UTF-8: save it as UTF-8, or declare its encoding'
    return { bytes: buffer.subarray(0, validLines(buffer)), fault: { code: 'undecodable', reason } }
  }
  const whole = buffer.subarray(0, buffer.length - (buffer.length % 2))
  const text = (form === 'utf-16le' ? whole : Buffer.from(whole).swap16()).toString('utf16le')
  if (text.isWellFormed() && whole.length === buffer.length) return { bytes: Buffer.from(text, 'utf8') }
  const wrong = text.search(/\p{Surrogate}/u)
  return {
    bytes: Buffer.from(wrong < 0 ? text : text.slice(0, wrong), 'utf8'),
    fault: { code: 'undecodable', reason: 'is not valid UTF-16, as its byte order mark announces: save it as UTF-8' },
  }
}

/** Where the first line that is not UTF-8 starts. Line ends are single bytes in UTF-8, so that lines can be judged one by one. */
function validLines(buffer: Buffer): number {
  let start = 0
  for (let i = 0; i < buffer.length; i++) {
    if (buffer[i] !== lineFeed && buffer[i] !== carriageReturn) continue
    if (!isUtf8(buffer.subarray(start, i))) return start
    start = i + 1
  }
  return start
}

function withoutNul({ bytes, fault }: TextChunk): TextChunk {
  const at = bytes.indexOf(0)
  if (at < 0) return fault ? { bytes, fault } : { bytes }
  const reason =
    'holds a NUL character: it is UTF-16 without a byte order mark, a binary file, or damaged; save it as UTF-8'
  return { bytes: bytes.subarray(0, at), fault: { code: 'nul-byte', reason } }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
