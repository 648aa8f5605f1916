/**
 * Distinct tuples of 32-bit numbers in the order of their first coming: a hash table with linear probing over flat arrays. Memory grows with
 * the distinct tuples.
 */
export class Tuples {
  count = 0
  private readonly width: number
  private tuples: Int32Array
  /** Place + 1; 0 is free. */
  private slots = new Int32Array(256)

  constructor(width: number) {
    this.width = width
    this.tuples = new Int32Array(64 * width)
  }

  /** The n-th part of the tuple at a place. */
  part(place: number, at: number): number {
    return this.tuples[place * this.width + at]!
  }

  /** The place of the tuple parts[0][row], parts[1][row] …, which is put in where it is new: then `count` has grown. */
  find(parts: ArrayLike<number>[], row: number): number {
    const { width, tuples, slots } = this
    let hash = 0
    for (let part = 0; part < width; part++) hash = mix(hash, parts[part]![row]!)
    const mask = slots.length - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    search: for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const place = slots[slot]! - 1
      for (let part = 0; part < width; part++) if (tuples[place * width + part] !== parts[part]![row]) continue search
      return place
    }
    slots[slot] = this.count + 1
    return this.add(parts, row)
  }

  /** Puts in a tuple that is known to be new, without a slot of its own: find does not see it until the slots are made anew. */
  append(first: number, second: number): number {
    this.widen()
    this.tuples[2 * this.count] = first
    this.tuples[2 * this.count + 1] = second
    return this.count++
  }

  private add(parts: ArrayLike<number>[], row: number): number {
    const { width, count } = this
    this.widen()
    for (let part = 0; part < width; part++) this.tuples[count * width + part] = parts[part]![row]!
    this.count++
    if (this.count * 2 > this.slots.length) this.rehash()
    return count
  }

  private widen(): void {
    if ((this.count + 1) * this.width <= this.tuples.length) return
    const larger = new Int32Array(2 * this.tuples.length)
    larger.set(this.tuples)
    this.tuples = larger
  }

  /** Makes the slots anew, with room for twice as many tuples. */
  rehash(): void {
    const { width, tuples } = this
    let size = this.slots.length
    while (size < 4 * this.count) size *= 2
    const slots = new Int32Array(size)
    const mask = size - 1
    for (let place = 0; place < this.count; place++) {
      let hash = 0
      for (let part = 0; part < width; part++) hash = mix(hash, tuples[place * width + part]!)
      let slot = (hash ^ (hash >>> 15)) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = place + 1
    }
    this.slots = slots
  }
}

const mix = (hash: number, word: number): number => {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 16)
}
