import type { FieldType } from '../fields.ts'
import { hash53 } from '../hash.ts'

/** Ids are 1 … 10^9, far below Iceberg's reserved ids (above 2,147,483,447: Iceberg spec, "Reserved Field IDs"). */
const idCount = 1_000_000_000

/**
 * The family of a type: types of one family can be promoted into each other by Iceberg (spec, "Schema Evolution"), so a column keeps its
 * id within a family. integer and bigint are one family, decimals of one scale are one, every other type is its own.
 */
export function typeFamily(type: FieldType): string {
  switch (type.kind) {
    case 'integer':
    case 'bigint':
      return 'integer'
    case 'decimal':
      return `decimal(,${type.scale})`
    default:
      return type.kind
  }
}

/**
 * Gives each column of one table its Iceberg field id: 1 + hash mod 10^9 of the lower-case name and the type family, so that every version
 * of a study agrees without asking. A column whose id an earlier one has taken is hashed again with a counter and named in `collisions`.
 * `ids` stands in the order of the columns.
 */
export function assignFieldIds(columns: { name: string; type: FieldType }[]): {
  ids: number[]
  collisions: { name: string }[]
} {
  const taken = new Set<number>()
  const collisions: { name: string }[] = []
  const ids = columns.map(({ name, type }) => {
    const subject = [name.toLowerCase(), typeFamily(type)]
    let id = hashId(subject)
    if (taken.has(id)) collisions.push({ name })
    for (let counter = 1; taken.has(id); counter++) id = hashId([...subject, counter])
    taken.add(id)
    return id
  })
  return { ids, collisions }
}

const hashId = (subject: (string | number)[]): number => 1 + (hash53(JSON.stringify(subject)) % idCount)
