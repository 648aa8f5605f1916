import { describe, expect, it } from 'vitest'
import type { Environment } from '../../../lib/environment.ts'
import { TransientError } from '../../../lib/errors.ts'
import { inspectVersion, listVersions } from '../../../lib/pipeline/status.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'
import { study, test, upload, useTestEnvironment, withLakefs } from './step-by-step.ts'

useTestEnvironment()

describe('the schedule', () => {
  const tick = async () => {
    test.clock.advance(test.environment.config.scheduleSeconds)
    const { createReceive } = await import('../../../functions/receive.ts')
    const event = { source: 'aws.events', id: `tick ${test.clock.now().getTime()}` }
    return createReceive(test.environment)(event, { awsRequestId: 'r', getRemainingTimeInMillis: () => 1 })
  }

  it('picks up what no event announced', async () => {
    await upload('v1', smallStudy)
    test.queues.landing.clear()
    await tick()
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed' })
  })

  it('says what has been missing for long, once, and goes on when it comes', async () => {
    const { 'contents.csv': contents, ...rest } = smallStudy
    await upload('v1', rest)
    await test.drain()
    await tick()
    expect(await test.readReport(study, 'v1')).toBeUndefined()
    await tick()
    await tick()
    await test.drain()
    const report = await test.readReport(study, 'v1')
    expect(report).toMatchObject({ status: 'waiting', waitingFor: ['contents.csv'] })
    await tick()
    expect(await test.readReport(study, 'v1')).toEqual(report)
    await upload('v1', { 'contents.csv': contents! })
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed', waitingFor: [] })
  })

  it('leaves alone what is done, also under newer code', async () => {
    await upload('v1', smallStudy)
    await upload('v2', { ...smallStudyNext, 'dm.csv': 'WRONG\n1\n' })
    await test.drain()
    const sent = () => Object.values(test.queues).reduce((sum, queue) => sum + queue.sent.length, 0)
    const before = sent()
    await tick()
    expect(sent()).toBe(before)
    const newer = withLakefs({}, { rowGroupRows: 7 })
    expect(await inspectVersion(newer, study, 'v1')).toMatchObject({ state: 'committed' })
    expect(await inspectVersion(test.environment, study, 'v2')).toMatchObject({ state: 'rejected' })
    expect(await listVersions(test.environment, study)).toEqual([
      { study, version: 'v1' },
      { study, version: 'v2' },
    ])
  })

  it('looks at every version though one cannot be read', async () => {
    await upload('v1', smallStudy)
    await upload('v2', smallStudyNext)
    test.queues.landing.clear()
    const { landing } = test.environment
    const { sweepVersions } = await import('../../../lib/pipeline/sweep.ts')
    const broken: Environment = {
      ...test.environment,
      landing: {
        ...landing,
        get: async (key, options) => {
          if (key.startsWith(`${study}/v1/`)) throw new TransientError('v1 cannot be read')
          return landing.get(key, options)
        },
      },
    }
    await expect(sweepVersions(broken, { cause: 'c', everything: true })).rejects.toThrow('v1 cannot be read')
    expect(test.queues.convert.bodies().map(({ version }) => version)).toEqual(['v2', 'v2'])
  })
})
