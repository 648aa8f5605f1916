import fc from 'fast-check'
import type { Field, FieldType } from '../../../lib/fields.ts'
import type { Cell } from '../../support/columns.ts'

const decimalPrecisions = [1, 9, 10, 18, 19, 27, 38]

export const fieldType: fc.Arbitrary<FieldType> = fc.oneof(
  fc.constantFrom<FieldType>(
    { kind: 'string' },
    { kind: 'integer' },
    { kind: 'bigint' },
    { kind: 'double' },
    { kind: 'boolean' },
    { kind: 'date' },
    { kind: 'timestamp' },
    { kind: 'time' },
  ),
  fc.constantFrom(...decimalPrecisions).chain(precision =>
    fc.record({
      kind: fc.constant('decimal' as const),
      precision: fc.constant(precision),
      scale: fc.integer({ min: 0, max: precision }),
    }),
  ),
)

const text = fc.oneof(
  fc.constantFrom('', 'a', 'Ä', '\uffff', '😀', 'x'.repeat(100)),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

export function cell(type: FieldType): fc.Arbitrary<Cell> {
  switch (type.kind) {
    case 'string':
      return text
    case 'integer':
    case 'date':
      return fc.integer()
    case 'bigint':
    case 'timestamp':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'time':
      return fc.bigInt({ min: 0n, max: 86_399_999_999n })
    case 'double':
      return fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, 1))
    case 'boolean':
      return fc.boolean()
    case 'decimal': {
      const most = 10n ** BigInt(type.precision) - 1n
      const unscaled = fc.bigInt({ min: -most, max: most })
      return type.precision <= 9 ? unscaled.map(Number) : unscaled
    }
  }
}

export interface Table {
  fields: Field[]
  rows: Cell[][]
}

/** A few columns of any types and their rows; cells repeat often enough for dictionaries to pay. */
export function table({ maxRows = 60, maxFields = 5 } = {}): fc.Arbitrary<Table> {
  return fc
    .array(fc.record({ type: fieldType, nullable: fc.boolean() }), { minLength: 1, maxLength: maxFields })
    .chain(shapes => {
      const fields = shapes.map((shape, at) => ({ id: at + 1, name: `c${at}`, ...shape }))
      const cells = fields.map(({ type, nullable }) => {
        const pool = fc.array(cell(type), { minLength: 1, maxLength: 12 })
        return { pool, nullable }
      })
      return fc
        .tuple(fc.integer({ min: 0, max: maxRows }), fc.integer(), ...cells.map(({ pool }) => pool))
        .map(([count, seed, ...pools]) => {
          let state = seed >>> 0
          const random = (below: number) => {
            state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
            return Math.floor((state / 2 ** 32) * below)
          }
          const rows = Array.from({ length: count }, () =>
            fields.map(({ nullable }, at) =>
              nullable && random(4) === 0 ? null : pools[at][random(pools[at].length)],
            ),
          )
          return { fields, rows }
        })
    })
}

/** Sizes of batches, as cutBatches takes them. */
export const batchSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
