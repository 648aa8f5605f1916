import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readContent } from '../../support/committed-content.ts'
import { smallStudy } from '../../support/small-study.ts'
import { type SubjectSuiteOptions, upload } from '../../support/subject.ts'
import { expectCommitted, loadExpectedSmallStudy } from './expect-version.ts'

/** Files may come in any order, and their events twice. `runs` is the number of orders. */
export function orderSuite({ subject, runs }: SubjectSuiteOptions & { runs: number }): void {
  describe('files in any order, each uploaded twice', () => {
    it('become the same committed content', async () => {
      const twice = [...Object.keys(smallStudy), ...Object.keys(smallStudy)]
      const orders = fc.shuffledSubarray(twice, { minLength: twice.length, maxLength: twice.length })
      let tried = 0
      await fc.assert(
        fc.asyncProperty(orders, async order => {
          // A study of its own: what an earlier order led to is not found.
          const study = `order-${++tried}`
          await upload(subject(), { study, version: 'v1', files: smallStudy, order })
          // The first half may be a whole version; the second is worked on all the same.
          await subject().settle()
          await expectCommitted(subject(), study, 'v1')
          expect(await readContent(subject().environment, study, 'v1@')).toEqual(await loadExpectedSmallStudy())
        }),
        { numRuns: runs, seed: 20260102 },
      )
    })
  })
}
