import { describe, expect, it } from 'vitest'
import { fillSecrets, namesSecrets } from '../../lib/secrets.ts'

describe('secrets', () => {
  const secrets: Record<string, string> = {
    lakefs: '{"accessKeyId":"AKIA","secretAccessKey":"secret"}',
    gate: 'a token of the gate',
    broken: 'secret without braces',
  }
  const read = async (id: string) => secrets[id]!

  it('complete the variables; one that names none reads none', async () => {
    const variables = { LAKEFS_SECRET_ARN: 'lakefs', GATE_TOKEN_SECRET_ARN: 'gate', PATH: '/bin' }
    expect(await fillSecrets(variables, read)).toEqual({
      ...variables,
      LAKEFS_ACCESS_KEY_ID: 'AKIA',
      LAKEFS_SECRET_ACCESS_KEY: 'secret',
      GATE_TOKEN: 'a token of the gate',
    })
    expect([namesSecrets(variables), namesSecrets({ PATH: '/bin' })]).toEqual([true, false])
    expect(await fillSecrets({ PATH: '/bin' }, () => Promise.reject(new Error('not to be called')))).toEqual({
      PATH: '/bin',
    })
  })

  it('a variable that is set directly wins, and its secret is not read', async () => {
    const set = { GATE_TOKEN_SECRET_ARN: 'gate', GATE_TOKEN: 'set directly here' }
    expect(await fillSecrets(set, () => Promise.reject(new Error('not to be called')))).toEqual(set)
    const half = { LAKEFS_SECRET_ARN: 'lakefs', LAKEFS_ACCESS_KEY_ID: 'mine' }
    expect(await fillSecrets(half, read)).toMatchObject({
      LAKEFS_ACCESS_KEY_ID: 'mine',
      LAKEFS_SECRET_ACCESS_KEY: 'secret',
    })
  })

  it('one of another form is named by its variable, never quoted', async () => {
    secrets.incomplete = '{"accessKeyId":"AKIA"}'
    for (const id of ['broken', 'incomplete']) {
      const failure = await fillSecrets({ LAKEFS_SECRET_ARN: id }, read).catch((error: Error) => error)
      expect(String(failure)).toContain('the secret that LAKEFS_SECRET_ARN names is not JSON')
      expect(JSON.stringify([String(failure), (failure as Error).cause])).not.toMatch(/braces|AKIA/)
    }
  })

  it('a failure of the reader is passed on', async () => {
    await expect(fillSecrets({ LAKEFS_SECRET_ARN: 'x' }, () => Promise.reject(new Error('no answer')))).rejects.toThrow(
      'no answer',
    )
  })
})
