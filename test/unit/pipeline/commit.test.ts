import { describe, expect, it } from 'vitest'
import type { KeysMessage } from '../../../events/work.ts'
import { TransientError } from '../../../lib/errors.ts'
import { addKeys } from '../../../lib/pipeline/add-keys.ts'
import { commitVersion } from '../../../lib/pipeline/commit.ts'
import { registerVersion } from '../../../lib/pipeline/register.ts'
import { smallStudy } from '../../support/small-study.ts'
import {
  changed,
  headOf,
  refusal,
  study,
  test,
  upload,
  useTestEnvironment,
  withLakefs,
  workUpTo,
} from './step-by-step.ts'

useTestEnvironment()

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
      problems: [{ code: 'unattested', message: expect.stringContaining('UNATTESTED') }, { code: 'file-missing' }],
    })
    expect(await headOf('main')).toBe(promoted)
  })
})
