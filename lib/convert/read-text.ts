import { createHash } from 'node:crypto'
import { createTextNormaliser, type Encoding, type TextFault } from '../csv/normalise-text.ts'

/**
 * Reads a file once: hashes and counts its bytes as they came, and puts its text, normalised, where it is asked to. A piece that `body` gives is
 * done with before the next is asked for.
 */
export function createTextReader({
  body,
  encoding,
  hash,
}: {
  body: AsyncIterable<Uint8Array>
  encoding: Encoding | undefined
  /** Whether the SHA-256 is wanted. */
  hash: boolean
}) {
  const source = body[Symbol.asyncIterator]()
  const sha256 = hash ? createHash('sha256') : undefined
  const text = createTextNormaliser({ encoding })
  let piece: Uint8Array = new Uint8Array(0)
  let bytes = 0
  let ended = false
  let fault: TextFault | undefined

  async function pull(): Promise<void> {
    const step = await source.next()
    if (!step.done) {
      sha256?.update(step.value)
      bytes += step.value.length
    }
    const chunk = step.done ? text.end() : text.push(step.value)
    piece = chunk.bytes
    fault = chunk.fault
    ended = step.done === true || fault !== undefined
  }

  return {
    /** Puts text into `target` from `size` to its end, as far as there is any; returns the new size. */
    async fill(target: Uint8Array, size: number): Promise<number> {
      let to = size
      for (;;) {
        const taken = piece.subarray(0, target.length - to)
        target.set(taken, to)
        to += taken.length
        piece = piece.subarray(taken.length)
        if (to === target.length || ended) return to
        await pull()
      }
    },
    /** Whether all text was given out, as far as is known. */
    ended: (): boolean => ended && piece.length === 0,
    /** What ended the text before its time. */
    fault: (): TextFault | undefined => fault,
    /** Of the file as it came. */
    bytes: (): number => bytes,
    /** Of the bytes read, in lower-case hex, once. */
    sha256: (): string | undefined => sha256?.digest('hex'),
    /** Lets go of the file. */
    async close(): Promise<void> {
      await source.return?.()
    },
  }
}

export type TextReader = ReturnType<typeof createTextReader>
