import { beforeAll, describe, expect, it } from 'vitest'
import { landingKey, reportKey, studyKey } from '../../../lib/layout.ts'
import { inspectVersion } from '../../../lib/pipeline/status.ts'
import { type Files, readLanded, type Subject, type SubjectSuiteOptions, upload } from '../../support/subject.ts'
import { good, lawfulCases, rejectedCases, values, waitingCases } from './bad-input-cases.ts'
import { expectCommitted } from './expect-version.ts'

const rejected = rejectedCases.map((item, index) => ({ ...item, study: `bad-${index}` }))
const version = 'v1'
const uploadAll = async (subject: Subject, uploads: { study: string; files: Files }[]): Promise<void> => {
  await Promise.all(uploads.map(({ study, files }) => upload(subject, { study, version, files })))
  await subject.settle({ timeoutSeconds: 280 })
}

/** What is to be uploaded again to make good of bad files; where only a file was too many, whose removal is not announced, the contents file. */
function mend(files: Files): Files {
  const changed = Object.entries(good).filter(([file, content]) => files[file] !== content)
  return changed.length > 0 ? Object.fromEntries(changed) : { 'contents.csv': good['contents.csv']! }
}

/** Nothing may be visible of a version that was not accepted. */
async function expectNothingCommitted({ environment: { lakefs } }: Subject, study: string): Promise<void> {
  expect(await lakefs.getBranch(study, version)).toBeUndefined()
  const hidden: string[] = []
  if (await lakefs.getRepository(study)) {
    for await (const { id } of lakefs.listBranches(study, { prefix: '_', hidden: true })) hidden.push(id)
  }
  expect(hidden).toEqual([])
}

/** What is wrong is said, and loses nothing. All is landed before any of it is looked at: a subject may work on it at once. */
export function badInputSuite({ subject }: SubjectSuiteOptions): void {
  describe('what is landed', () => {
    beforeAll(async () => {
      await subject().environment.landing.put(studyKey('lenient'), Buffer.from('{"onBadValue":"null"}'))
      const lawful = Object.entries(lawfulCases).map(([study, files]) => ({ study, files }))
      await uploadAll(subject(), [...lawful, ...rejected, ...waitingCases])
    })

    describe('and does not fit is rejected with file, row, column and reason, and nothing is committed', () => {
      it.each(rejected)('$name', async ({ study, files, problem }) => {
        const { state, report } = await subject().judge(study, version)
        expect(state).toBe('rejected')
        expect(report.problems).toContainEqual(
          expect.objectContaining({ ...problem, message: expect.stringMatching(/.{10}/) }),
        )
        const written = JSON.parse(await readLanded(subject(), reportKey(study, version)))
        expect(written.problems).toEqual(report.problems)
        for (const value of values) expect(JSON.stringify(report.problems)).not.toContain(value)
        for (const [file, content] of Object.entries(files)) {
          const landed = await subject().environment.landing.get(landingKey(study, version, file))
          expect(Buffer.from(content).equals(landed), file).toBe(true)
        }
        await expectNothingCommitted(subject(), study)
      })
    })

    describe('and is not whole', () => {
      it.each(waitingCases)('waits for $waitingFor, and says so', async ({ study, waitingFor }) => {
        const { state, report } = await inspectVersion(subject().environment, study, version)
        expect({ state, waitingFor: report.waitingFor }).toEqual({ state: 'waiting', waitingFor })
        await expectNothingCommitted(subject(), study)
      })
    })

    describe('and is unusual is lawful:', () => {
      it('a header without rows', async () => {
        const { datasets } = await expectCommitted(subject(), 'no-rows', version)
        const dataset = datasets.find(({ dataset: name }) => name === 'dm')
        expect(dataset).toMatchObject({ rowsIn: 0, rowsOut: 0, rowsRejected: 0 })
      })

      it('10,000 columns', async () => {
        const { datasets } = await expectCommitted(subject(), 'wide', version)
        expect(datasets[0]).toMatchObject({ columns: 10_001, rowsIn: 2, rowsOut: 2 })
      })

      it('values set to null and counted, where the study asks for it', async () => {
        const { datasets, warnings } = await expectCommitted(subject(), 'lenient', version)
        const dataset = datasets.find(({ dataset: name }) => name === 'dm')
        expect(dataset).toMatchObject({ rowsIn: 2, rowsOut: 2, valuesNulled: 1 })
        expect(warnings).toContainEqual(expect.objectContaining({ file: 'dm.csv', row: 2, column: 'AGE' }))
      })
    })

    describe('and was rejected is accepted once it is mended', () => {
      beforeAll(async () => {
        const { landing } = subject().environment
        const surplus = rejected.flatMap(({ study, files }) =>
          Object.keys(files)
            .filter(file => !(file in good))
            .map(file => landingKey(study, version, file)),
        )
        await Promise.all(surplus.map(key => landing.delete(key)))
        await uploadAll(
          subject(),
          rejected.map(({ study, files }) => ({ study, files: mend(files) })),
        )
      })

      it.each(rejected)('$name', async ({ study }) => {
        const { commit } = await expectCommitted(subject(), study, version)
        expect((await subject().environment.lakefs.getBranch(study, version))?.commitId).toBe(commit)
      })
    })
  })
}
