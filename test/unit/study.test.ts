import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formatGateAction } from '../../lib/gate-action.ts'
import { LakefsError } from '../../lib/lakefs/client.ts'
import { gatePath } from '../../lib/layout.ts'
import { ensureStudy } from '../../lib/study.ts'
import { makeEnvironment, type TestEnvironment } from '../support/environment.ts'
import { injectFault } from '../support/faults.ts'

const study = 'trial-01'
let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())
beforeEach(() => test.reset())

async function readState() {
  const { lakefs, config } = test.environment
  const { patterns } = await lakefs.getBranchProtection(study)
  const gates: Record<string, boolean> = {}
  for (const branch of ['main', 'keys']) {
    const text = new TextDecoder().decode(await lakefs.getObject(study, `${branch}@`, gatePath))
    gates[branch] = text === formatGateAction({ url: config.gate.url })
  }
  return { patterns, gates, branches: (await test.listBranches(study)).filter(name => !name.startsWith('_')) }
}
const whole = { patterns: ['[!_]*'], gates: { main: true, keys: true }, branches: ['keys', 'main'] }

it('makes the repository, the gate, the branch of keys and the protection', async () => {
  await ensureStudy(test.environment, study)
  expect(await readState()).toEqual(whole)
  const { storageNamespace } = (await test.environment.lakefs.getRepository(study))!
  expect(storageNamespace).toMatch(/^s3:\/\/lake\/lakefs\/trial-01/)
})

it('done again it changes nothing', async () => {
  const { lakefs } = test.environment
  await ensureStudy(test.environment, study)
  const heads = async () => [await lakefs.getBranch(study, 'main'), await lakefs.getBranch(study, 'keys')]
  const before = await heads()
  await ensureStudy(test.environment, study)
  expect(await heads()).toEqual(before)
  expect(await readState()).toEqual(whole)
})

describe('wherever it is cut off, it goes on', () => {
  it.each(['death', 'failure', 'lost-answer'] as const)('%s', async kind => {
    const count = injectFault(test.environment)
    await ensureStudy(count.environment, study)
    for (let at = 1; at <= count.calls(); at++) {
      await test.reset()
      const { environment } = injectFault(test.environment, { kind, at })
      await expect(ensureStudy(environment, study)).rejects.toThrow('did not answer')
      await ensureStudy(test.environment, study)
      expect(await readState()).toEqual(whole)
    }
  })
})

it('several at once end in one whole study', async () => {
  const attempts = await Promise.allSettled([1, 2, 3].map(() => ensureStudy(test.environment, study)))
  for (const attempt of attempts) if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(LakefsError)
  await ensureStudy(test.environment, study)
  expect(await readState()).toEqual(whole)
})

it('keeps protection that others have set', async () => {
  const { lakefs } = test.environment
  await lakefs.createRepository({ name: study, storageNamespace: 's3://lake/elsewhere' })
  await lakefs.setBranchProtection(study, ['release-*'])
  await ensureStudy(test.environment, study)
  expect((await readState()).patterns).toEqual(['[!_]*', 'release-*'])
})

it('passes on what lakeFS refuses for another reason', async () => {
  const refusing = (status: number) => ({
    ...test.environment,
    lakefs: {
      ...test.environment.lakefs,
      createRepository: () => Promise.reject(new LakefsError('POST /repositories', { status, detail: '' })),
    },
  })
  await expect(ensureStudy(refusing(401), study)).rejects.toThrow('401')
  await expect(ensureStudy(refusing(400), study)).rejects.toThrow('400')
})

it('does not install a gate that does not answer', async () => {
  test.gate.broken = true
  await expect(ensureStudy(test.environment, study)).rejects.toMatchObject({ name: 'TransientError' })
  test.gate.broken = false
  await ensureStudy(test.environment, study)
  expect(await readState()).toEqual(whole)
})
