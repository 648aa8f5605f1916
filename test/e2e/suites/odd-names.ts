import { beforeAll, describe, expect, it } from 'vitest'
import { landingKey, misplacedReportKey } from '../../../lib/layout.ts'
import { readContent } from '../../support/committed-content.ts'
import { smallStudy } from '../../support/small-study.ts'
import { put, readLanded, type SubjectSuiteOptions, upload } from '../../support/subject.ts'
import { expectCommitted, loadExpectedSmallStudy } from './expect-version.ts'

/** A file, by its folder and name in the landing bucket. */
export interface MisplacedFile {
  what: string
  folder: string
  file: string
}

const misplacedFiles: MisplacedFile[] = [
  { what: 'a study name against the rules', folder: 'Bad Study/v1', file: 'dm.csv' },
  { what: 'a version name against the rules', folder: 'study/V1', file: 'dm.csv' },
  { what: 'the name of a branch that is not a version', folder: 'study/main', file: 'dm.csv' },
  { what: 'odd characters', folder: 'stu dy+%ü/v1', file: 'dm.csv' },
  { what: 'the top of the bucket', folder: '', file: 'dm.csv' },
  ...['Größe in cm', 'a+b', '100%', '%2F+%20', 'd m+1%ä'].map(name => ({
    what: `a folder and a file called ${JSON.stringify(name)}`,
    folder: `${name}/${name}`,
    file: `${name}.csv`,
  })),
]

/** Names that an event writes otherwise than the store, where no version is and within one. `further` files lie where no version is, too. */
export function oddNamesSuite({ subject, further = [] }: SubjectSuiteOptions & { further?: MisplacedFile[] }): void {
  const misplaced = [...misplacedFiles, ...further]

  describe('a file that lies where no version is', () => {
    beforeAll(async () => {
      await Promise.all(
        misplaced.map(({ folder, file }) => put(subject(), { [folder ? `${folder}/${file}` : file]: 'A\n1\n' })),
      )
      await subject().settle()
    })

    it.each(misplaced)('$what: a report lies beside it', async ({ folder, file }) => {
      const report = JSON.parse(await readLanded(subject(), misplacedReportKey(folder)))
      expect(report).toMatchObject({ status: 'rejected', problems: [{ code: 'file-misplaced', file }] })
      expect(report.problems[0].message.length).toBeGreaterThan(30)
    })
  })

  describe('an oddly named file that comes to a committed version', () => {
    const version = 'v1'
    const oddFiles = ['d m+1%ä.csv', 'dm%2F+%20.csv', 'Größe in cm/100% a+b.csv']
    const versions = oddFiles.map((file, index) => ({ file, study: `odd-${index}` }))

    beforeAll(async () => {
      await Promise.all(versions.map(({ study }) => upload(subject(), { study, version, files: smallStudy })))
      await subject().settle()
      for (const { study } of versions) await expectCommitted(subject(), study, version)
      // Its own event is all that tells of it.
      await Promise.all(
        versions.map(({ study, file }) => put(subject(), { [landingKey(study, version, file)]: 'A\n1\n' })),
      )
      await subject().settle()
    })

    it.each(versions)('$file: is reported, and the commit stays', async ({ study, file }) => {
      const { state, report } = await subject().judge(study, version)
      expect(state).toBe('rejected')
      expect(report.problems).toEqual([expect.objectContaining({ code: 'file-misplaced', file })])
      expect(await readLanded(subject(), landingKey(study, version, file))).toBe('A\n1\n')
      expect(await readContent(subject().environment, study, `${version}@`)).toEqual(await loadExpectedSmallStudy())
    })
  })
}
