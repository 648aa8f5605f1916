import { describe, expect, it } from 'vitest'
import type { KeysMessage } from '../../../events/work.ts'
import { TransientError } from '../../../lib/errors.ts'
import { parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { assignKeys } from '../../../lib/pipeline/assign-keys.ts'
import { readKeys } from '../../support/read-keys.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'
import {
  headOf,
  patients,
  refusal,
  study,
  test,
  upload,
  useTestEnvironment,
  withLakefs,
  workUpTo,
} from './step-by-step.ts'

useTestEnvironment()

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
      for (const [name, key] of await readKeys(test.lake, parseTableMetadata(text))) expect(map.get(name)).toBe(key)
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
