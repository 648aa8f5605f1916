import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { keysBranch, keyTablesPrefix } from '../../../lib/layout.ts'
import { type CommittedContent, readContent } from '../../support/committed-content.ts'
import { loadExpected } from '../../support/embedded-subject.ts'
import { type Files, type SubjectSuiteOptions, upload } from '../../support/subject.ts'
import { readFolder } from '../../support/test-platform.ts'
import { expectCommitted } from './expect-version.ts'

const folder = process.env.STUDYLAKE_STUDIES
const study = 'cdiscpilot01'
const datasets = { v1: 3, v2: 9, v3: 9, v4: 9 }

/** A real study in four versions has the same content, whatever it went through. */
export function realStudySuite({ subject }: SubjectSuiteOptions): void {
  describe.skipIf(!folder)('a real study, cdiscpilot01 (STUDYLAKE_STUDIES)', () => {
    let expected: Record<string, CommittedContent>
    const files: Record<string, Files> = {}

    beforeAll(async () => {
      for (const version of Object.keys(datasets)) files[version] = await readFolder(join(folder ?? '', version))
      const versions = Object.entries(files).map(([version, of]) => ({ version, files: of }))
      expected = await loadExpected(study, versions)
    })

    it.each(Object.entries(datasets))('has in every table of %s what is expected', async (version, count) => {
      await upload(subject(), { study, version, files: files[version]! })
      await expectCommitted(subject(), study, version, { timeoutSeconds: 240 })
      const content = await readContent(subject().environment, study, `${version}@`)
      expect(Object.keys(content.tables)).toHaveLength(2 * count + 3)
      expect(content).toEqual(expected[version])
    })

    it('has given the same keys', async () => {
      const { tables } = await readContent(subject().environment, study, `${keysBranch}@`)
      expect(Object.keys(tables)).toHaveLength(3)
      const inVersion = Object.entries(expected.v4!.tables).filter(([path]) => path.startsWith(keyTablesPrefix))
      expect(tables).toEqual(Object.fromEntries(inVersion))
    })
  })
}
