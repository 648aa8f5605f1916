import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mapConcurrently } from '../../lib/map-concurrently.ts'

it('keeps the order and never has more under way than the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), async (delays, limit) => {
      let now = 0
      let most = 0
      const results = await mapConcurrently([...delays.entries()], limit, async ([at, delay]) => {
        most = Math.max(most, ++now)
        await sleep(delay)
        now--
        return at
      })
      expect(results).toEqual([...delays.keys()])
      expect(most).toBeLessThanOrEqual(limit)
      expect(most).toBe(Math.min(limit, delays.length))
    }),
    { numRuns: 25 },
  )
})

it('rejects with the first failure', async () => {
  const work = mapConcurrently([1, 2, 3], 2, async item => {
    if (item === 2) throw new Error('no 2')
    return item
  })
  await expect(work).rejects.toThrow('no 2')
})
