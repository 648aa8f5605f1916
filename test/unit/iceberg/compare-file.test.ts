import fc from 'fast-check'
import type { SchemaElement } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { compareFile, fileName, readHistory } from '../../../lib/iceberg/compare-file.ts'
import { parseNestedFields, walkFields } from '../../../lib/iceberg/nested-type.ts'
import { schemaTree } from '../../../lib/parquet/schema-tree.ts'
import { columns, footerOf, parquetTypes, type RawField, tableWith } from './foreign-tables.ts'

const field = (id: number, type: unknown, name = `c${id}`, required = false): RawField => ({ id, name, required, type })
const struct = (...fields: RawField[]) => ({ type: 'struct', fields })

/** What a file of these columns has otherwise than a table of these schemas; kinds with columns. */
function compare(schemas: RawField[][], file: RawField[], options?: Parameters<typeof compareFile>[2]) {
  const found = compareFile(readHistory(tableWith(schemas)), schemaTree(footerOf(file)), options)
  return found.map(({ kind, column }) => `${kind} ${column}`)
}

describe('a file is its table', () => {
  it('where a writer made it of the schema', () => {
    fc.assert(
      fc.property(columns, fields => {
        expect(compare([fields], fields)).toEqual([])
      }),
    )
  })

  it('and where it has no field ids, by the name mapping', () => {
    const mapping = (fields: RawField[]): unknown[] =>
      parseNestedFields(fields).map(function map(of): unknown {
        const inner = of.type
        const below =
          inner.kind === 'struct'
            ? inner.fields
            : inner.kind === 'list'
              ? [inner.element]
              : inner.kind === 'map'
                ? [inner.key, inner.value]
                : []
        return { 'field-id': of.id, names: [of.name], fields: below.map(map) }
      })
    fc.assert(
      fc.property(columns, fields => {
        const properties = { 'schema.name-mapping.default': JSON.stringify(mapping(fields)) }
        const tree = schemaTree(footerOf(fields, { ids: false }))
        expect(compareFile(readHistory(tableWith([fields], { properties })), tree)).toEqual([])
        expect(compareFile(readHistory(tableWith([fields])), tree)).toMatchObject([{ kind: 'field-id' }])
        const none = { 'schema.name-mapping.default': '[]' }
        const kinds = compareFile(readHistory(tableWith([fields], { properties: none })), tree).map(({ kind }) => kind)
        expect(kinds).toContain('field-id')
      }),
    )
  })

  it('whatever single leaf is another, it is found and named', () => {
    fc.assert(
      fc.property(columns, fc.nat(), fc.constantFrom(...Object.keys(parquetTypes)), (fields, at, other) => {
        const { schema } = footerOf(fields)
        const leaves = schema.flatMap(({ num_children: children }, index) => (children === undefined ? [index] : []))
        const leaf = leaves[at % leaves.length]!
        const { name, field_id, repetition_type } = schema[leaf]!
        const changed = schema.with(leaf, { name, field_id, repetition_type, ...parquetTypes[other] } as SchemaElement)
        const types = [...walkFields(parseNestedFields(fields))]
        const before = types.find(({ field: of }) => of.id === field_id)!
        const found = compareFile(readHistory(tableWith([fields])), schemaTree({ schema: changed }))
        const type = before.field.type.kind === 'primitive' ? before.field.type.name : ''
        const widened = ['int long', 'float double', 'decimal(9, 2) decimal(18, 2)'].includes(`${other} ${type}`)
        if (other === type || widened) expect(found).toEqual([])
        else expect(found).toMatchObject([{ kind: 'type', column: before.path, expected: type }])
      }),
    )
  })
})

describe('what evolution makes of a table', () => {
  it('columns that came later are lawful where they are optional, or the partition has them', () => {
    expect(compare([[field(1, 'int')], [field(1, 'int'), field(2, 'string')]], [field(1, 'int')])).toEqual([])
    const required = [[field(1, 'int'), field(2, 'string', 'c2', true)]]
    expect(compare(required, [field(1, 'int')])).toEqual(['column-missing c2'])
    expect(compare(required, [field(1, 'int')], { identityIds: new Set([2]) })).toEqual([])
    const inner = [[field(1, struct(field(3, 'int', 'a'), field(4, 'int', 'b', true)), 's')]]
    expect(compare(inner, [field(1, struct(field(3, 'int', 'a')), 's')])).toEqual(['column-missing s.b'])
  })

  it('columns that went stay in files, in a form that they had; others are no column of the table', () => {
    const forms = [[field(1, 'int'), field(2, 'int')], [field(1, 'int'), field(2, 'long')], [field(1, 'int')]]
    expect(compare(forms, [field(1, 'int'), field(2, 'int')])).toEqual([])
    expect(compare(forms, [field(1, 'int'), field(2, 'long')])).toEqual([])
    expect(compare(forms, [field(1, 'int'), field(2, 'string')])).toEqual(['type c2'])
    expect(compare(forms, [field(1, 'int'), field(9, 'int')])).toEqual(['column-extra c9'])
    const nested = [
      [field(1, struct(field(3, 'int', 'a'), field(4, 'int', 'b')), 's')],
      [field(1, struct(field(3, 'int', 'a')), 's')],
    ]
    expect(compare(nested, [field(1, struct(field(3, 'int', 'a'), field(4, 'int', 'b')), 's')])).toEqual([])
    expect(compare(nested, [field(1, struct(field(5, 'int', 'z')), 's')])).toEqual(['column-extra s.z'])
  })

  it('renamed columns keep their old name in files, and a name that they never had is none', () => {
    const schemas = [[field(1, 'int', 'old')], [field(1, 'int', 'new')]]
    expect(compare(schemas, [field(1, 'int', 'old')])).toEqual([])
    expect(compare(schemas, [field(1, 'int', 'other')])).toEqual(['name new'])
    // Two columns of one type that changed places.
    const two = [[field(1, 'int', 'a'), field(2, 'int', 'b')]]
    expect(compare(two, [field(1, 'int', 'b'), field(2, 'int', 'a')])).toEqual(['name a', 'name b'])
  })

  it('names that Avro does not take are written otherwise', () => {
    expect(['1st', 'a b', 'gä', 'a.b', 'x-1', 'ok_1'].map(fileName)).toEqual([
      '_1st',
      'a_x20b',
      'gä',
      'a_x2Eb',
      'x_x2D1',
      'ok_1',
    ])
    expect(compare([[field(1, 'int', 'a b')]], [field(1, 'int', 'a_x20b')])).toEqual([])
  })

  it('what is required is never optional in a file; the other way is lawful', () => {
    expect(compare([[field(1, 'int', 'a', true)]], [field(1, 'int', 'a')])).toEqual(['nullability a'])
    expect(compare([[field(1, 'int', 'a')]], [field(1, 'int', 'a', true)])).toEqual([])
  })

  it('a field id stands once in a file, and on every column', () => {
    expect(compare([[field(1, 'int', 'a')]], [field(1, 'int', 'a'), field(1, 'int', 'a')])).toEqual(['field-id *'])
    const { schema } = footerOf([field(1, 'int', 'a'), field(2, 'int', 'b')])
    const half = schema.with(2, { ...schema[2]!, field_id: undefined })
    const history = readHistory(tableWith([[field(1, 'int', 'a')]]))
    expect(compareFile(history, schemaTree({ schema: half }))).toMatchObject([{ kind: 'field-id', column: 'b' }])
  })

  it('kinds of types do not become one another', () => {
    const list = { type: 'list', 'element-id': 2, element: 'int', 'element-required': false }
    expect(compare([[field(1, list, 'a')]], [field(1, 'int', 'a')])).toEqual(['type a'])
    expect(compare([[field(1, 'int', 'a')]], [field(1, list, 'a')])).toEqual(['type a'])
  })
})

describe('files of other writers', () => {
  const leaf = (element: Partial<SchemaElement>) =>
    schemaTree({
      schema: [{ name: 'root', num_children: 1 }, { name: 'c', field_id: 1, ...element } as SchemaElement],
    })[0]!
  const readable = (element: Partial<SchemaElement>) => {
    const { type } = leaf(element)
    return type.kind === 'primitive' ? type.readableAs : type.kind
  }

  it.each<[Partial<SchemaElement>, string[]]>([
    [{ type: 'INT96' }, ['timestamptz', 'timestamp']],
    [{ type: 'INT64', converted_type: 'TIMESTAMP_MICROS' }, ['timestamptz', 'timestamp']],
    [{ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }, []],
    [{ type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } }, []],
    [{ type: 'INT64', converted_type: 'TIME_MICROS' }, ['time']],
    [{ type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: true, unit: 'NANOS' } }, []],
    [{ type: 'INT32', converted_type: 'INT_16' }, ['int']],
    [{ type: 'INT32', logical_type: { type: 'INTEGER', bitWidth: 32, isSigned: false } }, []],
    [{ type: 'INT32', converted_type: 'TIME_MILLIS' }, []],
    [{ type: 'BYTE_ARRAY', converted_type: 'JSON' }, ['string']],
    [{ type: 'BYTE_ARRAY', logical_type: { type: 'BSON' } }, []],
    [{ type: 'BYTE_ARRAY', converted_type: 'DECIMAL', precision: 30, scale: 3 }, ['decimal(30, 3)']],
    [{ type: 'INT32', converted_type: 'DECIMAL', precision: 10, scale: 3 }, []],
    [{ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 }, ['fixed[16]', 'uuid']],
    [{ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 12, logical_type: { type: 'UUID' } }, []],
    [{ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } }, []],
    [{ type: 'BOOLEAN', converted_type: 'INT_8' }, []],
    [{ type: 'FLOAT', converted_type: 'INT_8' }, []],
    [{ type: 'DOUBLE', converted_type: 'INT_8' }, []],
    [{}, []],
  ])('%j is read as %j', (element, types) => expect(readable(element)).toEqual(types))

  it('lists of two levels, bare repeated columns, maps of old writers', () => {
    const tree = (...schema: Partial<SchemaElement>[]) =>
      schemaTree({ schema: [{ name: 'root', num_children: 1 }, ...(schema as SchemaElement[])] })[0]!.type
    const int = { type: 'INT32', repetition_type: 'REPEATED' } as const
    expect(tree({ name: 'l', num_children: 1, converted_type: 'LIST' }, { ...int, name: 'array' })).toMatchObject({
      kind: 'list',
      element: { required: true, type: { kind: 'primitive' } },
    })
    expect(tree({ ...int, name: 'bare' })).toMatchObject({ kind: 'list', element: { required: true } })
    expect(
      tree(
        { name: 'm', num_children: 1, converted_type: 'MAP_KEY_VALUE' },
        { name: 'map', num_children: 2, repetition_type: 'REPEATED' },
        { name: 'key', type: 'INT32' },
        { name: 'value', type: 'INT32' },
      ),
    ).toMatchObject({ kind: 'map' })
    expect(() => tree({ name: 's', num_children: 2 }, { name: 'a', type: 'INT32' })).toThrow('more columns')
  })
})
