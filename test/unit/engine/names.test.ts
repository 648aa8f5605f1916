import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EngineNames } from '../../../lib/engine/engine.ts'
import { engineSchema, engineTable, findNameProblem, parseEngineTable } from '../../../lib/engine/names.ts'
import { datasetRule, type Layer } from '../../../lib/layout.ts'

const usual: EngineNames = { schema: '{study}__{version}', table: '{layer}_{dataset}', layers: ['raw', 'base', 'keys'] }

it('hyphens become underscores, which Hive takes', () => {
  expect(engineSchema(usual, { study: 'ilms-2', version: 'v1-b', layer: 'raw' })).toBe('ilms_2__v1_b')
  expect(engineTable(usual, { layer: 'base', dataset: 'dm' })).toBe('base_dm')
  const layered = { ...usual, schema: 'x_{layer}_{version}_{study}', table: '{dataset}' }
  expect(engineSchema(layered, { study: 'ilms', version: 'v1', layer: 'keys' })).toBe('x_keys_v1_ilms')
})

it('a name stands for the one table that is called so, and others for none', () => {
  const layer = fc.constantFrom<Layer>('raw', 'base', 'keys')
  const template = fc.constantFrom('{layer}_{dataset}', '{dataset}', 'a_{dataset}_a', '{dataset}_{layer}')
  fc.assert(
    fc.property(template, layer, fc.stringMatching(datasetRule.pattern), (table, of, dataset) => {
      const names = { ...usual, table }
      expect(parseEngineTable(names, { layer: of, name: engineTable(names, { layer: of, dataset }) })).toEqual({
        layer: of,
        dataset,
      })
    }),
  )
  for (const name of ['raw', 'raw_', 'base_dm', 'raw_1', 'view_of_dm', ''])
    expect(parseEngineTable(usual, { layer: 'raw', name }), name).toBeUndefined()
  expect(parseEngineTable({ ...usual, table: 'a_{dataset}_a' }, { layer: 'raw', name: 'a_a' })).toBeUndefined()
})

describe('templates that name no table surely are refused', () => {
  it.each<[Partial<EngineNames>, RegExp]>([
    [{ schema: '{study}-{version}' }, /lower-case letters/],
    [{ schema: "{study}__{version}' OR 1=1" }, /lower-case letters/],
    [{ table: 'T_{layer}_{dataset}' }, /lower-case letters/],
    [{ schema: '{study}' }, /one study and one version/],
    [{ schema: 'all_{version}' }, /one study and one version/],
    [{ schema: '{study}_{version}_{dataset}' }, /placeholders of a schema/],
    [{ table: '{layer}' }, /\{dataset\} in it, once/],
    [{ table: '{layer}_{dataset}_{dataset}' }, /\{dataset\} in it, once/],
    [{ table: '{version}_{dataset}' }, /placeholders of a table/],
    [{ table: '{dataset}' }, /of several layers/],
  ])('%j', (names, problem) => {
    expect(findNameProblem({ ...usual, ...names })).toMatch(problem)
  })

  it('others are lawful', () => {
    for (const names of [
      {},
      { table: '{dataset}', layers: ['base'] as Layer[] },
      { schema: '{layer}_of_{study}_{version}', table: '{dataset}' },
    ])
      expect(findNameProblem({ ...usual, ...names })).toBeUndefined()
  })
})
