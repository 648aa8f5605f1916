import { describe, expect, it } from 'vitest'
import { smallStudy } from '../../support/small-study.ts'
import { study, test, upload, useTestEnvironment } from './step-by-step.ts'

useTestEnvironment()

describe('files in the wrong place', () => {
  it('are reported beside themselves where they belong to no version', async () => {
    const put = (key: string) => test.environment.landing.put(key, new Uint8Array([65]))
    for (const key of ['UPPER/v1/dm.csv', 'loose.csv', 'steps/dm.csv', 'AB/study.json']) await put(key)
    await test.drain()
    for (const [key, file] of [
      ['UPPER/v1/', 'dm.csv'],
      ['', 'loose.csv'],
      ['steps/', 'dm.csv'],
      ['AB/', 'study.json'],
    ]) {
      const { bytes } = test.landing.objects.get(`${key}_report.json`)!
      expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ status: 'rejected', problems: [{ file }] })
    }
  })

  it('leave no report where they are gone again', async () => {
    await test.environment.landing.put('loose.csv', new Uint8Array([65]))
    test.landing.objects.clear()
    await test.drain()
    expect([...test.landing.objects.keys()]).toEqual([])
  })

  it('refuse their version where they are CSV files, and are a warning where not', async () => {
    await upload('v1', { ...smallStudy, 'readme.txt': 'hello' })
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'committed',
      warnings: [{ code: 'file-misplaced', file: 'readme.txt' }],
    })
    await upload('v2', { ...smallStudy, 'old/dm.csv': 'A\n1\n' })
    await test.drain()
    expect(await test.readReport(study, 'v2')).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'file-misplaced', file: 'old/dm.csv' }],
    })
    const { 'contents.csv': contents, ...rest } = smallStudy
    await upload('v3', { ...rest, 'CONTENTS.CSV': contents! })
    await test.drain()
    expect(await test.readReport(study, 'v3')).toMatchObject({
      status: 'rejected',
      problems: [{ file: 'CONTENTS.CSV' }],
    })
  })
})
