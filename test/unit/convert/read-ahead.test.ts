import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readAhead } from '../../../lib/convert/read-ahead.ts'

const options = { most: 3, sizeOf: () => 1 }

describe('readAhead', () => {
  it('gives all pieces in order, and takes a few of them before they are asked for', async () => {
    let taken = 0
    async function* count() {
      for (; taken < 20; taken++) yield taken
    }
    const ahead = readAhead(count(), options)
    const seen = [(await ahead.next()).value]
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    expect(taken).toBe(3)
    for await (const piece of ahead) seen.push(piece)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, at) => at))
  })

  it('throws what the source throws, behind what it gave before', async () => {
    async function* fail() {
      yield 1
      throw new Error('the source is broken')
    }
    const seen: number[] = []
    const work = async () => {
      for await (const piece of readAhead(fail(), options)) seen.push(piece)
    }
    await expect(work()).rejects.toThrow('the source is broken')
    expect(seen).toEqual([1])
  })

  it('lets go of the source when nobody reads on', async () => {
    let open = true
    async function* endless() {
      try {
        for (;;) yield 1
      } finally {
        open = false
      }
    }
    for await (const _ of readAhead(endless(), options)) break
    expect(open).toBe(false)
  })
})
