import indexKernel from '../kernels/csv-index.wasm.ts'
import numbersKernel from '../kernels/csv-numbers.wasm.ts'
import temporalKernel from '../kernels/csv-temporal.wasm.ts'
import textsKernel from '../kernels/csv-texts.wasm.ts'
import { instantiateKernel } from '../kernels/load.ts'

/** `rows` cells of the column whose record is at `column`, into its slots from `row` on; see kernels/csv-numbers.as.ts. */
export type TakeValues = (
  column: number,
  ends: number,
  stride: number,
  rows: number,
  row: number,
  unusual: number,
) => number

/** The functions of kernels/csv-*.as.ts. All places are addresses in the memory. */
export interface CsvKernels {
  indexCells(
    start: number,
    size: number,
    ends: number,
    most: number,
    columns: number,
    separator: number,
    lineEnd: number,
    longest: number,
  ): number
  takeTexts(column: number, ends: number, stride: number, rows: number, row: number, longest: number): number
  rebuildTable(column: number, old: number, size: number): void
  takeIntegers: TakeValues
  takeDoubles: TakeValues
  takeDecimals: TakeValues
  takeBooleans: TakeValues
  takeDates: TakeValues
  takeTimestamps: TakeValues
  takeTimes: TakeValues
}

type Of<names extends keyof CsvKernels> = { [name in names]: (...values: number[]) => number }

const pageBytes = 65_536
const firstPages = 16
/** A memory never shrinks: larger ones are not kept for the next file. */
const mostKept = 48 * 1024 * 1024
const smallestBlock = 256
/** Where 10^0, 10^1 and so on stand as doubles and as 64-bit integers; blocks begin behind them. */
export const powersAt = 64
export const longPowersAt = 256
/** Where vectors that the kernels load stand, in their order. */
const vectorsAt = 512
const vectors = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  Array(16).fill(0x30),
  Array(16).fill(9),
  Array(16).fill(0x2e ^ 0x30),
  Array(8).fill([0xff, 0]).flat(),
  Array(8).fill([10, 0]).flat(),
  Array(4).fill([100, 0, 1, 0]).flat(),
  Array(4).fill([0x10, 0x27, 1, 0]).flat(),
]
const firstBlock = 1024

/** The kernels of the CSV decoder, and the memory that they share: blocks of it are given out and taken back. */
export class KernelMemory {
  readonly kernels: CsvKernels
  /** All of the memory. Another after any `allocate`. */
  buffer: Buffer
  ints: Int32Array
  longs: BigInt64Array
  doubles: Float64Array
  private readonly memory = new WebAssembly.Memory({ initial: firstPages })
  private next = firstBlock
  /** By the binary logarithm of their size. */
  private readonly freeBlocks: number[][] = Array.from({ length: 33 }, () => [])

  constructor() {
    const { memory } = this
    this.kernels = {
      ...instantiateKernel<Of<'indexCells'>>(indexKernel, memory),
      ...instantiateKernel<Of<'takeTexts' | 'rebuildTable'>>(textsKernel, memory),
      ...instantiateKernel<Of<'takeIntegers' | 'takeDoubles' | 'takeDecimals' | 'takeBooleans'>>(numbersKernel, memory),
      ...instantiateKernel<Of<'takeDates' | 'takeTimestamps' | 'takeTimes'>>(temporalKernel, memory),
    }
    this.buffer = Buffer.from(memory.buffer)
    this.ints = new Int32Array(memory.buffer)
    this.longs = new BigInt64Array(memory.buffer)
    this.doubles = new Float64Array(memory.buffer)
    for (const [at, bytes] of vectors.entries()) this.buffer.set(bytes, vectorsAt + 16 * at)
    for (let exponent = 0; exponent <= 22; exponent++) this.doubles[powersAt / 8 + exponent] = Number(`1e${exponent}`)
    for (let exponent = 0; exponent <= 18; exponent++) this.longs[longPowersAt / 8 + exponent] = 10n ** BigInt(exponent)
  }

  /** A block of at least so many bytes, which may hold anything. Its address is a multiple of 64. Throws RangeError where there is no memory. */
  allocate(bytes: number): number {
    const size = blockSize(bytes)
    const free = this.freeBlocks[logarithm(size)].pop()
    if (free !== undefined) return free
    const at = this.next
    if (at + size > this.buffer.length) this.grow(at + size - this.buffer.length)
    this.next = at + size
    return at
  }

  /** Takes back a block that was allocated for so many bytes; address 0 is none. */
  free(at: number, bytes: number): void {
    if (at !== 0) this.freeBlocks[logarithm(blockSize(bytes))].push(at)
  }

  /** A block of `bytes` with the first `kept` bytes of another, of `oldBytes`, which is taken back. */
  move(old: number, oldBytes: number, kept: number, bytes: number): number {
    const at = this.allocate(bytes)
    this.buffer.copyWithin(at, old, old + kept)
    this.free(old, oldBytes)
    return at
  }

  /** For the next who borrows: what was allocated is no more. */
  release(): void {
    if (this.buffer.length > mostKept || idle.length > 0) return
    this.next = firstBlock
    for (const blocks of this.freeBlocks) blocks.length = 0
    idle.push(this)
  }

  private grow(bytes: number): void {
    const { memory } = this
    // By an eighth at least, so that growing is rare; pages that nobody touches cost nothing.
    memory.grow(Math.ceil(Math.max(bytes, this.buffer.length >> 3) / pageBytes))
    this.buffer = Buffer.from(memory.buffer)
    this.ints = new Int32Array(memory.buffer)
    this.longs = new BigInt64Array(memory.buffer)
    this.doubles = new Float64Array(memory.buffer)
  }
}

const idle: KernelMemory[] = []

/** The memory of the last file where it was released, or another. Engines set much address space aside for each. */
export const borrowMemory = (): KernelMemory => idle.pop() ?? new KernelMemory()

/** The size of the block that is given for so many bytes: a power of two. */
const blockSize = (bytes: number): number => 2 ** (32 - Math.clz32(Math.max(bytes, smallestBlock) - 1))
const logarithm = (size: number): number => 31 - Math.clz32(size)
