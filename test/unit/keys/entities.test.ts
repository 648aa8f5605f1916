import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../../lib/fields.ts'
import { baseFields } from '../../../lib/keys/base-fields.ts'
import {
  entitiesOf,
  findKeyColumnClashes,
  findUnusedEntities,
  naturalKeyFields,
  usualEntitiesOf,
} from '../../../lib/keys/entities.ts'

const dataset = (name: string, ...columns: string[]): Dataset => ({
  name,
  fields: columns.map((column, at) => ({ id: at + 1, name: column, type: { kind: 'string' }, nullable: true })),
})
const entity = (name: string, ...naturalKey: string[]) => ({ name, naturalKey, required: false })

describe('the usual entities', () => {
  it('are those whose columns some dataset holds whole', () => {
    expect(usualEntitiesOf([dataset('dm', 'USUBJID', 'SITEID'), dataset('sv', 'usubjid', 'VisitNum')])).toEqual([
      entity('patient', 'USUBJID'),
      entity('visit', 'USUBJID', 'VISITNUM'),
      entity('site', 'SITEID'),
    ])
    expect(
      usualEntitiesOf([dataset('p', 'patient_id'), dataset('v', 'VISIT_ID'), dataset('l', 'location_id')]),
    ).toEqual([entity('patient', 'PATIENT_ID'), entity('visit', 'VISIT_ID'), entity('site', 'LOCATION_ID')])
    expect(usualEntitiesOf([dataset('dm', 'USUBJID'), dataset('tv', 'VISITNUM')])).toEqual([
      entity('patient', 'USUBJID'),
    ])
    expect(usualEntitiesOf([])).toEqual([])
  })
})

it('a dataset has the entities whose columns it holds, in the key’s order', () => {
  const entities = [entity('visit', 'USUBJID', 'VISITNUM'), entity('site', 'SITEID')]
  const sv = dataset('sv', 'VISITNUM', 'usubjid')
  expect(entitiesOf(sv, entities)).toEqual([entities[0]])
  expect(naturalKeyFields(sv, entities[0]!)?.map(({ name }) => name)).toEqual(['usubjid', 'VISITNUM'])
  expect(naturalKeyFields(sv, entities[1]!)).toBeUndefined()
})

it('a delivered column may not have a key’s name', () => {
  const problems = findKeyColumnClashes(
    [dataset('dm', 'A', 'Patient_Key'), dataset('ae', 'site_key')],
    [entity('patient', 'A')],
  )
  expect(problems).toEqual([
    expect.objectContaining({ code: 'key-column-delivered', file: 'dm.csv', column: 'Patient_Key' }),
  ])
})

it('an entity that no dataset holds is said, since a misspelt column looks like that', () => {
  const problems = findUnusedEntities(
    [dataset('dm', 'USUBJID')],
    [entity('patient', 'usubjid'), entity('site', 'SITID')],
  )
  expect(problems).toEqual([expect.objectContaining({ code: 'entity-unused', file: 'study.json' })])
  expect(problems[0]!.message).toContain('SITID')
})

it('base fields are the raw ones with their ids, then the keys, no id twice', () => {
  const raw = dataset('dm', 'USUBJID', 'AGE').fields
  const fields = baseFields(raw, [entity('patient', 'USUBJID'), entity('site', 'SITEID')])
  expect(fields.slice(0, 2)).toEqual(raw)
  expect(fields.slice(2).map(({ name, type, nullable }) => ({ name, type, nullable }))).toEqual([
    { name: 'patient_key', type: { kind: 'bigint' }, nullable: true },
    { name: 'site_key', type: { kind: 'bigint' }, nullable: true },
  ])
  expect(new Set(fields.map(({ id }) => id)).size).toBe(4)
  expect(baseFields(raw, [])).toEqual(raw)
})
