import { createHash } from 'node:crypto'
import text from '../../lib/kernels/count-byte.wasm.ts'
import { instantiateKernel } from '../../lib/kernels/load.ts'
import { median } from './compare.ts'

const size = 64 * 2 ** 20
const repeats = 7

function gigabytesPerSecond(work: () => void): number {
  work()
  const times = Array.from({ length: repeats }, () => {
    const started = performance.now()
    work()
    return performance.now() - started
  })
  return size / 1e6 / median(times)
}

/** What one core of this machine does at most, in gigabytes a second: copying memory, looking at each byte once, hashing. */
export function measureLimits(): { copy: number; scan: number; sha256: number } {
  const memory = new WebAssembly.Memory({ initial: size / 65536 })
  const { countByte } = instantiateKernel<{ countByte: (start: number, end: number, byte: number) => number }>(
    text,
    memory,
  )
  const bytes = new Uint8Array(memory.buffer).fill(0x61)
  const target = new Uint8Array(size)
  return {
    copy: gigabytesPerSecond(() => target.set(bytes)),
    scan: gigabytesPerSecond(() => countByte(0, size, 0x22)),
    sha256: gigabytesPerSecond(() => createHash('sha256').update(bytes).digest()),
  }
}
