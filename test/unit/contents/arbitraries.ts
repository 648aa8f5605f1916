import fc from 'fast-check'
import type { FieldType } from '../../../lib/fields.ts'

export const simpleKinds = ['string', 'integer', 'bigint', 'double', 'boolean', 'date', 'timestamp', 'time'] as const

const decimalType = fc
  .integer({ min: 1, max: 38 })
  .chain(precision =>
    fc.integer({ min: 0, max: precision }).map(scale => ({ kind: 'decimal', precision, scale }) as const),
  )

/** Every type that can be declared. */
export const anyType: fc.Arbitrary<FieldType> = fc.oneof(
  fc.constantFrom(...simpleKinds).map(kind => ({ kind })),
  decimalType,
)
