import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Platform } from '../../infra/local/platform.ts'
import { landingKey } from '../../lib/layout.ts'
import { smallStudy } from '../support/small-study.ts'
import { finish, makeTemporaryFolder, openTestPlatform, upload } from '../support/test-platform.ts'

type Files = Record<string, Uint8Array | string>
interface Case {
  name: string
  files: Files
  /** One of these, at least, must be in the report. */
  problem: { code: string; file: string; row?: number; column?: string }
}

const good: Files = smallStudy
const withFile = (file: string, content: Uint8Array | string): Files => ({ ...good, [file]: content })
const dm = (...lines: string[]) => withFile('dm.csv', `${lines.join('\n')}\n`)
const header = 'USUBJID,SITEID,AGE'

const rejected: Case[] = [
  {
    name: 'a CSV that contents do not declare',
    files: withFile('lb.csv', 'A\n1\n'),
    problem: { code: 'dataset-undeclared', file: 'lb.csv' },
  },
  {
    name: 'a missing column',
    files: dm('USUBJID,AGE', 'P1,61'),
    problem: { code: 'column-missing', file: 'dm.csv', column: 'SITEID' },
  },
  {
    name: 'an extra column',
    files: dm(`${header},SEX`, 'P1,S1,61,F'),
    problem: { code: 'column-undeclared', file: 'dm.csv', column: 'SEX' },
  },
  {
    name: 'a duplicate column',
    files: dm(`${header},AGE`, 'P1,S1,61,62'),
    problem: { code: 'column-duplicate', file: 'dm.csv', column: 'AGE' },
  },
  {
    name: 'a column that collides by case',
    files: dm(`${header},Age`, 'P1,S1,61,62'),
    problem: { code: 'column-duplicate', file: 'dm.csv', column: 'Age' },
  },
  {
    name: 'a ragged row',
    files: dm(header, 'P1,S1,61', 'P2,S1'),
    problem: { code: 'ragged-row', file: 'dm.csv', row: 2 },
  },
  {
    name: 'a value that does not fit',
    files: dm(header, 'P1,S1,61', 'P2,S1,sixty'),
    problem: { code: 'value-does-not-fit', file: 'dm.csv', row: 2, column: 'AGE' },
  },
  {
    name: 'an empty cell in a column that may not be',
    files: dm(header, ',S1,61'),
    problem: { code: 'null-not-allowed', file: 'dm.csv', row: 1, column: 'USUBJID' },
  },
  {
    name: 'a quote that never ends',
    files: dm(header, 'P1,"S1,61', 'P2,S1,3'),
    problem: { code: 'unterminated-quote', file: 'dm.csv', row: 1 },
  },
  {
    name: 'a quote inside a cell',
    files: dm(header, 'P1,S"1,61'),
    problem: { code: 'stray-quote', file: 'dm.csv', row: 1 },
  },
  { name: 'an empty file', files: withFile('dm.csv', ''), problem: { code: 'empty-file', file: 'dm.csv' } },
  {
    name: 'another encoding',
    files: withFile('dm.csv', Buffer.from(`${header}\nP1,S\xe4,61\n`, 'latin1')),
    problem: { code: 'undecodable', file: 'dm.csv', row: 1 },
  },
  {
    name: 'UTF-16 without a mark',
    files: withFile('dm.csv', Buffer.from(`${header}\nP1,S1,61\n`, 'utf16le')),
    problem: { code: 'nul-byte', file: 'dm.csv' },
  },
  {
    name: 'a cell beyond the limit',
    files: withFile('dm.csv', Buffer.from(`${header}\nP1,${'S'.repeat(100 * 2 ** 20)},61\n`)),
    problem: { code: 'cell-too-large', file: 'dm.csv', row: 1, column: 'SITEID' },
  },
  {
    name: 'a contents file of no known dialect',
    files: withFile('contents.csv', 'a,b\n1,2\n'),
    problem: { code: 'header-unknown', file: 'contents.csv' },
  },
  {
    name: 'a type that does not exist',
    files: withFile('contents.csv', 'dataset,field,type\ndm,USUBJID,varchar2\n'),
    problem: { code: 'type-unknown', file: 'contents.csv', row: 1 },
  },
  {
    name: 'columns that collide by case in contents',
    files: withFile('contents.csv', 'dataset,field,type\ndm,AGE,integer\ndm,age,integer\n'),
    problem: { code: 'field-duplicate', file: 'contents.csv', row: 2 },
  },
  {
    name: 'a delivered surrogate key',
    files: {
      'contents.csv': 'dataset,field,type\ndm,USUBJID,string\ndm,patient_key,bigint\n',
      'dm.csv': 'USUBJID,patient_key\nP1,1\n',
    },
    problem: { code: 'key-column-delivered', file: 'dm.csv', column: 'patient_key' },
  },
  {
    name: 'a file name that is no dataset',
    files: withFile('2dm.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: '2dm.csv' },
  },
  {
    name: 'a file in a folder of the version',
    files: withFile('more/lb.csv', 'A\n1\n'),
    problem: { code: 'file-misplaced', file: 'more/lb.csv' },
  },
]

let platform: Platform
let cleanUp: () => Promise<void>
beforeAll(async () => {
  const temporary = await makeTemporaryFolder()
  cleanUp = temporary.cleanUp
  platform = await openTestPlatform({ folder: temporary.folder })
})
afterAll(async () => {
  await platform?.close()
  await cleanUp?.()
})

const readReportText = async (key: string) => new TextDecoder().decode(await platform.landing.get(key))

/** Nothing may be visible of a version that was not accepted. */
async function expectNothingCommitted(study: string, version: string) {
  expect(await platform.environment.lakefs.getBranch(study, version)).toBeUndefined()
  const hidden: string[] = []
  if (await platform.environment.lakefs.getRepository(study)) {
    for await (const { id } of platform.environment.lakefs.listBranches(study, { prefix: '_', hidden: true }))
      hidden.push(id)
  }
  expect(hidden).toEqual([])
}

describe('is rejected with file, row, column and reason, and nothing is committed', () => {
  it.each(rejected.map((item, index) => ({ ...item, study: `bad-${index}` })))(
    '$name',
    async ({ study, files, problem }) => {
      await upload(platform, { study, version: 'v1', files })
      const { state, report } = await finish(platform, study, 'v1')
      expect(state).toBe('rejected')
      expect(report.problems).toContainEqual(
        expect.objectContaining({ ...problem, message: expect.stringMatching(/.{10}/) }),
      )
      const written = JSON.parse(await readReportText(landingKey(study, 'v1', '_report.json')))
      expect(written.problems).toEqual(report.problems)
      for (const secret of ['sixty', 'P1', 'S1']) expect(JSON.stringify(report.problems)).not.toContain(secret)
      for (const [file, content] of Object.entries(files)) {
        expect((await platform.landing.get(landingKey(study, 'v1', file))).length, file).toBe(
          Buffer.from(content).length,
        )
      }
      await expectNothingCommitted(study, 'v1')

      // The same version with its mistakes mended is accepted: nothing was stuck.
      for (const file of Object.keys(files))
        if (!(file in good)) await platform.landing.delete(landingKey(study, 'v1', file))
      await upload(platform, { study, version: 'v1', files: good })
      const mended = await finish(platform, study, 'v1')
      expect(mended.state).toBe('committed')
    },
  )
})

describe('waits, and says for what', () => {
  it('without a contents file', async () => {
    await upload(platform, { study: 'waits-contents', version: 'v1', files: { 'dm.csv': good['dm.csv']! } })
    const { state, report } = await finish(platform, 'waits-contents', 'v1')
    expect({ state, waitingFor: report.waitingFor }).toEqual({ state: 'waiting', waitingFor: ['contents.csv'] })
  })

  it('for a declared dataset', async () => {
    const { 'sv.csv': _, ...files } = good
    await upload(platform, { study: 'waits-dataset', version: 'v1', files })
    const { state, report } = await finish(platform, 'waits-dataset', 'v1')
    expect({ state, waitingFor: report.waitingFor }).toEqual({ state: 'waiting', waitingFor: ['sv.csv'] })
    await expectNothingCommitted('waits-dataset', 'v1')
  })
})

describe('lies where no version is', () => {
  it.each([
    ['a study name against the rules', 'Bad Study/v1/dm.csv', 'Bad Study/v1/_report.json'],
    ['a version name against the rules', 'study/V1/dm.csv', 'study/V1/_report.json'],
    ['the name of a branch that is not a version', 'study/main/dm.csv', 'study/main/_report.json'],
    ['a key with dots', 'study/../v1/dm.csv', 'study/../v1/_report.json'],
    ['odd characters', 'stu dy+%ü/v1/dm.csv', 'stu dy+%ü/v1/_report.json'],
    ['the top of the bucket', 'dm.csv', '_report.json'],
  ])('%s', async (_, key, reportKey) => {
    await platform.landing.put(key, Buffer.from('A\n1\n'))
    expect(await platform.idle({ timeoutMs: 30_000 })).toBe(true)
    expect(platform.deadLetters()).toEqual([])
    const report = JSON.parse(await readReportText(reportKey))
    expect(report).toMatchObject({ status: 'rejected', problems: [{ code: 'file-misplaced', file: 'dm.csv' }] })
    expect(report.problems[0].message.length).toBeGreaterThan(30)
  })
})

describe('is lawful', () => {
  it('a header without rows', async () => {
    await upload(platform, { study: 'no-rows', version: 'v1', files: dm(header) })
    const { state, report } = await finish(platform, 'no-rows', 'v1')
    expect(state).toBe('committed')
    expect(report.datasets.find(({ dataset }) => dataset === 'dm')).toMatchObject({
      rowsIn: 0,
      rowsOut: 0,
      rowsRejected: 0,
    })
  })

  it('10,000 columns', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `C${index}`)
    const files = {
      'contents.csv': [
        'dataset,field,type',
        ...names.map(name => `wide,${name},string`),
        'wide,USUBJID,string',
        '',
      ].join('\n'),
      'wide.csv': [[...names, 'USUBJID'].join(','), [...names, 'P1'].join(','), [...names, 'P2'].join(','), ''].join(
        '\n',
      ),
    }
    await upload(platform, { study: 'wide', version: 'v1', files })
    const { state, report } = await finish(platform, 'wide', 'v1')
    expect(state).toBe('committed')
    expect(report.datasets[0]).toMatchObject({ columns: 10_001, rowsIn: 2, rowsOut: 2 })
  })

  it('values set to null and counted, where the study asks for it', async () => {
    await platform.landing.put('lenient/study.json', Buffer.from('{"onBadValue":"null"}'))
    await upload(platform, { study: 'lenient', version: 'v1', files: dm(header, 'P1,S1,61', 'P2,S1,sixty') })
    const { state, report } = await finish(platform, 'lenient', 'v1')
    expect(state).toBe('committed')
    expect(report.datasets.find(({ dataset }) => dataset === 'dm')).toMatchObject({
      rowsIn: 2,
      rowsOut: 2,
      valuesNulled: 1,
    })
    expect(report.warnings).toContainEqual(expect.objectContaining({ file: 'dm.csv', row: 2, column: 'AGE' }))
  })
})
