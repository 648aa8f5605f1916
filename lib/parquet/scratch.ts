import { instantiateKernel } from '../kernels/load.ts'
import packText from '../kernels/parquet-pack.wasm.ts'
import textText from '../kernels/parquet-text.wasm.ts'
import valuesText from '../kernels/parquet-values.wasm.ts'

type Bounded = (values: number, count: number, out: number) => number
type Finder = (
  values: number,
  count: number,
  indices: number,
  entries: number,
  most: number,
  slots: number,
  bitsOrLeast: number,
) => number
type Gatherer = (from: number, nulls: number, first: number, count: number, to: number) => number

/** What kernels/parquet-values.as.ts exports; it is described there. */
interface ValuesKernel {
  appendBits(from: number, first: number, count: number, bits: number, to: number): void
  countBits(bits: number, first: number, count: number): number
  gather1: Gatherer
  gather4: Gatherer
  gather8: Gatherer
  bounds4: Bounded
  bounds8: Bounded
  boundsDouble: Bounded
  find4: Finder
  find8: Finder
  lookUp4: Finder
  lookUp8: Finder
}

/** What kernels/parquet-pack.as.ts exports. */
interface PackKernel {
  packIndices(values: number, count: number, bits: number, out: number): number
  packLevels(nulls: number, rows: number, out: number): number
  packBooleans: Bounded
  measureDeltas4(values: number, count: number): number
  measureDeltas8(values: number, count: number): number
  packDeltas4: Bounded
  packDeltas8: Bounded
}

/** What kernels/parquet-text.as.ts exports. */
interface TextKernel {
  numberEntries(indices: number, count: number, numbers: number, order: number): number
  renumber(indices: number, count: number, numbers: number): void
  plainEntries(order: number, count: number, offsets: number, bytes: number, plain: number, places: number): void
  plainSize(indices: number, count: number, places: number): number
  plainTexts(indices: number, count: number, places: number, plain: number, out: number): number
  boundEntries(count: number, places: number, plain: number, out: number): void
  boundIndices(
    indices: number,
    count: number,
    places: number,
    plain: number,
    marks: number,
    mark: number,
    out: number,
  ): void
}

export type ParquetKernels = ValuesKernel & PackKernel & TextKernel

/** Bytes behind each piece that kernels may read or write. */
const spill = 32
/** Bytes up to which memory is kept from one column to the next. */
const mostKept = 64 * 2 ** 20
const wasmPage = 65_536

/**
 * The memory in which the kernels work, given out from its beginning: what a column takes is given back as a whole. Views of it hold until
 * more is taken, as it may move then.
 */
export class Scratch {
  readonly kernels: ParquetKernels
  private readonly memory = new WebAssembly.Memory({ initial: 16 })
  private used = 0

  constructor() {
    const { memory } = this
    this.kernels = {
      ...instantiateKernel<ValuesKernel>(valuesText, memory),
      ...instantiateKernel<PackKernel>(packText, memory),
      ...instantiateKernel<TextKernel>(textText, memory),
    }
  }

  /** The place of `bytes` bytes that nothing else uses, at a multiple of 16. What they hold is any. */
  take(bytes: number): number {
    const place = this.used
    this.used = (place + bytes + spill + 15) & ~15
    const missing = this.used - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / wasmPage))
    return place
  }

  /** The same, all of it 0. */
  takeZeros(bytes: number): number {
    const place = this.take(bytes)
    this.bytes(place, bytes).fill(0)
    return place
  }

  /** The same, with the bytes of `values`, which are little-endian as all hosts are. */
  put(values: Uint8Array | Uint32Array | Int32Array): number {
    const place = this.take(values.byteLength)
    this.bytes(place, values.byteLength).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    return place
  }

  /** How much is taken; what is taken after it goes back with `release`. */
  mark(): number {
    return this.used
  }

  release(mark: number): void {
    this.used = mark
  }

  bytes(place: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer, place, length)
  }

  words(place: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.memory.buffer, place, length)
  }

  /** Whether it has grown beyond what is worth keeping. */
  isLarge(): boolean {
    return this.memory.buffer.byteLength > mostKept
  }
}

let kept: Scratch | undefined

/** Runs `use` with this thread's memory; nothing of it may be used after. */
export function withScratch<T>(use: (scratch: Scratch) => T): T {
  const scratch = kept ?? new Scratch()
  // Taken out while it is in use, so that a use within a use has its own.
  kept = undefined
  try {
    return use(scratch)
  } finally {
    scratch.release(0)
    if (!scratch.isLarge()) kept = scratch
  }
}
