import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rejection } from '../../../lib/errors.ts'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { allocateKeys, countKeys, type DeliveredKeys } from '../../../lib/keys/allocate.ts'
import { emptyKeyMap, keyTableFields } from '../../../lib/keys/key-map.ts'
import { indexedColumn } from '../../../lib/parquet/read-chunk.ts'
import { batchRows, type Cell, makeBatch } from '../../support/columns.ts'

const patient = { name: 'patient', naturalKey: ['USUBJID'], required: false }
const visit = { name: 'visit', naturalKey: ['USUBJID', 'VISITNUM'], required: false }
const field = (name: string, type: FieldType): Field => ({ id: 1, name, type, nullable: true })
const subject = field('USUBJID', { kind: 'string' })
const visitNumber = (type: FieldType) => field('VISITNUM', type)

const emptyMap = emptyKeyMap
const delivered = (file: string, fields: Field[], ...batches: Cell[][][]): DeliveredKeys => ({
  file,
  fields,
  batches: batches.map(rows => makeBatch(fields, rows)),
})

function keyOf({ known }: ReturnType<typeof emptyKeyMap>, id: string): number {
  const column = indexedColumn(makeBatch([subject], [[id]]).columns[0]!, 1)
  return known.keyOf(known.places.find([column], [subject.type], 1).places[0]!)
}

describe('allocation', () => {
  it('numbers what is new, datasets in their order, rows in theirs', async () => {
    const map = emptyMap()
    const fields = keyTableFields(patient, [subject], undefined)
    const { batches, added } = allocateKeys(
      map,
      fields,
      [delivered('dm.csv', [subject], [['P2'], ['P1']], [['P3']]), delivered('ae.csv', [subject], [['P1'], ['P4']])],
      'v1',
    )
    expect(added).toBe(4)
    expect(await batchRows(batches)).toEqual([
      ['P2', 1n, 'v1'],
      ['P1', 2n, 'v1'],
      ['P3', 3n, 'v1'],
      ['P4', 4n, 'v1'],
    ])
    expect(map.known.largest).toBe(4)
    const again = allocateKeys(map, fields, [delivered('dm.csv', [subject], [['P4'], ['P9']])], 'v2')
    expect(await batchRows(again.batches)).toEqual([['P9', 5n, 'v2']])
    expect(allocateKeys(map, fields, [delivered('dm.csv', [subject], [['P4']])], 'v3')).toEqual({
      batches: [],
      added: 0,
    })
  })

  it('knows a number in any type, and stores it in the table’s', async () => {
    const map = emptyMap()
    const fields = keyTableFields(visit, [subject, visitNumber({ kind: 'double' })], undefined)
    const sources = [
      delivered('sv.csv', [subject, visitNumber({ kind: 'double' })], [['P1', 1]]),
      delivered(
        'lb.csv',
        [subject, visitNumber({ kind: 'decimal', precision: 5, scale: 2 })],
        [
          ['P1', 100],
          ['P1', 250],
        ],
      ),
      delivered(
        'vs.csv',
        [subject, visitNumber({ kind: 'integer' })],
        [
          ['P1', 1],
          ['P1', 3],
        ],
      ),
    ]
    const { batches } = allocateKeys(map, fields, sources, 'v1')
    expect(await batchRows(batches)).toEqual([
      ['P1', 1, 1n, 'v1'],
      ['P1', 2.5, 2n, 'v1'],
      ['P1', 3, 3n, 'v1'],
    ])
  })

  it('refuses a type that cannot be compared even where its texts are known', () => {
    const map = emptyMap()
    const fields = keyTableFields(visit, [subject, visitNumber({ kind: 'integer' })], undefined)
    allocateKeys(map, fields, [delivered('sv.csv', [subject, visitNumber({ kind: 'integer' })], [['P1', 1]])], 'v1')
    for (const kind of ['string', 'date'] as const) {
      const cell = kind === 'string' ? '1' : 1
      const source = delivered('lb.csv', [subject, visitNumber({ kind })], [['P1', cell]])
      expect(() => allocateKeys(map, fields, [source], 'v2')).toThrow(Rejection)
    }
  })

  it('passes over natural keys with a null part', () => {
    const fields = keyTableFields(patient, [subject], undefined)
    expect(allocateKeys(emptyMap(), fields, [delivered('dm.csv', [subject], [[null]])], 'v1').added).toBe(0)
  })

  it('gives every natural key one key for ever, whatever the versions bring', () => {
    const uploads = fc.array(fc.array(fc.array(fc.nat(15), { maxLength: 6 }), { maxLength: 3 }), { maxLength: 5 })
    fc.assert(
      fc.property(uploads, versions => {
        const map = emptyMap()
        const fields = keyTableFields(patient, [subject], undefined)
        const given = new Map<number, number>()
        for (const [at, files] of versions.entries()) {
          const sources = files.map((rows, i) =>
            delivered(
              `${i}.csv`,
              [subject],
              rows.map(row => [`P${row}`]),
            ),
          )
          allocateKeys(map, fields, sources, `v${at}`)
          const ids = [...new Set(files.flat())].sort()
          for (const id of ids) {
            const key = keyOf(map, `P${id}`)
            expect(key).toBe(given.get(id) ?? key)
            given.set(id, key)
          }
        }
        expect(new Set(given.values()).size).toBe(given.size)
      }),
    )
  })
})

it('counts distinct natural keys, and those that the version was the first to bring', () => {
  const map = emptyMap()
  const fields = keyTableFields(patient, [subject], undefined)
  allocateKeys(map, fields, [delivered('dm.csv', [subject], [['P1'], ['P2']])], 'v1')
  const now = [
    delivered('dm.csv', [subject], [['P2'], ['P3'], [null]]),
    delivered('ae.csv', [subject], [['P3'], ['P4']]),
  ]
  allocateKeys(map, fields, now, 'v2')
  expect(countKeys(map, now, 'v2')).toEqual({ distinct: 3, new: 2 })
  // Looked at again after the allocation was merged, the answer is the same.
  expect(countKeys(map, now, 'v2')).toEqual({ distinct: 3, new: 2 })
  expect(countKeys(map, now, 'v3')).toEqual({ distinct: 3, new: 0 })
})
