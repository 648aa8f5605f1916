import { describe, expect, it } from 'vitest'
import type { KeysMessage } from '../../../events/work.ts'
import type { Environment } from '../../../lib/environment.ts'
import { addKeys } from '../../../lib/pipeline/add-keys.ts'
import { assignKeys } from '../../../lib/pipeline/assign-keys.ts'
import { commitVersion } from '../../../lib/pipeline/commit.ts'
import { convertDataset } from '../../../lib/pipeline/convert.ts'
import { registerVersion } from '../../../lib/pipeline/register.ts'
import { inspectVersion } from '../../../lib/pipeline/status.ts'
import { smallStudy } from '../../support/small-study.ts'
import { study, test, upload, useTestEnvironment, withLakefs, workUpTo } from './step-by-step.ts'

useTestEnvironment()

describe('register', () => {
  const settling = () => withLakefs({}, { settleSeconds: 60 })
  const message = { study, version: 'v1', cause: 'c' }

  it('waits until nothing has changed for a while, and looks again then', async () => {
    await upload('v1', smallStudy)
    await workUpTo('register')
    await registerVersion(settling(), message)
    expect(await test.environment.lakefs.getRepository(study)).toBeUndefined()
    const [again] = test.queues.landing.sent.slice(-1)
    expect(again).toMatchObject({ delaySeconds: 60 })
    expect(JSON.parse(again!.body)).toMatchObject({ rescan: { study, version: 'v1', settling: true } })
    test.clock.advance(60)
    await registerVersion(settling(), message)
    expect(test.queues.keys.count()).toBe(1)
  })

  it('asks for no longer delay than a queue takes', async () => {
    await upload('v1', smallStudy)
    await workUpTo('register')
    await registerVersion(withLakefs({}, { settleSeconds: 7200 }), message)
    expect(test.queues.landing.sent.at(-1)).toMatchObject({ delaySeconds: 900 })
  })

  it('rejects nothing before it has settled: what refuses it may still be on its way', async () => {
    await upload('v1', { ...smallStudy, 'extra.csv': 'A\n1\n' })
    await workUpTo('register')
    await registerVersion(settling(), message)
    expect(await test.readReport(study, 'v1')).toBeUndefined()
    test.clock.advance(60)
    await registerVersion(settling(), message)
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'dataset-undeclared', file: 'extra.csv' }],
    })
  })

  it('leaves a version alone that waits for a file or a conversion', async () => {
    const { 'sv.csv': _, ...rest } = smallStudy
    await upload('v1', rest)
    await registerVersion(test.environment, message)
    await workUpTo('register')
    await registerVersion(test.environment, message)
    await registerVersion(test.environment, { ...message, version: 'v9' })
    expect(test.queues.keys.sent).toEqual([])
    expect(await inspectVersion(test.environment, study, 'v1')).toMatchObject({
      state: 'waiting',
      report: { waitingFor: ['sv.csv'], datasets: [{ dataset: 'dm' }, { dataset: 'ae' }] },
    })
  })

  it('assigns keys once for one opening, however many messages find it complete; and again on request', async () => {
    await upload('v1', smallStudy)
    await workUpTo('register')
    for (const cause of ['a', 'b', 'c']) await registerVersion(test.environment, { ...message, cause })
    expect(test.queues.keys.count()).toBe(1)
    await registerVersion(test.environment, { ...message, replay: 'asked for' })
    expect(test.queues.keys.count()).toBe(2)
  })

  it('does not repeat the rejection of the same inputs', async () => {
    await upload('v0', smallStudy)
    await test.drain()
    await upload('v1', {
      ...smallStudy,
      'contents.csv': smallStudy['contents.csv']!.replace('USUBJID,string', 'USUBJID,integer'),
    })
    await test.drain()
    const rejected = {
      ...smallStudy,
      'contents.csv': smallStudy['contents.csv']!.replace('VISITNUM,double', 'VISITNUM,string'),
    }
    await upload('v1', rejected)
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'rejected', run: expect.any(String) })
    const sent = test.queues.keys.sent.length
    await registerVersion(test.environment, message)
    expect(test.queues.keys.sent).toHaveLength(sent)
  })

  it('reuses the file of the same content where the store’s ETag says nothing of it', async () => {
    const salted = (salt: string): Environment => {
      const { landing } = test.environment
      const info = <Info extends { etag: string }>(of: Info): Info => ({ ...of, etag: `${of.etag}-${salt}` })
      return {
        ...test.environment,
        landing: {
          ...landing,
          async *list(prefix, options) {
            for await (const object of landing.list(prefix, options)) yield info(object)
          },
          get: (key, options) =>
            landing.get(key, options?.ifMatch ? { ifMatch: options.ifMatch.slice(0, 32) } : options),
          stream: (key, options) => landing.stream(key, { ifMatch: options?.ifMatch?.slice(0, 32) }),
        },
      }
    }
    const work = async (version: string, salt: string) => {
      await upload(version, smallStudy)
      const environment = salted(salt)
      for (const dataset of ['dm', 'sv', 'ae'])
        await convertDataset(environment, { study, version, cause: salt, dataset, file: '', etag: '', size: 0 })
      await registerVersion(environment, { study, version, cause: salt })
      for (const { body, receiptHandle } of await test.queues.keys.receive()) {
        await test.queues.keys.delete(receiptHandle)
        const message = JSON.parse(body) as KeysMessage
        await assignKeys(environment, message)
        for (const dataset of ['dm', 'sv', 'ae']) await addKeys(environment, { ...message, dataset })
        await commitVersion(environment, message)
      }
      return test.readRef(study, `${version}@`)
    }
    const first = await work('v1', 'a')
    const second = await work('v2', 'b')
    for (const [path, text] of first) if (path.startsWith('tables/')) expect(second.get(path)).toBe(text)
    expect(second.get('study/version.json')).not.toBe(first.get('study/version.json'))
  })
})
