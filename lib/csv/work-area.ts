import type { KernelMemory } from './kernel-memory.ts'

/** Bytes that kernels may look at behind those that are there. */
const slack = 128

/** The bytes of a file that are under way, in the kernels' memory. */
export class WorkArea {
  /** Bytes that are there. */
  size = 0
  /** Where in the memory they are. */
  address: number
  /** Another number whenever bytes came to stand elsewhere. */
  moves = 0
  private readonly memory: KernelMemory
  private room = 64 * 1024
  private view: Buffer

  constructor(memory: KernelMemory) {
    this.memory = memory
    this.address = memory.allocate(this.room)
    this.view = memory.buffer.subarray(this.address, this.address + this.room)
  }

  /** The bytes that are there, and others behind them. Another view after whatever may have enlarged the memory. */
  bytes(): Buffer {
    const { memory, address, room } = this
    if (this.view.buffer !== memory.buffer.buffer || this.view.byteOffset !== address) {
      this.view = memory.buffer.subarray(address, address + room)
    }
    return this.view
  }

  append(bytes: Uint8Array): void {
    const needed = this.size + bytes.length + slack
    if (needed > this.room) {
      const larger = Math.max(needed, 2 * this.room)
      this.address = this.memory.move(this.address, this.room, this.size, larger)
      this.room = larger
      this.moves++
    }
    this.bytes().set(bytes, this.size)
    this.size += bytes.length
  }

  /** Leaves the first bytes out. */
  drop(bytes: number): void {
    this.bytes().copyWithin(0, bytes, this.size)
    this.size -= bytes
    this.moves++
  }
}
