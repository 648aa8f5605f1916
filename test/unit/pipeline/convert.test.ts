import { describe, expect, it } from 'vitest'
import { PreconditionError, TransientError } from '../../../lib/errors.ts'
import { convertDataset } from '../../../lib/pipeline/convert.ts'
import { smallStudy } from '../../support/small-study.ts'
import { study, test, upload, useTestEnvironment } from './step-by-step.ts'

useTestEnvironment()

describe('convert', () => {
  const message = { study, version: 'v1', cause: 'c', dataset: 'dm', file: 'dm.csv', etag: '', size: 0 }

  it('looks at what lies there now, and hands on also where there is nothing to do', async () => {
    await upload('v1', smallStudy)
    await convertDataset(test.environment, message)
    const parquet = [...test.lake.objects.keys()].filter(key => key.endsWith('.parquet')).length
    await convertDataset(test.environment, message)
    await convertDataset(test.environment, { ...message, dataset: 'gone' })
    expect([...test.lake.objects.keys()].filter(key => key.endsWith('.parquet'))).toHaveLength(parquet)
    expect(test.queues.register.sent).toHaveLength(3)
    // The same conversion of the same cause is one look; of another cause, another.
    expect(test.queues.register.count()).toBe(2)
    await convertDataset(test.environment, { ...message, cause: 'd' })
    expect(test.queues.register.count()).toBe(3)
  })

  it.each([
    new PreconditionError('changed'),
    new (class extends Error {
      override name = 'x'
    })('other'),
  ])('comes again when the file changes while it is read: %s', async failure => {
    await upload('v1', smallStudy)
    const landing = { ...test.environment.landing, stream: () => Promise.reject(failure) }
    const work = convertDataset({ ...test.environment, landing }, message)
    await expect(work).rejects.toThrow(failure instanceof PreconditionError ? TransientError : 'other')
    expect(test.queues.register.sent).toEqual([])
  })

  it('leaves a rejected file without Parquet, and with reasons', async () => {
    await upload('v1', { ...smallStudy, 'dm.csv': 'USUBJID,SITEID,AGE\nP1,S1,old\n' })
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      problems: [{ file: 'dm.csv', row: 1, column: 'AGE' }],
    })
    expect(JSON.stringify(await test.readReport(study, 'v1'))).not.toContain('old')
    const raw = [...test.lake.objects.keys()].filter(key => key.includes('/raw/dm/'))
    expect(raw).toEqual([expect.stringMatching(/outcome\.json$/)])
  })

  it('stores nulls and counts them where the study asks for it', async () => {
    await test.landing.put(`${study}/study.json`, new TextEncoder().encode('{"onBadValue": "null"}'))
    await upload('v1', { ...smallStudy, 'dm.csv': 'USUBJID,SITEID,AGE\nP1,S1,old\n' })
    await test.drain()
    const report = await test.readReport(study, 'v1')
    expect(report).toMatchObject({ status: 'committed', datasets: [{ valuesNulled: 1 }, {}, {}] })
    expect(report!.warnings).toMatchObject([{ file: 'dm.csv', row: 1, column: 'AGE' }])
  })
})
