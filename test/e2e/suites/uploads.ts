import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../../lib/iceberg/read-table.ts'
import { keyOfAddress, tablePath } from '../../../lib/layout.ts'
import { allTypesLatin1Study, allTypesStudy, makeAllTypesStudy } from '../../support/all-types-study.ts'
import { type CommittedContent, readContent } from '../../support/committed-content.ts'
import { loadExpected } from '../../support/embedded-subject.ts'
import { smallStudy } from '../../support/small-study.ts'
import { type Files, put, type Subject, type SubjectSuiteOptions, upload } from '../../support/subject.ts'
import { expectCommitted, loadExpectedSmallStudy } from './expect-version.ts'

/** The rows of a base table, as a reader of Parquet that we did not write sees them. */
async function readBaseRows({ environment: { lakefs, lake } }: Subject, study: string, ref: string, dataset: string) {
  const metadata = await lakefs.getObject(study, ref, tablePath('base', dataset))
  const rows: Record<string, unknown>[] = []
  for (const { address } of await readDataFiles(lake, parseTableMetadata(new TextDecoder().decode(metadata)))) {
    const bytes = await lake.get(keyOfAddress(lake.bucket, address)!)
    rows.push(
      ...(await parquetReadObjects({
        file: new Uint8Array(bytes).buffer,
        compressors: { ZSTD: page => zstdDecompressSync(page) },
      })),
    )
  }
  return rows
}

/** The files below a folder, by their names in it. */
const filesIn = (objects: Files, folder: string): Files =>
  Object.fromEntries(
    Object.entries(objects)
      .filter(([key]) => key.startsWith(`${folder}/`))
      .map(([key, content]) => [key.slice(folder.length + 1), content]),
  )

/** What is uploaded becomes a committed version with the content that it should have. */
export function uploadSuite({ subject }: SubjectSuiteOptions): void {
  describe('an upload', () => {
    const headOf = async () => (await subject().environment.lakefs.getBranch('small', 'v1'))!.commitId

    it('becomes a committed version with the expected content', async () => {
      await upload(subject(), { study: 'small', version: 'v1', files: smallStudy })
      const report = await expectCommitted(subject(), 'small', 'v1')
      expect(report.commit).toBe(await headOf())
      expect(await readContent(subject().environment, 'small', 'v1@')).toEqual(await loadExpectedSmallStudy())
    })

    it('has the cells that were delivered, and a key for each natural key', async () => {
      expect(await readBaseRows(subject(), 'small', 'v1@', 'dm')).toEqual([
        { USUBJID: 'P1', SITEID: 'S1', AGE: 61, patient_key: 1n, site_key: 1n },
        { USUBJID: 'P2', SITEID: 'S1', AGE: null, patient_key: 2n, site_key: 1n },
        { USUBJID: 'P3', SITEID: 'S2', AGE: 47, patient_key: 3n, site_key: 2n },
      ])
      const visits = await readBaseRows(subject(), 'small', 'v1@', 'sv')
      expect(visits.map(({ USUBJID, VISITNUM, visit_key: key }) => [USUBJID, VISITNUM, key])).toEqual([
        ['P1', 1, 1n],
        ['P1', 2, 2n],
        ['P2', 1, 3n],
        ['P3', null, null],
      ])
    })

    it('that comes again is the same commit', async () => {
      const before = await headOf()
      await upload(subject(), { study: 'small', version: 'v1', files: smallStudy })
      await subject().settle()
      await expectCommitted(subject(), 'small', 'v1')
      expect(await headOf()).toBe(before)
    })
  })

  describe('a study of all types, in both dialects and every encoding', () => {
    const { files: objects } = makeAllTypesStudy({ seed: 20260102, rows: 60 })
    const options = Object.fromEntries(Object.entries(objects).filter(([key]) => key.split('/').length === 2))
    const studies = { [allTypesStudy]: ['plain', 'proc'], [allTypesLatin1Study]: ['proc'] }
    const expected: Record<string, Record<string, CommittedContent>> = {}

    beforeAll(async () => {
      for (const [study, names] of Object.entries(studies)) {
        const versions = names.map(version => ({ version, files: filesIn(objects, `${study}/${version}`) }))
        expected[study] = await loadExpected(study, versions, options)
      }
      await put(subject(), options)
    })

    it.each(Object.entries(studies).flatMap(([study, versions]) => versions.map(version => ({ study, version }))))(
      '$study $version has the expected content',
      async ({ study, version }) => {
        await upload(subject(), { study, version, files: filesIn(objects, `${study}/${version}`) })
        await expectCommitted(subject(), study, version)
        expect(await readContent(subject().environment, study, `${version}@`)).toEqual(expected[study]![version])
      },
    )
  })
}
