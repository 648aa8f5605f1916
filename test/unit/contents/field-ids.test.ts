import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignFieldIds, typeFamily } from '../../../lib/contents/field-ids.ts'
import type { FieldType } from '../../../lib/fields.ts'
import { anyType, simpleKinds } from './arbitraries.ts'

const idOf = (name: string, type: FieldType): number => assignFieldIds([{ name, type }]).ids[0]!

/** Two names that the hash puts on one id, found by search; that they meet is asserted below. */
const meeting = ['c12812', 'c35186'] as const

describe('the id of a column', () => {
  test('is that of its name without case and its family, in every table', () => {
    fc.assert(
      fc.property(fc.string(), anyType, fc.uniqueArray(fc.string(), { maxLength: 4 }), (name, type, others) => {
        const id = idOf(name, type)
        expect(id).toBeGreaterThanOrEqual(1)
        expect(id).toBeLessThanOrEqual(1_000_000_000)
        expect(idOf(name.toLowerCase(), type)).toBe(id)
        const columns = others.filter(other => other !== name).map(other => ({ name: other, type }))
        expect(assignFieldIds([{ name, type }, ...columns]).ids[0]).toBe(id)
      }),
    )
  })

  test('stays within a family and changes with it', () => {
    expect(idOf('A', { kind: 'integer' })).toBe(idOf('A', { kind: 'bigint' }))
    expect(idOf('A', { kind: 'decimal', precision: 5, scale: 2 })).toBe(
      idOf('A', { kind: 'decimal', precision: 38, scale: 2 }),
    )
    const families = new Set([...simpleKinds.map(kind => typeFamily({ kind })), 'decimal'])
    expect(families.size).toBe(simpleKinds.length)
    const ids = new Set([
      ...simpleKinds.map(kind => idOf('A', { kind })),
      idOf('A', { kind: 'decimal', precision: 5, scale: 2 }),
      idOf('A', { kind: 'decimal', precision: 5, scale: 3 }),
    ])
    expect(ids.size).toBe(simpleKinds.length - 1 + 2)
  })

  test('never changes from one release to the next', () => {
    expect(idOf('USUBJID', { kind: 'string' })).toBe(471_484_271)
    expect(idOf('Age', { kind: 'integer' })).toBe(853_040_680)
    expect(idOf('WEIGHT', { kind: 'decimal', precision: 5, scale: 2 })).toBe(33_891_753)
  })
})

describe('ids of a table', () => {
  test('are all different', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { selector: name => name.toLowerCase(), maxLength: 50 }), names => {
        const { ids } = assignFieldIds(names.map(name => ({ name, type: { kind: 'string' } })))
        expect(new Set(ids).size).toBe(names.length)
      }),
    )
  })

  test('that meet are set apart, and the later column is named', () => {
    const type: FieldType = { kind: 'string' }
    const [first, second] = meeting.map(name => ({ name, type })) as [
      { name: string; type: FieldType },
      { name: string; type: FieldType },
    ]
    expect(idOf(first.name, type)).toBe(idOf(second.name, type))
    const forth = assignFieldIds([first, second])
    expect(forth.ids[0]).toBe(idOf(first.name, type))
    expect(forth.ids[1]).not.toBe(forth.ids[0])
    expect(forth.collisions).toEqual([{ name: second.name }])
    expect(assignFieldIds([first, second])).toEqual(forth)
    expect(assignFieldIds([second, first]).collisions).toEqual([{ name: first.name }])
    expect(assignFieldIds([first]).collisions).toEqual([])
  })
})
