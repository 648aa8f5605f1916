import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { formatGateAction, gateTokenHeader } from '../../lib/gate-action.ts'

it('is called before all that changes a branch, with a token that lakeFS fills in', () => {
  const action = parse(formatGateAction({ url: 'http://127.0.0.1:9/functions/check?a=b: c' })) as {
    on: object
    hooks: { type: string; properties: { url: string; timeout: string; headers: Record<string, string> } }[]
  }
  expect(Object.keys(action.on).sort()).toEqual(['pre-cherry-pick', 'pre-commit', 'pre-merge', 'pre-revert'])
  expect(action.hooks).toHaveLength(1)
  const { type, properties } = action.hooks[0]!
  expect(type).toBe('webhook')
  expect(properties.url).toBe('http://127.0.0.1:9/functions/check?a=b: c')
  expect(properties.headers).toEqual({ [gateTokenHeader]: '{{ ENV.LAKEFSACTION_GATE_TOKEN }}' })
  // lakeFS's own limit is a minute.
  expect(Number.parseInt(properties.timeout, 10)).toBeLessThan(60)
})

it('gives the same bytes for the same address: equal files never conflict in a merge', () => {
  expect(formatGateAction({ url: 'http://a/' })).toBe(formatGateAction({ url: 'http://a/' }))
})
