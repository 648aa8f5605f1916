import { assignFieldIds } from '../contents/field-ids.ts'
import type { Field } from '../fields.ts'
import { keyColumn } from '../layout.ts'
import type { Entity } from './entities.ts'

/** The columns of a base table: the raw ones with their ids, then one key for each entity. */
export function baseFields(raw: Field[], entities: Entity[]): Field[] {
  const keys = entities.map(
    ({ name }): Omit<Field, 'id'> => ({ name: keyColumn(name), type: { kind: 'bigint' }, nullable: true }),
  )
  const { ids } = assignFieldIds([...raw, ...keys])
  return [...raw, ...keys.map((key, index) => ({ ...key, id: ids[raw.length + index]! }))]
}
