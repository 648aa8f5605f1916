import text from '../kernels/last-border.wasm.ts'
import { instantiateKernel } from '../kernels/load.ts'

/** Bytes that the kernel looks at in one call: they stay in a processor's cache between the copy and the look. */
const windowBytes = 4 * 65_536

/** A function of findBorder's shape over a memory of its own. */
export function createBorderFinder() {
  const memory = new WebAssembly.Memory({ initial: windowBytes / 65_536 })
  const window = new Uint8Array(memory.buffer, 0, windowBytes)
  const { lastBorder, endsInside } = instantiateKernel<{
    lastBorder(start: number, end: number, lineEnd: number, inside: number): number
    endsInside(): number
  }>(text, memory)

  /**
   * The place behind the last line end of the bytes that does not stand inside quotes, 0 where there is none. The bytes begin with a record;
   * `lineEnd` is a byte. Whether a line end is inside quotes is told by the number of quotes before it: as long as quotes only open, close or are
   * doubled inside a cell, an odd number means inside. Where they stand astray the place may be wrong, which whoever decodes up to it finds out.
   */
  return function findBorder(bytes: Uint8Array, lineEnd: number): number {
    let border = 0
    let inside = 0
    for (let at = 0; at < bytes.length; at += windowBytes) {
      const length = Math.min(windowBytes, bytes.length - at)
      window.set(bytes.subarray(at, at + length))
      const found = lastBorder(0, length, lineEnd, inside)
      if (found > 0) border = at + found
      inside = endsInside()
    }
    return border
  }
}
