import { describe, expect, it } from 'vitest'
import { NotFoundError, PreconditionError } from '../../lib/errors.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

export interface StoreUnderTest {
  /** An empty bucket, or undefined where the server for it is not there: the suite is then shown as skipped. */
  create: (() => Promise<ObjectStore>) | undefined
  /** False where the server, not the adapter, refuses keys that S3 takes: `..`, empty segments, an object that is a prefix of another. */
  anyKey?: boolean
  /** False where the server, unlike S3, may let several uploads in parts win that were to win only if there was no object. */
  atomicUploads?: boolean
  /** Whether a listing that starts after `start` has the key. By default in the order of UTF-8 bytes, as in S3. */
  isAfter?: (key: string, start: string) => boolean
}

const MiB = 1024 * 1024
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array): string => Buffer.from(data).toString()

/** Bytes that differ everywhere, so that a swapped part shows. */
function pattern(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  let state = seed
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, size)
}

async function* chunked(
  data: Uint8Array,
  size: number,
  failAfter = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) {
    if (at >= failAfter) throw new Error('the body broke off')
    yield data.subarray(at, at + size)
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function keysOf(store: ObjectStore, prefix = '', startAfter?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, { startAfter })) keys.push(key)
  return keys
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** How many of the writes succeeded; the others must have failed with PreconditionError. */
async function countWinners(writes: Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(writes)
  const losers = results.filter(result => result.status === 'rejected')
  for (const { reason } of losers) expect(reason).toBeInstanceOf(PreconditionError)
  return results.length - losers.length
}

const compareBytes = (a: string, b: string): number => Buffer.compare(bytes(a), bytes(b))
const isAfterInBytes = (key: string, start: string): boolean => compareBytes(key, start) > 0

/** What every ObjectStore does, whatever it stands on. */
export function testObjectStore(
  name: string,
  { create, anyKey = true, atomicUploads = true, isAfter = isAfterInBytes }: StoreUnderTest,
): void {
  describe.skipIf(create === undefined)(`object store: ${name}`, () => {
    const open = (): Promise<ObjectStore> => create!()
    const oneOf = atomicUploads ? 'exactly one of' : 'one or, unlike S3, more of'
    function expectOneWinner(winners: number): void {
      if (atomicUploads) expect(winners).toBe(1)
      else expect(winners).toBeGreaterThanOrEqual(1)
    }

    describe('put, get, head', () => {
      it('gives back what was put, with its size and ETag', async () => {
        const store = await open()
        const written = await store.put('study/v1/dm.csv', bytes('a,b\n1,2\n'), { contentType: 'text/csv' })
        expect(written.size).toBe(8)
        expect(written.etag).toMatch(/^[^"]+$/)
        expect(text(await store.get('study/v1/dm.csv'))).toBe('a,b\n1,2\n')
        const info = await store.head('study/v1/dm.csv')
        expect(info).toEqual({
          key: 'study/v1/dm.csv',
          size: 8,
          etag: written.etag,
          lastModified: expect.any(Date),
        })
        expect(Math.abs(info!.lastModified.getTime() - Date.now())).toBeLessThan(60_000)
      })

      it('keeps an object without bytes', async () => {
        const store = await open()
        const { size } = await store.put('empty.csv', new Uint8Array(0))
        expect(size).toBe(0)
        expect(await store.get('empty.csv')).toHaveLength(0)
        expect(await store.get('empty.csv', { start: 0, end: 10 })).toHaveLength(0)
        expect((await store.head('empty.csv'))!.size).toBe(0)
        expect(await collect((await store.stream('empty.csv')).body)).toHaveLength(0)
        expect((await store.put('streamed.csv', chunked(new Uint8Array(0), 1))).size).toBe(0)
        expect((await store.head('streamed.csv'))!.size).toBe(0)
      })

      it('says that a missing object is missing', async () => {
        const store = await open()
        expect(await store.head('none.csv')).toBeUndefined()
        await expect(store.get('none.csv')).rejects.toBeInstanceOf(NotFoundError)
        await expect(store.get('none.csv', { start: 0, end: 0 })).rejects.toBeInstanceOf(NotFoundError)
        await expect(store.stream('none.csv')).rejects.toBeInstanceOf(NotFoundError)
      })

      it('replaces an object, and its ETag changes with its content', async () => {
        const store = await open()
        const first = await store.put('a.csv', bytes('one'))
        const second = await store.put('a.csv', bytes('two'))
        expect(second.etag).not.toBe(first.etag)
        expect((await store.head('a.csv'))!.etag).toBe(second.etag)
        expect(text(await store.get('a.csv'))).toBe('two')
      })

      it('shows readers the old object or the new one', async () => {
        const store = await open()
        const versions = [pattern(300_000, 1), pattern(300_000, 2)]
        await store.put('a.bin', versions[0]!)
        const writes = (async () => {
          for (let i = 1; i <= 10; i++) await store.put('a.bin', versions[i % 2]!)
        })()
        for (let i = 0; i < 20; i++) {
          const seen = await store.get('a.bin')
          expect(versions.some(version => equal(version, seen))).toBe(true)
        }
        await writes
      })
    })

    describe('ranges and conditions of reads', () => {
      it('reads [start, end), cut at the end of the object', async () => {
        const store = await open()
        await store.put('a.txt', bytes('0123456789'))
        const read = async (start?: number, end?: number) => text(await store.get('a.txt', { start, end }))
        expect(await read(2, 5)).toBe('234')
        expect(await read(undefined, 3)).toBe('012')
        expect(await read(7)).toBe('789')
        expect(await read(8, 100)).toBe('89')
        expect(await read(0, 10)).toBe('0123456789')
        expect(await read(4, 4)).toBe('')
        expect(await read(10, 20)).toBe('')
        expect(await read(500)).toBe('')
      })

      it('reads only the object that has the ETag', async () => {
        const store = await open()
        const { etag } = await store.put('a.txt', bytes('one'))
        expect(text(await store.get('a.txt', { ifMatch: etag }))).toBe('one')
        expect(text(await store.get('a.txt', { start: 1, ifMatch: etag }))).toBe('ne')
        expect(text(await collect((await store.stream('a.txt', { ifMatch: etag })).body))).toBe('one')
        await store.put('a.txt', bytes('two'))
        await expect(store.get('a.txt', { ifMatch: etag })).rejects.toBeInstanceOf(PreconditionError)
        await expect(store.get('a.txt', { start: 0, end: 1, ifMatch: etag })).rejects.toBeInstanceOf(PreconditionError)
        await expect(store.stream('a.txt', { ifMatch: etag })).rejects.toBeInstanceOf(PreconditionError)
        await expect(store.get('none.txt', { ifMatch: etag })).rejects.toBeInstanceOf(NotFoundError)
      })
    })

    describe('streams', () => {
      it('puts and reads a body longer than one part', async () => {
        const store = await open()
        const data = pattern(13 * MiB + 7)
        const written = await store.put('big.bin', chunked(data, 700_001))
        expect(written.size).toBe(data.length)
        const { info, body } = await store.stream('big.bin')
        expect(info).toMatchObject({ key: 'big.bin', size: data.length, etag: written.etag })
        expect(equal(await collect(body), data)).toBe(true)
        const part = await store.get('big.bin', { start: 8 * MiB - 5, end: 8 * MiB + 5 })
        expect(equal(part, data.subarray(8 * MiB - 5, 8 * MiB + 5))).toBe(true)
      })

      it('puts a body of exactly one part', async () => {
        const store = await open()
        const data = pattern(8 * MiB)
        await store.put('part.bin', chunked(data, MiB))
        expect(equal(await store.get('part.bin'), data)).toBe(true)
      })

      it('lets a reader stop early', async () => {
        const store = await open()
        await store.put('a.bin', pattern(3 * MiB))
        for await (const chunk of (await store.stream('a.bin')).body) {
          expect(chunk.length).toBeGreaterThan(0)
          break
        }
        expect((await store.head('a.bin'))!.size).toBe(3 * MiB)
      })

      it.each([
        ['early', 0],
        ['after two parts', 18 * MiB],
      ])('leaves nothing behind when the body throws %s', async (_, failAfter) => {
        const store = await open()
        await store.put('old.bin', bytes('old'))
        const broken = () => chunked(pattern(failAfter + MiB), MiB, failAfter)
        await expect(store.put('new.bin', broken())).rejects.toThrow('the body broke off')
        await expect(store.put('old.bin', broken())).rejects.toThrow('the body broke off')
        expect(await keysOf(store)).toEqual(['old.bin'])
        expect(text(await store.get('old.bin'))).toBe('old')
      })
    })

    describe('put if absent', () => {
      it('refuses to replace', async () => {
        const store = await open()
        await store.put('a.txt', bytes('first'), { ifAbsent: true })
        await expect(store.put('a.txt', bytes('second'), { ifAbsent: true })).rejects.toBeInstanceOf(PreconditionError)
        const long = chunked(pattern(9 * MiB), MiB)
        await expect(store.put('a.txt', long, { ifAbsent: true })).rejects.toBeInstanceOf(PreconditionError)
        expect(text(await store.get('a.txt'))).toBe('first')
      })

      it('writes again what was deleted', async () => {
        const store = await open()
        await store.put('a.txt', bytes('first'), { ifAbsent: true })
        await store.delete('a.txt')
        await store.put('a.txt', bytes('second'), { ifAbsent: true })
        expect(text(await store.get('a.txt'))).toBe('second')
      })

      it('lets exactly one of many writers win', async () => {
        const store = await open()
        for (let round = 0; round < 5; round++) {
          const key = `race/${round}.txt`
          const writers = Array.from({ length: 8 }, (_, i) => store.put(key, bytes(`writer ${i}`), { ifAbsent: true }))
          expect(await countWinners(writers)).toBe(1)
          expect(text(await store.get(key))).toMatch(/^writer \d$/)
        }
      })

      it(`lets ${oneOf} several long streams win`, async () => {
        const store = await open()
        const bodies = [1, 2, 3].map(seed => pattern(9 * MiB, seed))
        const writers = bodies.map(body => store.put('race.bin', chunked(body, MiB), { ifAbsent: true }))
        expectOneWinner(await countWinners(writers))
        const stored = await store.get('race.bin')
        expect(bodies.filter(body => equal(body, stored))).toHaveLength(1)
      })
    })

    describe('list', () => {
      it('lists by prefix, in the order of UTF-8 bytes', async () => {
        const store = await open()
        // UTF-16 order would put the emoji before U+FFEE.
        const keys = [
          'a-b.csv',
          'a.csv',
          'a/b.csv',
          'a0.csv',
          'b/c/d.csv',
          'b/c/e.csv',
          'é.csv',
          '\uffee.csv',
          '😀.csv',
        ]
        for (const key of keys.toReversed()) await store.put(key, bytes(key))
        expect(await keysOf(store)).toEqual(keys)
        expect(await keysOf(store, 'a')).toEqual(keys.slice(0, 4))
        expect(await keysOf(store, 'a/')).toEqual(['a/b.csv'])
        expect(await keysOf(store, 'b/c/')).toEqual(['b/c/d.csv', 'b/c/e.csv'])
        expect(await keysOf(store, 'b/c/e')).toEqual(['b/c/e.csv'])
        expect(await keysOf(store, 'none')).toEqual([])
      })

      it('starts after a key, whether there is one or not', async () => {
        const store = await open()
        for (const key of ['a.csv', 'b/1.csv', 'b/2.csv', 'c.csv']) await store.put(key, bytes(key))
        expect(await keysOf(store, '', 'b/1.csv')).toEqual(['b/2.csv', 'c.csv'])
        expect(await keysOf(store, '', 'b/')).toEqual(['b/1.csv', 'b/2.csv', 'c.csv'])
        expect(await keysOf(store, 'b/', 'a.csv')).toEqual(['b/1.csv', 'b/2.csv'])
        expect(await keysOf(store, 'b/', 'b/2.csv')).toEqual([])
      })

      it('says of each object what head says', async () => {
        const store = await open()
        await store.put('x/a.csv', bytes('one'))
        await store.put('x/b.bin', chunked(pattern(9 * MiB), MiB))
        for await (const { lastModified, ...info } of store.list('x/')) {
          const { lastModified: time, ...found } = (await store.head(info.key))!
          expect(info).toEqual(found)
          expect(Math.abs(lastModified.getTime() - time.getTime())).toBeLessThan(1000)
        }
      })

      it('lists more objects than one page has', async () => {
        const store = await open()
        const keys = Array.from({ length: 1100 }, (_, i) => `many/${String(i).padStart(4, '0')}.csv`)
        for (let i = 0; i < keys.length; i += 50) {
          await Promise.all(keys.slice(i, i + 50).map(key => store.put(key, bytes('x'))))
        }
        expect(await keysOf(store, 'many/')).toEqual(keys)
      })
    })

    describe('keys', () => {
      const odd = [
        'with space.csv',
        'a+b.csv',
        '100%.csv',
        '%41.csv',
        'Größe/Übersicht.csv',
        'q?x=1&y=2#z.csv',
        "it's(1)!*.csv",
        '日本/表😀',
        'noext',
        'v1.0/dm.csv',
        'x.csv/y.csv',
      ]
      const hard = [
        'a',
        'a/b',
        'a/b/c',
        'c/',
        'd//e',
        '/f',
        '..',
        '.',
        '../g',
        './h',
        'i/../j',
        '.meta',
        '.meta/etags/a',
        'k'.repeat(1024),
        'ü'.repeat(512),
        '%',
        '%25',
        'a%',
        'm/%-/n',
      ]

      it.each(odd)('takes %s', async key => {
        const store = await open()
        await roundTrip(store, [key])
      })

      it.skipIf(!anyKey)('takes every key that S3 takes, all at once', async () => {
        await roundTrip(await open(), [...odd, ...hard])
      })

      async function roundTrip(store: ObjectStore, keys: string[]): Promise<void> {
        for (const key of keys) await store.put(key, bytes(`content of ${key}`), { ifAbsent: true })
        for (const key of keys) {
          expect(text(await store.get(key))).toBe(`content of ${key}`)
          expect((await store.head(key))!.key).toBe(key)
          const { etag } = await store.compose('composed.txt', { source: key, append: bytes('!') })
          expect(text(await store.get('composed.txt', { ifMatch: etag }))).toBe(`content of ${key}!`)
        }
        await store.delete('composed.txt')
        const sorted = keys.toSorted(compareBytes)
        expect(await keysOf(store)).toEqual(sorted)
        for (const key of sorted) {
          expect((await keysOf(store, key))[0]).toBe(key)
          expect(await keysOf(store, '', key)).toEqual(sorted.filter(other => isAfter(other, key)))
        }
        for (const [i, key] of sorted.entries()) {
          await store.delete(key)
          expect(await keysOf(store)).toEqual(sorted.slice(i + 1))
        }
      }
    })

    describe('compose', () => {
      it.each([
        ['a small object', 100, 50],
        ['an empty object', 0, 10],
        ['nothing', 10, 0],
        ['just below what a part needs', 5 * MiB - 1, 100],
        ['just what a part needs', 5 * MiB, 100],
        ['several ranges', 23 * MiB + 3, 1000],
        ['a long tail', 6 * MiB, 17 * MiB],
        ['nothing to a large object', 6 * MiB, 0],
      ])('appends to %s', async (_, size, more) => {
        const store = await open()
        const [start, append] = [pattern(size, 1), pattern(more, 2)]
        const { etag } = await store.put('in put.bin', start)
        const written = await store.compose('out.bin', { source: 'in put.bin', append, ifMatch: etag })
        expect(written.size).toBe(size + more)
        expect(equal(await store.get('out.bin'), Buffer.concat([start, append]))).toBe(true)
        expect(await store.head('out.bin')).toMatchObject({ size: size + more, etag: written.etag })
        expect((await store.head('in put.bin'))!.etag).toBe(etag)
      })

      it.each([
        ['small', 10],
        ['large', 6 * MiB],
      ])('keeps its conditions with a %s source', async (_, size) => {
        const store = await open()
        const { etag } = await store.put('in.bin', pattern(size))
        const append = bytes('tail')
        const compose = (ifMatch?: string, source = 'in.bin') =>
          store.compose('out.bin', { source, append, ifMatch }, { ifAbsent: true })
        await expect(compose('0123456789abcdef')).rejects.toBeInstanceOf(PreconditionError)
        await expect(compose(undefined, 'none.bin')).rejects.toBeInstanceOf(NotFoundError)
        expect(await store.head('out.bin')).toBeUndefined()
        await compose(etag)
        await expect(compose(etag)).rejects.toBeInstanceOf(PreconditionError)
        expect((await store.head('out.bin'))!.size).toBe(size + 4)
      })

      it.each([
        ['small', 10],
        ['large', 6 * MiB],
      ])(`lets ${oneOf} several with a %s source win`, async (_, size) => {
        const store = await open()
        await store.put('in.bin', pattern(size))
        const writers = Array.from({ length: 4 }, (_, i) =>
          store.compose('out.bin', { source: 'in.bin', append: bytes(`${i}`) }, { ifAbsent: true }),
        )
        if (size < 5 * MiB) expect(await countWinners(writers)).toBe(1)
        else expectOneWinner(await countWinners(writers))
      })

      it('may replace its own source', async () => {
        const store = await open()
        await store.put('a.txt', bytes('one'))
        await store.compose('a.txt', { source: 'a.txt', append: bytes(' two') })
        expect(text(await store.get('a.txt'))).toBe('one two')
      })
    })

    describe('delete', () => {
      it('removes an object, and does not mind one that is not there', async () => {
        const store = await open()
        await store.put('x/a.csv', bytes('a'))
        await store.put('x/b.csv', bytes('b'))
        await store.delete('x/a.csv')
        await store.delete('x/a.csv')
        await store.delete('y/none.csv')
        expect(await store.head('x/a.csv')).toBeUndefined()
        expect(await keysOf(store)).toEqual(['x/b.csv'])
      })
    })
  })
}
