import type { Column } from '../columns.ts'
import { createKeyPlaces, type KeyPlaces, type PlacesOfBatch } from './key-places.ts'
import { createPartNumbers, type PartNumbers } from './part-numbers.ts'

/** Numbers of parts by column: entities that have a column in common number its values once. */
export function createPartPool(): (columns: string[]) => PartNumbers[] {
  const pool = new Map<string, PartNumbers>()
  return columns =>
    columns.map(column => {
      const name = column.toLowerCase()
      const numbers = pool.get(name) ?? createPartNumbers()
      pool.set(name, numbers)
      return numbers
    })
}

/** One entity's surrogate keys by the places of its natural keys. */
export class KnownKeys {
  /** The largest key in use; 0 where none is. */
  largest = 0
  readonly places: KeyPlaces
  private keys = new Float64Array(256)
  private known = 0
  /** Whether each key is its place + 1, as in a map without gaps. */
  private inStep = true

  constructor(parts?: PartNumbers[]) {
    this.places = createKeyPlaces(parts)
  }

  /** Natural keys that have a key. */
  get count(): number {
    return this.known
  }

  keyOf(place: number): number {
    return this.keys[place]!
  }

  /** Gives a natural key its key; places are given keys in their order. */
  set(place: number, key: number): void {
    if (place >= this.keys.length) {
      const larger = new Float64Array(2 * place)
      larger.set(this.keys)
      this.keys = larger
    }
    this.keys[place] = key
    this.known = Math.max(this.known, place + 1)
    this.inStep &&= key === place + 1
    if (key > this.largest) this.largest = key
  }

  /** Gives the next key to each place that has none. */
  allocate(): void {
    for (let place = this.known; place < this.places.count; place++) this.set(place, this.largest + 1)
  }

  /** The keys of rows, null where a part of the natural key is. All places must have a key. */
  columnOf({ places, nulls }: PlacesOfBatch): Column & { kind: 'int64' } {
    const { keys, inStep } = this
    const values = new BigInt64Array(places.length)
    // By halves, as each 64-bit element that is touched would be an object.
    const words = new Int32Array(values.buffer)
    for (let row = 0; row < places.length; row++) {
      const place = places[row]!
      if (place < 0) continue
      if (inStep) words[2 * row] = place + 1
      else {
        const key = keys[place]!
        words[2 * row] = key
        words[2 * row + 1] = Math.floor(key / 2 ** 32)
      }
    }
    return { kind: 'int64', values, ...(nulls && { nulls }) }
  }
}
