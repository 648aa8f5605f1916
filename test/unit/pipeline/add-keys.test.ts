import { describe, expect, it } from 'vitest'
import type { KeysMessage } from '../../../events/work.ts'
import type { Environment } from '../../../lib/environment.ts'
import { PreconditionError } from '../../../lib/errors.ts'
import { addKeys } from '../../../lib/pipeline/add-keys.ts'
import { registerVersion } from '../../../lib/pipeline/register.ts'
import { smallStudy } from '../../support/small-study.ts'
import { refusal, study, test, upload, useTestEnvironment, withLakefs, workUpTo } from './step-by-step.ts'

useTestEnvironment()

describe('add-keys', () => {
  it('says what is not as it must be, and keeps the message', async () => {
    await upload('v1', smallStudy)
    const [message] = await workUpTo<KeysMessage & { dataset: string }>('addKeys')
    const without = (path: RegExp) =>
      withLakefs({
        getObject: async (...args) => (path.test(args[2]) ? undefined : test.environment.lakefs.getObject(...args)),
      })
    const work = (environment: Environment) => addKeys(environment, { ...message!, dataset: 'dm' })
    await expect(work(without(/raw\/dm/))).rejects.toThrow('raw.dm of steps is not on')
    await expect(work(without(/keys\/patient/))).rejects.toThrow('keys.patient of steps is not on')
    const gone = { ...test.environment, lake: { ...test.environment.lake, head: async () => undefined } }
    await expect(work(gone)).rejects.toThrow('is not in the lake')
    expect(test.queues.commit.sent).toEqual([])
  })

  it('finds the run ended meanwhile', async () => {
    await upload('v1', smallStudy)
    const [message] = await workUpTo<KeysMessage & { dataset: string }>('addKeys')
    const ended = withLakefs({
      uploadObject: () => Promise.reject(refusal(404)),
      getBranch: async () => undefined,
    })
    await addKeys(ended, message!)
    expect(test.queues.commit.sent).toHaveLength(1)
  })

  it('leaves a run alone that was opened anew: its keys come first', async () => {
    await upload('v1', smallStudy)
    const [message] = await workUpTo<KeysMessage & { dataset: string }>('addKeys')
    const run = (await test.listBranches(study)).find(name => name.startsWith('_v1-'))!
    await test.environment.lakefs.deleteBranch(study, run)
    await registerVersion(test.environment, { study, version: 'v1', cause: 'again' })
    await addKeys(test.environment, message!)
    expect(test.queues.commit.sent).toEqual([])
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed' })
  })

  it('takes a base file that another attempt has written', async () => {
    await upload('v1', smallStudy)
    const messages = await workUpTo<KeysMessage & { dataset: string }>('addKeys')
    const { lake } = test.environment
    let raced = 0
    const racing: Environment = {
      ...test.environment,
      lake: {
        ...lake,
        async compose(...args) {
          if (raced++ === 0) await lake.compose(...args)
          return lake.compose(...args)
        },
      },
    }
    for (const message of messages) await addKeys(racing, message)
    expect(raced).toBe(3)
    const moved: Environment = {
      ...test.environment,
      lake: {
        ...lake,
        compose: () => Promise.reject(new PreconditionError('the raw file has changed')),
        head: async key => (key.includes('/base/') ? undefined : lake.head(key)),
      },
    }
    await expect(addKeys(moved, messages[0]!)).rejects.toThrow('the raw file has changed')
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed' })
  })
})
