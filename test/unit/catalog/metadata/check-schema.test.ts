import { describe, expect, it } from 'vitest'
import type { SchemaBody } from '../../../../lib/catalog/metadata/body-parts.ts'
import { checkSchema } from '../../../../lib/catalog/metadata/check-schema.ts'
import { expectRefusal } from './samples.ts'

const column = (id: number, name: string, type: unknown, more: object = {}) => ({
  id,
  name,
  required: true,
  type,
  ...more,
})
const struct = (...fields: object[]) => ({ type: 'struct', fields })
const check = (body: object) => checkSchema(body as SchemaBody)
const typed = (type: unknown) => struct(column(1, 'a', type))
const listOf = (element: unknown) => ({ type: 'list', 'element-id': 2, element, 'element-required': true })

const later = ['timestamp_ns', 'timestamptz_ns', 'variant', 'unknown', 'geometry(srid:4326)', 'geography']

describe('a schema', () => {
  it.each([
    ...'boolean int long float double date time timestamp timestamptz string uuid binary'.split(' '),
    'decimal(38, 38)',
    'decimal(1,0)',
    'fixed[16]',
  ])('may have columns of %s', type => {
    expect(check(typed(type))).toEqual(typed(type))
  })

  it.each<[object, string]>([
    [typed('varchar'), '"a": "varchar" is no type of Iceberg'],
    [typed('decimal(39, 0)'), 'is no type'],
    [typed('decimal(0, 0)'), 'is no type'],
    [typed('decimal(3, 4)'), 'is no type'],
    [typed('fixed[0]'), 'is no type'],
    ...later.map((type): [object, string] => [
      typed(listOf(type)),
      `"a.element": the type "${type}" needs format version 3`,
    ]),
    [struct(column(1, 'a', 'int', { 'initial-default': 5 })), '"a": initial-default needs format version 3'],
    [typed(struct(column(2, 'b', 'int', { 'write-default': 5 }))), '"a.b": write-default needs format version 3'],
    [struct(column(1, 'a', 'int'), column(1, 'b', 'int')), 'columns "a" and "b" have one field id, 1'],
    [struct(column(1, 'a', 'int'), column(2, 'a', 'int')), 'two columns are called "a"'],
    [struct(column(-1, 'a', 'int')), 'the field id -1 is not one of'],
    [struct(column(2_147_483_447 + 1, 'a', 'int')), 'the field id 2147483448 is not one of'],
    [typed(struct(column(1, 'b', 'int'))), 'columns "a" and "a.b" have one field id, 1'],
  ])('is refused, %#', (body, message) => {
    expectRefusal(() => check(body), 'BadRequestException', message)
  })

  it('loses members that say null, which other readers refuse', () => {
    const nulls = { doc: null, 'initial-default': null, 'write-default': null }
    expect(check({ ...struct(column(1, 'a', 'int', nulls)), 'schema-id': null })).toEqual(typed('int'))
  })
})

describe('identifier fields', () => {
  const identified = (ids: number[], ...fields: object[]) => ({ ...struct(...fields), 'identifier-field-ids': ids })

  it('are required primitive columns, also inside required structs', () => {
    const body = identified([1, 3], column(1, 'a', 'int'), column(2, 'b', struct(column(3, 'c', 'string'))))
    expect(check(body)).toEqual(body)
  })

  it.each([
    [identified([9], column(1, 'a', 'int')), 'the identifier field 9 is no column'],
    [identified([1], column(1, 'a', 'int', { required: false })), '"a" cannot be an identifier field: "a" is optional'],
    [identified([1], column(1, 'a', 'double')), 'its type is double'],
    [identified([1], column(1, 'a', 'float')), 'its type is float'],
    [identified([1], column(1, 'a', struct())), 'its type is nested'],
    [identified([2], column(1, 'a', struct(column(2, 'b', 'int')), { required: false })), '"a" is optional'],
    [identified([2], column(1, 'a', listOf('int'))), 'it lies in "a", which is no struct'],
  ])('are refused, %#', (body, message) => {
    expectRefusal(() => check(body), 'BadRequestException', message)
  })
})
