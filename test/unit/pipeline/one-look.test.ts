import { describe, expect, it } from 'vitest'
import type { Environment } from '../../../lib/environment.ts'
import { TransientError } from '../../../lib/errors.ts'
import { registerVersion } from '../../../lib/pipeline/register.ts'
import { inspectVersion } from '../../../lib/pipeline/status.ts'
import { smallStudy } from '../../support/small-study.ts'
import { study, test, upload, useTestEnvironment, workUpTo } from './step-by-step.ts'

useTestEnvironment()

describe('one look at the landing bucket', () => {
  const message = { study, version: 'v1', cause: 'c' }

  it('refuses two files of one dataset', async () => {
    await upload('v1', { ...smallStudy, 'DM.csv': smallStudy['dm.csv']! })
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'dataset-twice', file: 'dm.csv' }],
    })
  })

  it.each(['changes', 'goes away'])('comes again when the contents file %s while it is read', async how => {
    await upload('v1', smallStudy)
    const { landing } = test.environment
    const moving: Environment = {
      ...test.environment,
      landing: {
        ...landing,
        async get(key, options) {
          if (key.endsWith('contents.csv')) {
            test.landing.objects.delete(key)
            if (how === 'changes') await test.landing.put(key, new Uint8Array([65]))
          }
          return landing.get(key, options)
        },
      },
    }
    await expect(registerVersion(moving, message)).rejects.toThrow(TransientError)
    const failing = { ...landing, head: () => Promise.reject(new Error('no store')) }
    await expect(registerVersion({ ...test.environment, landing: failing }, message)).rejects.toThrow('no store')
  })

  it('says of options that cannot be read what is wrong with them', async () => {
    await test.landing.put(`${study}/study.json`, new TextEncoder().encode('{"promote": 1}'))
    await upload('v1', smallStudy)
    await test.drain()
    expect(await inspectVersion(test.environment, study, 'v1')).toMatchObject({
      state: 'rejected',
      report: { problems: [{ code: 'options-invalid', file: 'study.json' }] },
    })
    test.landing.objects.delete(`${study}/v1/_report.json`)
    expect(await inspectVersion(test.environment, study, 'v1')).toMatchObject({ state: 'rejected' })
  })

  it('fails with the lake', async () => {
    await upload('v1', smallStudy)
    await workUpTo('register')
    const { lake } = test.environment
    const failing: Environment = {
      ...test.environment,
      lake: {
        ...lake,
        get: async (key, options) => {
          if (key.endsWith('alias.json')) throw new TransientError('no lake')
          return lake.get(key, options)
        },
      },
    }
    await expect(registerVersion(failing, message)).rejects.toThrow('no lake')
    // Without the alias each conversion stands for itself.
    for (const key of test.lake.objects.keys()) if (key.endsWith('alias.json')) test.lake.objects.delete(key)
    await registerVersion(test.environment, message)
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed' })
  })

  it('finds a version being processed', async () => {
    await upload('v1', smallStudy)
    expect(await inspectVersion(test.environment, study, 'v1')).toMatchObject({ state: 'processing' })
    await workUpTo('register')
    expect(await inspectVersion(test.environment, study, 'v1')).toMatchObject({
      state: 'processing',
      report: { datasets: [{}, {}, {}] },
    })
  })
})
