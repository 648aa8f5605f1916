import type { Utf8Texts } from '../text-table.ts'
import { word } from './column-record.ts'
import type { KernelMemory } from './kernel-memory.ts'

const firstEntries = 32
const firstBytes = 512
/** What the kernel may write behind an entry. */
export const slack = 64

/** The dictionary of a text column, in the kernels' memory: distinct texts in the order of their first coming. */
export class TextDictionary {
  private readonly memory: KernelMemory
  /** Of the column's record, in words. */
  private readonly at: number

  constructor(memory: KernelMemory, record: number) {
    this.memory = memory
    this.at = record >> 2
    this.open(firstEntries)
    const bytes = memory.allocate(firstBytes)
    this.set('bytes', bytes)
    this.set('bytesRoom', firstBytes)
  }

  /** Makes room for the entry that the kernel wanted to put in; false where it wanted none. */
  grow(): boolean {
    const { memory } = this
    const wanted = this.get('wanted')
    if (wanted === 0) return false
    const room = this.get('bytesRoom')
    const used = this.get('bytesUsed')
    const needed = used + wanted + slack
    if (needed > room) {
      const larger = Math.max(needed, 2 * room)
      this.set('bytes', memory.move(this.get('bytes'), room, used, larger))
      this.set('bytesRoom', larger)
    }
    if (this.get('entries') === this.get('entriesRoom')) this.widen()
    return true
  }

  /** The entries; with `lend` in arrays that are good until `restart`. */
  take(lend: boolean): Utf8Texts {
    const { memory } = this
    const count = this.get('entries')
    const buffer = memory.buffer.buffer as ArrayBuffer
    const bytes = new Uint8Array(buffer, this.get('bytes'), this.get('bytesUsed'))
    const offsets = new Int32Array(buffer, this.get('offsets'), count + 1)
    return lend ? { count, bytes, offsets } : { count, bytes: bytes.slice(), offsets: offsets.slice() }
  }

  /** Leaves all entries out. */
  restart(): void {
    const [count, room] = [this.get('entries'), this.get('entriesRoom')]
    if (room > firstEntries && 8 * count < room) {
      this.close()
      this.open(room >> 1)
    } else if (count > 0) this.clearTable()
    this.set('entries', 0)
    this.set('bytesUsed', 0)
  }

  private widen(): void {
    const { memory } = this
    const [room, entries, table] = [this.get('entriesRoom'), this.get('entries'), this.get('table')]
    this.set('keys', memory.move(this.get('keys'), 16 * room, 16 * entries, 32 * room))
    this.set('offsets', memory.move(this.get('offsets'), 4 * room + 4, 4 * entries + 4, 8 * room + 4))
    this.set('table', memory.allocate(32 * room))
    this.setRoom(2 * room)
    memory.kernels.rebuildTable(4 * this.at, table, 2 * room)
    memory.free(table, 16 * room)
  }

  private open(room: number): void {
    const { memory } = this
    this.set('keys', memory.allocate(16 * room))
    const offsets = memory.allocate(4 * room + 4)
    memory.ints[offsets >> 2] = 0
    this.set('offsets', offsets)
    this.set('table', memory.allocate(16 * room))
    this.setRoom(room)
    this.set('entries', 0)
    this.set('bytesUsed', 0)
  }

  private close(): void {
    const { memory } = this
    const room = this.get('entriesRoom')
    memory.free(this.get('keys'), 16 * room)
    memory.free(this.get('offsets'), 4 * room + 4)
    memory.free(this.get('table'), 16 * room)
  }

  private setRoom(room: number): void {
    this.set('entriesRoom', room)
    // The table has twice as many slots: as many as `32 - shift` bits can tell.
    this.set('shift', Math.clz32(room))
    this.clearTable()
  }

  private clearTable(): void {
    const table = this.get('table')
    this.memory.buffer.fill(0, table, table + 16 * this.get('entriesRoom'))
  }

  private get(name: keyof typeof word): number {
    return this.memory.ints[this.at + word[name]]
  }

  private set(name: keyof typeof word, value: number): void {
    this.memory.ints[this.at + word[name]] = value
  }
}
