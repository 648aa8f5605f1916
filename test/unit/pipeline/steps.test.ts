import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KeysMessage } from '../../../events/work.ts'
import type { Environment, Queues } from '../../../lib/environment.ts'
import { PreconditionError, TransientError } from '../../../lib/errors.ts'
import { parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { readKeyMap } from '../../../lib/keys/key-map.ts'
import { LakefsError } from '../../../lib/lakefs/client.ts'
import { addKeys } from '../../../lib/pipeline/add-keys.ts'
import { assignKeys } from '../../../lib/pipeline/assign-keys.ts'
import { commitVersion } from '../../../lib/pipeline/commit.ts'
import { convertDataset } from '../../../lib/pipeline/convert.ts'
import { registerVersion } from '../../../lib/pipeline/register.ts'
import { inspectVersion, listVersions } from '../../../lib/pipeline/status.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'

const study = 'steps'
const way: (keyof Queues)[] = ['landing', 'convert', 'register', 'keys', 'addKeys', 'commit']
let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())
beforeEach(() => test.reset())

/** Works on all messages before the given queue's, and gives those that wait there. */
async function workUpTo<Message>(source: keyof Queues): Promise<Message[]> {
  const before = way.slice(0, way.indexOf(source))
  for (let busy = true; busy; ) {
    busy = false
    for (const name of before) while (await test.step(name)) busy = true
  }
  const messages = await test.queues[source].receive({ max: 10 })
  for (const { receiptHandle } of messages) await test.queues[source].delete(receiptHandle)
  return messages.map(({ body }) => JSON.parse(body) as Message)
}
const headOf = async (branch: string) => (await test.environment.lakefs.getBranch(study, branch))?.commitId
const upload = (version: string, files: Record<string, string>) => test.upload({ study, version, files })
const withLakefs = (
  lakefs: Partial<Environment['lakefs']>,
  config: Partial<Environment['config']> = {},
): Environment => ({
  ...test.environment,
  lakefs: { ...test.environment.lakefs, ...lakefs },
  config: { ...test.environment.config, ...config },
})
/** Other files for a version that is there: every dataset stays declared. */
const changed = { ...smallStudy, 'dm.csv': smallStudyNext['dm.csv']! }
const refusal = (status: number, detail = '') => new LakefsError('POST /x', { status, detail })

async function patients(): Promise<Map<string, number>> {
  const text = (await test.readRef(study, 'keys@')).get('tables/keys/patient.json')!
  return (await readKeyMap(test.lake, parseTableMetadata(text))).keys
}

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

describe('assign-keys', () => {
  it('gives no key twice when allocations race', async () => {
    await upload('v1', smallStudy)
    await upload('v2', smallStudyNext)
    await upload('v3', { ...smallStudyNext, 'dm.csv': 'USUBJID,SITEID,AGE\nP7,S9,1\nP8,S1,\n' })
    const messages = await workUpTo<KeysMessage>('keys')
    expect(messages).toHaveLength(3)
    // Each may find its allocation branch dropped by another, which is what FIFO groups are there to prevent: then it comes again.
    const work = async (message: KeysMessage): Promise<void> => {
      for (let tries = 0; ; tries++) {
        try {
          await assignKeys(test.environment, message)
          return
        } catch (error) {
          if (tries > 50) throw error
        }
      }
    }
    await Promise.all(messages.map(work))
    const map = await patients()
    expect([...map.keys()].sort()).toEqual(['P1', 'P2', 'P3', 'P4', 'P5', 'P7', 'P8'])
    expect(new Set(map.values()).size).toBe(map.size)
    await test.drain()
    for (const version of ['v1', 'v2', 'v3']) {
      expect((await test.readReport(study, version))?.status).toBe('committed')
      const text = (await test.readRef(study, `${version}@`)).get('tables/keys/patient.json')!
      for (const [name, key] of (await readKeyMap(test.lake, parseTableMetadata(text))).keys)
        expect(map.get(name)).toBe(key)
    }
  })

  it('drops what interrupted allocations left, and no run of a version with a name like theirs', async () => {
    await upload('keys-2', smallStudy)
    await upload('v1', smallStudy)
    const messages = await workUpTo<KeysMessage>('keys')
    const source = (await headOf('keys'))!
    await test.environment.lakefs.createBranch(study, { name: '_keys-0123456789ab', source, hidden: true })
    for (const message of messages) await assignKeys(test.environment, message)
    expect(await test.listBranches(study)).not.toContain('_keys-0123456789ab')
    await test.drain()
    for (const version of ['keys-2', 'v1']) expect((await test.readReport(study, version))?.status).toBe('committed')
  })

  it('looks up again when another allocation was merged in between', async () => {
    await upload('v1', smallStudy)
    await upload('v2', smallStudyNext)
    const [first, second] = await workUpTo<KeysMessage>('keys')
    let between = 0
    const racing = withLakefs({
      async merge(...args) {
        if (between++ === 0)
          await assignKeys(
            { ...test.environment, lakefs: withLakefs({ deleteBranch: async () => {} }).lakefs },
            second!,
          )
        return test.environment.lakefs.merge(...args)
      },
    })
    await assignKeys(racing, first!)
    expect(between).toBe(2)
    const map = await patients()
    expect([...map.values()].sort()).toEqual([1, 2, 3, 4, 5])
    // The other one was first, and its numbers stand.
    expect([...map.keys()].slice(0, 3)).toEqual(['P5', 'P1', 'P3'])
  })

  it('gives up for now when it keeps losing', async () => {
    await upload('v1', smallStudy)
    const [message] = await workUpTo<KeysMessage>('keys')
    const losing = withLakefs({ merge: () => Promise.reject(refusal(409)) })
    await expect(assignKeys(losing, message!)).rejects.toThrow(TransientError)
    await assignKeys(test.environment, message!)
    expect((await patients()).size).toBe(4)
  })

  it('does nothing for a run that is gone, and says what is missing', async () => {
    await upload('v1', smallStudy)
    const [message] = await workUpTo<KeysMessage>('keys')
    await assignKeys(test.environment, { ...message!, fingerprint: 'another' })
    await assignKeys(test.environment, { ...message!, run: '000000000000' })
    expect(test.queues.addKeys.sent).toEqual([])
    const lost = withLakefs({ getBranch: async () => undefined })
    await expect(assignKeys(lost, message!)).rejects.toThrow('has no branch keys')
    const object = test.environment.lakefs.getObject
    const bare = withLakefs({
      getObject: async (...args) => (args[2] === 'study/contents.json' ? undefined : object(...args)),
    })
    await expect(assignKeys(bare, message!)).rejects.toThrow('study/contents.json is not on')
  })

  it('done twice, allocates once and hands on twice', async () => {
    await upload('v1', smallStudy)
    const [message] = await workUpTo<KeysMessage>('keys')
    await assignKeys(test.environment, message!)
    const head = await headOf('keys')
    await assignKeys(test.environment, message!)
    expect(await headOf('keys')).toBe(head)
    expect(test.queues.addKeys.sent).toHaveLength(6)
  })
})

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

describe('commit', () => {
  async function readyToCommit(version: string, files: Record<string, string>): Promise<KeysMessage> {
    await upload(version, files)
    const messages = await workUpTo<KeysMessage>('commit')
    return messages.at(-1)!
  }

  it('waits for all base tables', async () => {
    await upload('v1', smallStudy)
    const [first, ...rest] = await workUpTo<KeysMessage & { dataset: string }>('addKeys')
    await addKeys(test.environment, first!)
    await test.step('commit')
    expect(await headOf('v1')).toBeUndefined()
    for (const message of rest) await addKeys(test.environment, message)
    await test.drain()
    expect(await headOf('v1')).toBeDefined()
  })

  it('starts over from the new head when another change was first', async () => {
    await upload('v1', smallStudy)
    await test.drain()
    const message = await readyToCommit('v1', changed)
    await commitVersion(withLakefs({ merge: () => Promise.reject(refusal(409)) }), message)
    expect(test.queues.register.count()).toBe(1)
    expect((await test.listBranches(study)).filter(name => name.startsWith('_'))).toEqual([])
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed', commit: await headOf('v1') })
  })

  it('starts over when another run has made the version’s branch meanwhile', async () => {
    const message = await readyToCommit('v1', smallStudy)
    const main = (await headOf('main'))!
    const blind = withLakefs({
      async createBranch(repository, options) {
        await test.environment.lakefs.createBranch(repository, { name: 'v1', source: main })
        return test.environment.lakefs.createBranch(repository, options)
      },
    })
    await commitVersion(blind, message)
    expect(test.queues.register.count()).toBe(1)
    await test.drain()
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed', commit: await headOf('v1') })
  })

  it('commits nothing that has changed where it landed', async () => {
    const message = await readyToCommit('v1', smallStudy)
    await upload('v1', { 'dm.csv': changed['dm.csv'] })
    await commitVersion(test.environment, message)
    expect(await headOf('v1')).toBeUndefined()
    expect((await test.listBranches(study)).filter(name => name.startsWith('_'))).toEqual([])
    await test.drain()
    const landed = test.landing.objects.get(`${study}/v1/dm.csv`)!.info.etag
    expect((await test.readRef(study, 'v1@')).get('study/version.json')).toContain(landed)
  })

  it('rejects a version whose name is taken', async () => {
    const message = await readyToCommit('v1', smallStudy)
    await test.environment.lakefs.createTag(study, { name: 'v1', ref: 'main' })
    await commitVersion(test.environment, message)
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'version-name-taken' }],
    })
  })

  it('passes on what lakeFS refuses for another reason', async () => {
    const message = await readyToCommit('v1', smallStudy)
    await expect(commitVersion(withLakefs({ commit: () => Promise.reject(refusal(403)) }), message)).rejects.toThrow(
      '403',
    )
    await expect(
      commitVersion(withLakefs({ createBranch: () => Promise.reject(refusal(403)) }), message),
    ).rejects.toThrow('403')
    await commitVersion(test.environment, message)
    const again = await readyToCommit('v1', changed)
    await expect(commitVersion(withLakefs({ merge: () => Promise.reject(refusal(403)) }), again)).rejects.toThrow('403')
    // A destination that is dirty is no merge that was done.
    await expect(commitVersion(withLakefs({ merge: () => Promise.reject(refusal(400)) }), again)).rejects.toThrow('400')
    await commitVersion(test.environment, again)
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed' })
  })

  it('tries again later when the gate could not answer', async () => {
    const message = await readyToCommit('v1', smallStudy)
    test.gate.broken = true
    await expect(commitVersion(test.environment, message)).rejects.toThrow(TransientError)
    expect(await headOf('v1')).toBeUndefined()
    test.gate.broken = false
    await commitVersion(test.environment, message)
    expect(await headOf('v1')).toBeDefined()
    const again = await readyToCommit('v1', changed)
    const lakefs = test.environment.lakefs
    const breaking = withLakefs({
      async merge(...args) {
        test.gate.broken = true
        return lakefs.merge(...args)
      },
    })
    await expect(commitVersion(breaking, again)).rejects.toThrow(TransientError)
    test.gate.broken = false
    await commitVersion(test.environment, again)
    expect(await test.readReport(study, 'v1')).toMatchObject({ status: 'committed', commit: await headOf('v1') })
  })

  it('ends a run that the gate’s rules refuse, with the list', async () => {
    const message = await readyToCommit('v1', smallStudy)
    const [key] = [...test.lake.objects.keys()].filter(name => name.startsWith(`data/${study}/base/dm/`))
    test.lake.objects.delete(key!)
    await commitVersion(test.environment, message)
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'file-missing', table: 'base.dm' }],
    })
    expect(await headOf('v1')).toBeUndefined()
    expect((await test.listBranches(study)).filter(name => name.startsWith('_'))).toEqual([])
    await commitVersion(test.environment, message)
  })

  it('believes the gate where it sees more than the run did', async () => {
    const message = await readyToCommit('v1', smallStudy)
    const { lakefs } = test.environment
    const [key] = [...test.lake.objects.keys()].filter(name => name.startsWith(`data/${study}/base/dm/`))
    const late = withLakefs({
      async commit(...args) {
        test.lake.objects.delete(key!)
        return lakefs.commit(...args)
      },
    })
    await commitVersion(late, message)
    expect(test.gate.answers.at(-1)).toBe(422)
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      problems: [{ code: 'file-missing' }],
    })
  })
})

describe('a head that no gate has seen', () => {
  it('is reported as refused and goes no further', async () => {
    await test.landing.put(`${study}/study.json`, new TextEncoder().encode('{"promote": true}'))
    await upload('v1', smallStudy)
    await test.drain()
    const promoted = await headOf('main')
    const head = (await headOf('v1'))!
    const [file] = [...test.lake.objects.keys()].filter(name => name.startsWith(`data/${study}/base/dm/`))
    test.lake.objects.delete(file!)
    test.lake.objects.delete(`attest/${study}/${head}.json`)
    await registerVersion(
      { ...test.environment, lake: { ...test.environment.lake } },
      { study, version: 'v1', cause: 'look' },
    )
    expect(await test.readReport(study, 'v1')).toMatchObject({
      status: 'rejected',
      commit: head,
      problems: [{ code: 'file-missing' }],
    })
    expect(await headOf('main')).toBe(promoted)
  })
})

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
