/** Texts as UTF-8, one behind the other: the n-th lies at `offsets[n]` to `offsets[n + 1]`. Both arrays may be longer than is used. */
export interface Utf8Texts {
  count: number
  bytes: Uint8Array
  offsets: Int32Array
}

/** Spreads a hash whose low bits are much alike over the high ones, of which the slot is made (Knuth, TAOCP 3, 6.4). */
const spread = 0x9e3779b1 | 0
const firstBits = 7

/**
 * Distinct texts in the order of their first coming, found by their bytes: no string is made. Open addressing with linear probing; a slot is
 * a pair of hash and entry, so that most misses are told by one read.
 */
export class TextTable implements Utf8Texts {
  count = 0
  bytes: Uint8Array = new Uint8Array(1024)
  offsets: Int32Array = new Int32Array(65)
  private shift = 32 - firstBits
  /** Hash and entry + 1, by turns; 0 is a free slot. */
  private slots: Int32Array = new Int32Array(2 << firstBits)

  /** The entry of the text bytes[start, end), which is put in where it is new. `hash` is hashText's of the same bytes. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const { slots, shift } = this
    const mask = (slots.length >> 1) - 1
    let slot = Math.imul(hash, spread) >>> shift
    for (;;) {
      const entry = slots[2 * slot + 1] - 1
      if (entry < 0) return this.add(bytes, start, end, hash, slot)
      if (slots[2 * slot] === hash) {
        let at = this.offsets[entry]
        const to = this.offsets[entry + 1]
        if (to - at === end - start) {
          const known = this.bytes
          let from = start
          while (at < to && known[at] === bytes[from]) {
            at++
            from++
          }
          if (at === to) return entry
        }
      }
      slot = (slot + 1) & mask
    }
  }

  private add(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const entry = this.count++
    this.slots[2 * slot] = hash
    this.slots[2 * slot + 1] = entry + 1
    const at = this.offsets[entry]
    const next = at + end - start
    if (next > this.bytes.length) this.bytes = enlarge(this.bytes, new Uint8Array(2 * next))
    if (end - start > longCopy) this.bytes.set(bytes.subarray(start, end), at)
    else for (let to = at, from = start; from < end; to++, from++) this.bytes[to] = bytes[from]
    if (this.count >= this.offsets.length) {
      this.offsets = enlarge(this.offsets, new Int32Array(2 * this.offsets.length))
    }
    this.offsets[this.count] = next
    if (4 * this.count > this.slots.length) this.widen()
    return entry
  }

  private widen(): void {
    const old = this.slots
    this.slots = new Int32Array(2 * old.length)
    this.shift--
    const mask = old.length - 1
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue
      let slot = Math.imul(old[at], spread) >>> this.shift
      while (this.slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
      this.slots[2 * slot] = old[at]
      this.slots[2 * slot + 1] = old[at + 1]
    }
  }
}

/** Bytes above which a call of the engine's copy costs less than a loop. */
const longCopy = 64

function enlarge<A extends Uint8Array | Int32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

/** The hash that TextTable goes by: `h = 31 h + byte` in 32 bits, so that a scanner can make it as it goes. */
export function hashText(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]) | 0
  return hash
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The texts as strings. */
export function decodeTexts({ count, bytes, offsets }: Utf8Texts): string[] {
  return Array.from({ length: count }, (_, at) => decoder.decode(bytes.subarray(offsets[at], offsets[at + 1])))
}

/** The strings as UTF-8. */
export function encodeTexts(texts: readonly string[]): Utf8Texts {
  const offsets = new Int32Array(texts.length + 1)
  let room = 0
  for (const [at, text] of texts.entries()) {
    room += Buffer.byteLength(text)
    offsets[at + 1] = room
  }
  const bytes = Buffer.allocUnsafeSlow(room)
  for (const [at, text] of texts.entries()) bytes.write(text, offsets[at])
  return { count: texts.length, bytes: new Uint8Array(bytes.buffer, 0, room), offsets }
}
