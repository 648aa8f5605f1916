import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkRef } from '../../../lib/gate/check-ref.ts'
import { judgeOnce } from '../../../lib/gate/verdicts.ts'
import { makeEnvironment } from '../../support/environment.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { smallStudy } from '../../support/small-study.ts'

const study = 'verdicts'
let test: Awaited<ReturnType<typeof makeEnvironment>>
beforeAll(async () => {
  test = await makeEnvironment()
  await test.upload({ study, version: 'v1', files: smallStudy })
  await test.drain()
})
afterAll(() => test.close())

it('the keys of files that were judged are not read again', async () => {
  test.lake.calls.length = 0
  expect((await checkRef(test.environment, study, 'v1')).problems).toEqual([])
  const read = test.lake.calls.filter(({ method, key }) => method === 'get' && key.endsWith('.parquet'))
  expect(read).toEqual([])

  const verdicts = [...test.lake.objects.keys()].filter(key => key.startsWith(`attest/${study}/files/`))
  // Three key tables, and the base tables of dm, sv and ae.
  expect(verdicts).toHaveLength(6)
  for (const key of verdicts) test.lake.objects.delete(key)
  test.lake.calls.length = 0
  expect((await checkRef(test.environment, study, 'v1')).problems).toEqual([])
  expect(test.lake.calls.some(({ method, key }) => method === 'get' && key.endsWith('.parquet'))).toBe(true)
})

it('only a good verdict is kept, and one that another process kept meanwhile is as good', async () => {
  const lake = memoryStore()
  let judged = 0
  const bad = [{ code: 'key-duplicate' as const, message: 'bad' }]
  const judge = async () => (judged++ === 0 ? bad : [])
  const subject = { files: ['a'] }
  expect(await judgeOnce({ lake }, { study, subject }, judge)).toEqual(bad)
  const racing = { ...lake, head: async () => undefined }
  expect(await judgeOnce({ lake: racing }, { study, subject }, judge)).toEqual([])
  expect(await judgeOnce({ lake: racing }, { study, subject }, judge)).toEqual([])
  expect(await judgeOnce({ lake }, { study, subject }, judge)).toEqual([])
  expect(judged).toBe(3)
  const broken = { ...lake, head: async () => undefined, put: () => Promise.reject(new Error('no lake')) }
  await expect(judgeOnce({ lake: broken }, { study, subject }, judge)).rejects.toThrow('no lake')
})
