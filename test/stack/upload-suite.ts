import { describe, expect, it } from 'vitest'
import { smallStudy } from '../support/small-study.ts'
import { readContent } from './committed-content.ts'
import { expectCommitted, expectSmallStudy, land, type SuiteOptions } from './suite.ts'

/** An upload to the deployed bucket ends in a commit. */
export function uploadSuite({ stack }: SuiteOptions): void {
  describe('an upload', () => {
    it('becomes a committed version, with the same content as in the embedded platform', async () => {
      await land(stack(), 'small', 'v1', smallStudy)
      await expectSmallStudy(stack(), 'small', 'v1')
    })

    it('after an update of the deployment becomes one, too', async () => {
      const before = stack().outputs
      const after = await stack().deploy({ logRetentionDays: '7' })
      expect(after).toEqual(before)
      await land(stack(), 'small', 'v2', smallStudy)
      await expectCommitted(stack(), 'small', 'v2')
      const [first, second] = await Promise.all(
        ['v1', 'v2'].map(version => readContent(stack().environment, 'small', `${version}@`)),
      )
      expect(second).toEqual(first)
    })
  })
}
