import fc from 'fast-check'
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { ByteWriter } from 'hyparquet-writer'
import { deltaBinaryPack } from 'hyparquet-writer/src/delta.js'
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js'
import { describe, expect, it } from 'vitest'
import { Scratch } from '../../../lib/parquet/scratch.ts'

const scratch = new Scratch()
const { kernels } = scratch

/** What `use` gives with all of the memory free, and filled with what nobody expects. */
function afresh<T>(use: () => T): T {
  scratch.release(0)
  scratch.bytes(scratch.take(20_000), 20_000).fill(0xa5)
  scratch.release(0)
  return use()
}

const bitmap = (bits: boolean[]): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [at, bit] of bits.entries()) if (bit) bytes[at >> 3] |= 1 << (at & 7)
  return bytes
}

/** Runs of one value and stretches of any. */
const runsOf = <T>(value: fc.Arbitrary<T>) =>
  fc
    .array(fc.tuple(value, fc.integer({ min: 1, max: 40 })), { maxLength: 30 })
    .map(runs => runs.flatMap(([each, length]) => Array<T>(length).fill(each)))

const int32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1))
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n),
)

/** The values of the RLE and bit-packing hybrid, bit by bit, to the end of the bytes. */
function unpack(bytes: Uint8Array, bits: number): number[] {
  const values: number[] = []
  let at = 0
  while (at < bytes.length) {
    let header = 0
    let shift = 0
    do header += (bytes[at] & 127) * 2 ** (7 * shift++)
    while (bytes[at++] & 128)
    const packed = header % 2 === 1
    const count = packed ? (header >> 1) * 8 : 1
    const stretch = bytes.subarray(at, at + (packed ? (header >> 1) * bits : Math.ceil(bits / 8)))
    const bitOf = (place: number) => (stretch[place >> 3] >> (place & 7)) & 1
    for (let each = 0; each < count; each++) {
      let value = 0
      for (let bit = 0; bit < bits; bit++) value += bitOf(each * bits + bit) * 2 ** bit
      values.push(...Array<number>(packed ? 1 : header >> 1).fill(value))
    }
    at += stretch.length
  }
  return values
}

describe('packIndices', () => {
  it('packs any values of any width, as hyparquet-writer where it can, and leaves what is behind them', () => {
    fc.assert(
      fc.property(runsOf(fc.nat(2 ** 32 - 1)), fc.integer({ min: 1, max: 32 }), (given, bits) => {
        const values = given.map(value => value % 2 ** bits)
        afresh(() => {
          const place = scratch.put(Uint32Array.from(values))
          const out = scratch.take(Math.ceil(values.length / 8) * (bits + 6) + 16)
          const bytes = scratch.bytes(out, kernels.packIndices(place, values.length, bits, out))
          const unpacked = unpack(bytes, bits)
          expect(unpacked.slice(0, values.length)).toEqual(values)
          expect(unpacked.slice(values.length)).toEqual(Array(unpacked.length - values.length).fill(0))
          expect([...scratch.bytes(place + values.length * 4, 16)]).toEqual(Array(16).fill(0xa5))
          // Beyond, its pending bits and the next value do not fit 32 bits together.
          if (bits > 24) return
          const writer = new ByteWriter()
          writeRleBitPackedHybrid(writer, values, bits)
          expect(Buffer.compare(bytes, writer.getBytes())).toBe(0)
        })
      }),
      { numRuns: 300 },
    )
  })

  it('has room for the worst alternation of runs and single values', () => {
    const values = Uint32Array.from({ length: 9000 }, (_, at) => (at % 16 < 8 ? 5 : at % 4))
    for (const bits of [3, 9, 24]) {
      const writer = new ByteWriter()
      writeRleBitPackedHybrid(writer, [...values], bits)
      expect(writer.offset).toBeLessThanOrEqual(Math.ceil(values.length / 8) * (bits + 6) + 16)
    }
  })
})

describe('packDeltas', () => {
  const roundTrip = (values: number[] | bigint[], width: 4 | 8) =>
    afresh(() => {
      const typed = width === 4 ? Int32Array.from(values as number[]) : BigInt64Array.from(values as bigint[])
      const place = scratch.put(new Uint8Array(typed.buffer))
      const most = (values.length + 32) * width + Math.ceil(values.length / 128) * 14 + 32
      const out = scratch.take(most)
      const pack = width === 4 ? kernels.packDeltas4 : kernels.packDeltas8
      const measure = width === 4 ? kernels.measureDeltas4 : kernels.measureDeltas8
      const length = pack(place, values.length, out)
      expect(length).toBeLessThanOrEqual(most)
      const measured = measure(place, values.length)
      expect(measured).toBeLessThanOrEqual(length + 24)
      expect(measured).toBeGreaterThanOrEqual(length - 4)
      const bytes = scratch.bytes(out, length).slice()
      const reader = { view: new DataView(bytes.buffer), offset: 0 }
      const read = width === 4 ? new Int32Array(values.length) : new BigInt64Array(values.length)
      deltaBinaryUnpack(reader, values.length, read)
      expect(reader.offset).toBe(bytes.length)
      expect([...read]).toEqual([...typed])
      return bytes
    })

  it('is read back by hyparquet, whatever the integers of 32 bits', () => {
    fc.assert(
      fc.property(fc.array(int32, { minLength: 1, maxLength: 300 }), values => {
        const bytes = roundTrip(values, 4)
        // No width is beyond the type's: readers refuse such.
        expect(bytes.length).toBeLessThanOrEqual(values.length * 4 + 32 * 4 + Math.ceil(values.length / 128) * 14 + 32)
      }),
      { numRuns: 200 },
    )
  })

  it('is read back by hyparquet, whatever the integers of 64 bits', () => {
    fc.assert(
      fc.property(fc.array(int64, { minLength: 1, maxLength: 300 }), values => {
        roundTrip(values, 8)
      }),
      { numRuns: 200 },
    )
  })

  it('makes the bytes of hyparquet-writer where differences do not wrap around', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -(2 ** 30), max: 2 ** 30 - 1 }), { minLength: 1, maxLength: 300 }),
        values => {
          const writer = new ByteWriter()
          deltaBinaryPack(writer, values, 'INT32')
          expect(Buffer.compare(roundTrip(values, 4), writer.getBytes())).toBe(0)
        },
      ),
    )
  })
})

describe('bits', () => {
  it('are joined and counted at any place', () => {
    fc.assert(
      fc.property(runsOf(fc.boolean()), runsOf(fc.boolean()), fc.nat(20), (a, b, skipped) => {
        const first = Math.min(skipped, b.length)
        const expected = [...a, ...b.slice(first)]
        afresh(() => {
          const to = scratch.takeZeros(Math.ceil(expected.length / 8) + 1)
          kernels.appendBits(scratch.put(bitmap(a)), 0, a.length, to, 0)
          kernels.appendBits(scratch.put(bitmap(b)), first, b.length - first, to, a.length)
          expect([...scratch.bytes(to, Math.ceil(expected.length / 8))]).toEqual([...bitmap(expected)])
          const from = a.length & ~7
          const set = expected.slice(from).filter(bit => bit).length
          expect(kernels.countBits(to, from, expected.length - from)).toBe(set)
        })
      }),
      { numRuns: 300 },
    )
  })

  it('choose the values that are gathered, of any width, in place too', () => {
    fc.assert(
      fc.property(
        runsOf(fc.boolean()),
        fc.nat(20),
        fc.constantFrom(1, 4, 8),
        fc.boolean(),
        (nulls, skipped, width, apart) => {
          const first = Math.min(skipped, nulls.length)
          const count = nulls.length - first
          const values = Uint8Array.from({ length: count * width }, (_, at) => at * 7)
          const expected = values.filter((_, at) => !nulls[first + Math.floor(at / width)])
          const gather = width === 1 ? kernels.gather1 : width === 4 ? kernels.gather4 : kernels.gather8
          afresh(() => {
            const to = scratch.take(values.length)
            const from = apart ? scratch.take(values.length) : to
            const bits = scratch.put(bitmap(nulls))
            scratch.bytes(from, values.length).set(values)
            expect(gather(from, bits, first, count, to)).toBe(expected.length / width)
            expect([...scratch.bytes(to, expected.length)]).toEqual([...expected])
          })
        },
      ),
      { numRuns: 300 },
    )
  })

  it('stand for booleans', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 100 }), values => {
        afresh(() => {
          const out = scratch.take(20)
          const length = kernels.packBooleans(scratch.put(Uint8Array.from(values, Number)), values.length, out)
          expect([...scratch.bytes(out, length)]).toEqual([...bitmap(values)])
        })
      }),
    )
  })
})

describe('bounds', () => {
  const two = (out: number, width: 4 | 8) => {
    const { buffer, byteOffset } = scratch.bytes(out, 2 * width)
    return new DataView(buffer, byteOffset, 2 * width)
  }

  it('are the least and the greatest', () => {
    fc.assert(
      fc.property(
        fc.array(int32, { minLength: 1, maxLength: 40 }),
        fc.array(int64, { minLength: 1, maxLength: 40 }),
        (a, b) => {
          afresh(() => {
            const out = scratch.take(16)
            kernels.bounds4(scratch.put(Int32Array.from(a)), a.length, out)
            expect([two(out, 4).getInt32(0, true), two(out, 4).getInt32(4, true)]).toEqual([
              Math.min(...a),
              Math.max(...a),
            ])
            kernels.bounds8(scratch.put(new Uint8Array(BigInt64Array.from(b).buffer)), b.length, out)
            const sorted = b.toSorted((x, y) => (x < y ? -1 : x > y ? 1 : 0))
            expect([two(out, 8).getBigInt64(0, true), two(out, 8).getBigInt64(8, true)]).toEqual([
              sorted[0],
              sorted.at(-1),
            ])
          })
        },
      ),
    )
  })

  it('leave NaN out', () => {
    const double = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 0, -0, Number.POSITIVE_INFINITY))
    fc.assert(
      fc.property(fc.array(double, { minLength: 1, maxLength: 40 }), values => {
        const numbers = values.filter(value => !Number.isNaN(value))
        afresh(() => {
          const out = scratch.take(16)
          const place = scratch.put(new Uint8Array(Float64Array.from(values).buffer))
          expect(kernels.boundsDouble(place, values.length, out)).toBe(values.length - numbers.length)
          const [min, max] = [two(out, 8).getFloat64(0, true), two(out, 8).getFloat64(8, true)]
          expect([min + 0, max + 0]).toEqual([Math.min(...numbers) + 0, Math.max(...numbers) + 0])
        })
      }),
      { numRuns: 300 },
    )
  })
})

describe('dictionaries of numbers', () => {
  const build = (values: number[] | bigint[], width: 4 | 8, most: number, range?: number) =>
    afresh(() => {
      const typed = width === 4 ? Int32Array.from(values as number[]) : BigInt64Array.from(values as bigint[])
      const place = scratch.put(new Uint8Array(typed.buffer))
      const indices = scratch.take(values.length * 4)
      const entries = scratch.take(most * width)
      const bits = Math.max(4, Math.ceil(Math.log2(2 * most)))
      const slots = scratch.takeZeros(4 * (range ?? 2 ** bits))
      const least = scratch.take(16)
      if (range !== undefined) (width === 4 ? kernels.bounds4 : kernels.bounds8)(place, values.length, least)
      const { find4, find8, lookUp4, lookUp8 } = kernels
      const size =
        range === undefined
          ? (width === 4 ? find4 : find8)(place, values.length, indices, entries, most, slots, bits)
          : (width === 4 ? lookUp4 : lookUp8)(place, values.length, indices, entries, most, slots, least)
      if (size < 0) return undefined
      const bytes = scratch.bytes(entries, size * width).slice().buffer
      return {
        entries: [...(width === 4 ? new Int32Array(bytes) : new BigInt64Array(bytes))],
        indices: [...scratch.words(indices, values.length)],
      }
    })

  const check = (values: number[] | bigint[], width: 4 | 8, most: number, range?: number) => {
    const distinct = [...new Set<number | bigint>(values)]
    const found = build(values, width, most, range)
    if (distinct.length > most) return expect(found).toBeUndefined()
    const places = new Map(distinct.map((value, at) => [value, at]))
    expect(found).toEqual({ entries: distinct, indices: values.map(value => places.get(value)) })
  }

  it('hold the distinct values in the order of their first places', () => {
    fc.assert(
      fc.property(runsOf(int32), runsOf(int64), fc.integer({ min: 1, max: 30 }), (a, b, most) => {
        check(a, 4, most)
        check(b, 8, most)
      }),
    )
  })

  it('are looked up by value where integers are of a narrow range', () => {
    const base = fc.constantFrom(-(2n ** 63n), 2n ** 63n - 100n, -50n, 2n ** 53n)
    fc.assert(
      fc.property(
        fc.array(fc.nat(99), { minLength: 1, maxLength: 300 }),
        base,
        fc.integer({ min: 1, max: 99 }),
        (offsets, least, most) => {
          check(
            offsets.map(offset => least + BigInt(offset)),
            8,
            most,
            100,
          )
          check(
            offsets.map(offset => offset - 2 ** 31),
            4,
            most,
            100,
          )
        },
      ),
    )
  })

  it('hold many, and are given up early where values hardly repeat', () => {
    const many = Array.from({ length: 60_000 }, (_, at) => (at * at * 31 + (at >> 2)) % 5000)
    check(many, 4, 10_000)
    check(many.map(BigInt), 8, 10_000)
    expect(build([...Array(20_000).keys()], 4, 1_000_000)).toBeUndefined()
  })
})

describe('texts', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ maxLength: 60 }),
    fc.constantFrom('', 'a', 'ab'),
  )
  const column = fc
    .uniqueArray(text, { minLength: 1, maxLength: 30, selector: value => value.toWellFormed() })
    .chain(texts =>
      fc.record({
        texts: fc.constant(texts.map(value => value.toWellFormed())),
        picks: fc.array(fc.nat(texts.length - 1), { minLength: 1, maxLength: 60 }),
      }),
    )

  it('are numbered by first use, laid out with their lengths, measured, copied and compared', () => {
    fc.assert(
      fc.property(column, fc.nat(), ({ texts, picks }, cut) => {
        const used = [...new Set(picks)]
        const plain = (which: string[]) =>
          Buffer.concat(
            which.flatMap(value => {
              const bytes = Buffer.from(value)
              return [Uint8Array.of(bytes.length, 0, 0, 0), bytes]
            }),
          )
        const encoded = texts.map(value => Buffer.from(value))
        const offsets = Uint32Array.from(
          [0, ...texts.keys()].map((_, at) => encoded.slice(0, at).reduce((sum, { length }) => sum + length, 0)),
        )
        afresh(() => {
          const indices = scratch.put(Uint32Array.from(picks))
          const order = scratch.take(texts.length * 4)
          const count = kernels.numberEntries(indices, picks.length, scratch.takeZeros(texts.length * 4), order)
          expect([...scratch.words(order, count)]).toEqual(used)
          expect([...scratch.words(indices, picks.length)]).toEqual(picks.map(pick => used.indexOf(pick)))
          const rows = picks.map(pick => texts[pick])
          const all = plain(rows)
          const places = scratch.take((count + 1) * 4)
          const laid = scratch.take(offsets.at(-1)! + 4 * count)
          kernels.plainEntries(order, count, scratch.put(offsets), scratch.put(Buffer.concat(encoded)), laid, places)
          const entries = plain(used.map(pick => texts[pick]))
          expect(Buffer.compare(scratch.bytes(laid, scratch.words(places, count + 1)[count]), entries)).toBe(0)
          expect(kernels.plainSize(indices, picks.length, places)).toBe(all.length)
          const out = scratch.take(all.length)
          expect(kernels.plainTexts(indices, picks.length, places, laid, out)).toBe(all.length)
          expect(Buffer.compare(scratch.bytes(out, all.length), all)).toBe(0)

          const bound = scratch.take(8)
          const boundsOf = () => [...scratch.words(bound, 2)].map(number => texts[used[number]])
          const extremes = (which: string[]) => {
            const sorted = which.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
            return [sorted[0], sorted.at(-1)]
          }
          kernels.boundEntries(count, places, laid, bound)
          expect(boundsOf()).toEqual(extremes(rows))
          const marks = scratch.takeZeros(count * 4)
          const from = cut % picks.length
          kernels.boundIndices(indices + from * 4, picks.length - from, places, laid, marks, 1, bound)
          expect(boundsOf()).toEqual(extremes(rows.slice(from)))
          kernels.boundIndices(indices, from + 1, places, laid, marks, 2, bound)
          expect(boundsOf()).toEqual(extremes(rows.slice(0, from + 1)))
        })
      }),
      { numRuns: 300 },
    )
  })

  it('take new numbers', () => {
    afresh(() => {
      const indices = scratch.put(Uint32Array.of(2, 0, 1, 2))
      kernels.renumber(indices, 4, scratch.put(Uint32Array.of(7, 9, 4)))
      expect([...scratch.words(indices, 4)]).toEqual([4, 7, 9, 4])
    })
  })
})
