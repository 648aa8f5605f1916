import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { keysBranch } from '../../lib/layout.ts'
import { readFolder } from '../support/test-platform.ts'
import { readContent, type TableContent } from './committed-content.ts'
import { expectCommitted, type Files, land, loadEmbedded, type SuiteOptions } from './suite.ts'

const folder = process.env.STUDYLAKE_STUDIES
const study = 'cdiscpilot01'
const datasets = { v1: 3, v2: 9, v3: 9, v4: 9 }

/** A real study in four versions has the same content, whatever it went through. */
export function realStudySuite({ stack }: SuiteOptions): void {
  describe.skipIf(!folder)('a real study, cdiscpilot01 (STUDYLAKE_STUDIES)', () => {
    let embedded: Record<string, Record<string, TableContent>>
    const versions: Record<string, Files> = {}

    beforeAll(async () => {
      for (const version of Object.keys(datasets)) versions[version] = await readFolder(join(folder ?? '', version))
      embedded = await loadEmbedded(study, versions)
    })

    it.each(Object.entries(datasets))(
      'has in every table of %s what the embedded platform has',
      async (version, count) => {
        await land(stack(), study, version, versions[version]!)
        await expectCommitted(stack(), study, version, { timeoutSeconds: 240 })
        const content = await readContent(stack().environment, study, `${version}@`)
        expect(Object.keys(content)).toHaveLength(2 * count + 3)
        expect(content).toEqual(embedded[version])
      },
    )

    it('has given the same keys', async () => {
      const keys = await readContent(stack().environment, study, `${keysBranch}@`)
      expect(Object.keys(keys)).toHaveLength(3)
      expect(keys).toEqual(
        Object.fromEntries(Object.entries(embedded.v4!).filter(([path]) => path.startsWith('tables/keys/'))),
      )
    })
  })
}
