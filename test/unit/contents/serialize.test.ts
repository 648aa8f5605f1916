import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSerializedContents, serializeContents } from '../../../lib/contents/serialize.ts'
import type { Contents, Field } from '../../../lib/fields.ts'
import { anyType } from './arbitraries.ts'

const anyField: fc.Arbitrary<Field> = fc.record(
  {
    id: fc.integer({ min: 1, max: 1_000_000_000 }),
    name: fc.string({ minLength: 1, unit: 'grapheme' }),
    type: anyType,
    nullable: fc.boolean(),
    label: fc.string(),
    format: fc.constantFrom('DATE9.', 'TIME5.'),
  },
  { requiredKeys: ['id', 'name', 'type', 'nullable'], noNullPrototype: true },
)
const anyContents: fc.Arbitrary<Contents> = fc.record(
  {
    datasets: fc.uniqueArray(
      fc.record(
        {
          name: fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/),
          fields: fc
            .uniqueArray(anyField, { selector: field => field.name.toLowerCase(), minLength: 1, maxLength: 5 })
            .map(fields => fields.map((field, i) => ({ ...field, id: i + 1 }))),
        },
        { noNullPrototype: true },
      ),
      { selector: dataset => dataset.name, maxLength: 4 },
    ),
  },
  { noNullPrototype: true },
)

test('contents come back from their serialized form', () => {
  fc.assert(
    fc.property(anyContents, contents => {
      expect(parseSerializedContents(serializeContents(contents))).toEqual(contents)
    }),
  )
})

test('equal contents have equal bytes, whatever the order of their members', () => {
  const field = { id: 1, name: 'A', type: { kind: 'decimal', precision: 5, scale: 2 }, nullable: true } as const
  const turned = {
    nullable: true,
    type: { scale: 2, precision: 5, kind: 'decimal' },
    name: 'A',
    id: 1,
    label: undefined,
  } as const
  const text = serializeContents({ datasets: [{ name: 'x', fields: [field] }] })
  expect(serializeContents({ datasets: [{ fields: [turned as unknown as Field], name: 'x' }] })).toBe(text)
  expect(text).toBe(
    '{"datasets":[{"fields":[{"id":1,"name":"A","nullable":true,"type":{"kind":"decimal","precision":5,"scale":2}}],"name":"x"}]}',
  )
})

describe('what is no contents is refused', () => {
  const field = { id: 1, name: 'A', type: { kind: 'string' }, nullable: true }
  const withFields = (fields: object[]): object => ({ datasets: [{ name: 'x', fields }] })
  test.each([
    ['no datasets', {}, 'datasets'],
    ['a dataset that breaks the rule', { datasets: [{ name: 'X y', fields: [field] }] }, 'datasets.0.name'],
    [
      'a dataset twice',
      { datasets: [withFields([field]), withFields([field])].flatMap(c => (c as Contents).datasets) },
      'unique',
    ],
    ['a dataset without fields', withFields([]), 'datasets.0.fields'],
    ['a column twice', withFields([field, { ...field, id: 2, name: 'a' }]), 'unique without case'],
    ['an id twice', withFields([field, { ...field, name: 'B' }]), 'field ids are unique'],
    ['an id that Iceberg reserves', withFields([{ ...field, id: 2_147_483_646 }]), 'datasets.0.fields.0.id'],
    ['an unknown type', withFields([{ ...field, type: { kind: 'uuid' } }]), 'datasets.0.fields.0.type'],
    [
      'a decimal that cannot be',
      withFields([{ ...field, type: { kind: 'decimal', precision: 5, scale: 6 } }]),
      'scale',
    ],
    ['a member too many', withFields([{ ...field, colour: 'red' }]), 'datasets.0.fields.0'],
  ])('%s', (_, value, place) => {
    expect(() => parseSerializedContents(JSON.stringify(value))).toThrow(place)
  })

  test('text that is no JSON', () => {
    expect(() => parseSerializedContents('{')).toThrow('the serialized contents is not valid JSON')
  })
})
