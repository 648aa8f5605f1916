import { type Field, type FieldType, formatType } from '../fields.ts'
import type { GateCode, GateProblem } from './codes.ts'

/** How a column can differ. */
export type ColumnDifference =
  | 'column-missing'
  | 'column-extra'
  | 'type'
  | 'field-id'
  | 'nullability'
  | 'label'
  | 'order'

/** A column as some part of the system states it. */
export interface StatedColumn {
  id: number | undefined
  name: string
  /** Undefined where it is none that a study can declare. */
  type: FieldType | undefined
  nullable: boolean
  label?: string
}

const describe = (type: FieldType | undefined): string => (type ? formatType(type) : 'another type')

/**
 * Compares what one part says of a table's columns with what another does, column by column in order. `codes` is the start of every code:
 * `schema` gives `schema-type`. Labels are compared where `labels` is true.
 */
export function compareColumns({
  expected,
  found,
  code,
  table,
  subject,
  labels = false,
}: {
  expected: Field[]
  found: StatedColumn[]
  code: 'contents' | 'footer' | 'base'
  table: string
  /** Names the part that is judged: `the footer of s3://…`. */
  subject: string
  labels?: boolean
}): GateProblem[] {
  const problems: GateProblem[] = []
  const say = (
    kind: ColumnDifference,
    column: string,
    message: string,
    difference: { expected?: string; found?: string } = {},
  ) =>
    problems.push({
      code: `${code}-${kind}` as GateCode,
      table,
      column,
      message: `${subject} ${message}`,
      ...difference,
    })
  const byName = new Map(found.map(column => [column.name, column]))
  for (const field of expected) {
    const column = byName.get(field.name)
    if (!column) {
      say('column-missing', field.name, 'lacks the column')
      continue
    }
    if (describe(column.type) !== formatType(field.type)) {
      say('type', field.name, 'has another type', { expected: formatType(field.type), found: describe(column.type) })
    }
    if (column.id !== field.id)
      say('field-id', field.name, 'has another field id', { expected: `${field.id}`, found: `${column.id}` })
    if (column.nullable !== field.nullable) {
      const word = (nullable: boolean) => (nullable ? 'optional' : 'required')
      say('nullability', field.name, 'differs in nullability', {
        expected: word(field.nullable),
        found: word(column.nullable),
      })
    }
    if (labels && (column.label ?? '') !== (field.label ?? '')) say('label', field.name, 'has another label')
  }
  const names = new Set(expected.map(({ name }) => name))
  for (const { name } of found) if (!names.has(name)) say('column-extra', name, 'has a column that is not expected')
  if (problems.length === 0) {
    const at = expected.findIndex(({ name }, index) => found[index]?.name !== name)
    if (at >= 0) {
      say('order', expected[at]!.name, 'has its columns in another order', {
        expected: expected[at]!.name,
        found: found[at]?.name ?? 'nothing',
      })
    }
  }
  return problems
}
