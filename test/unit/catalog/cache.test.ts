import { expect, it } from 'vitest'
import { createCache } from '../../../lib/catalog/cache.ts'

function counted() {
  const loaded: string[] = []
  const load = (key: string) => async () => {
    loaded.push(key)
    return key
  }
  return { loaded, load }
}

it('loads what it does not have, and drops what was asked for least lately', async () => {
  const cache = createCache<string>({ capacity: 2 })
  const { loaded, load } = counted()
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) expect(await cache.get(key, load(key))).toBe(key)
  expect(loaded).toEqual(['a', 'b', 'c', 'b'])
})

it('weighs values, and keeps none that is nothing or too much', async () => {
  const cache = createCache<string>({ capacity: 5, weigh: value => (value === 'nothing' ? 0 : value.length) })
  const { loaded, load } = counted()
  for (const key of ['aa', 'bbb', 'aa', 'bbb', 'c', 'bbb', 'aa', 'nothing', 'nothing', 'too much', 'too much', 'aa'])
    await cache.get(key, load(key))
  expect(loaded).toEqual(['aa', 'bbb', 'c', 'aa', 'nothing', 'nothing', 'too much', 'too much'])
})

it('loads once for all who ask at once, and again after a failure', async () => {
  const cache = createCache<string>({ capacity: 2 })
  const { loaded, load } = counted()
  expect(await Promise.all([cache.get('a', load('a')), cache.get('a', load('a'))])).toEqual(['a', 'a'])
  expect(loaded).toEqual(['a'])
  const failing = () => Promise.reject(new Error('no'))
  const both = await Promise.allSettled([cache.get('b', failing), cache.get('b', load('b'))])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await cache.get('b', load('b'))).toBe('b')
})
