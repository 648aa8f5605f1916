import { z } from 'zod'
import { equalIds, type TableMetadata } from '../../iceberg/metadata.ts'
import { smallId, snapshotId } from './body-parts.ts'
import { refsOf } from './refs.ts'
import { conflict, quote } from './refuse.ts'

const requirement = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.looseObject({ type: z.literal(type), ...shape })

/** One condition of a commit, told by its `type`. Protocol, "TableRequirement". */
export const tableRequirement = z.discriminatedUnion(
  'type',
  [
    requirement('assert-create', {}),
    requirement('assert-table-uuid', { uuid: z.guid() }),
    requirement('assert-ref-snapshot-id', { ref: z.string(), 'snapshot-id': snapshotId.nullish() }),
    requirement('assert-last-assigned-field-id', { 'last-assigned-field-id': smallId }),
    requirement('assert-current-schema-id', { 'current-schema-id': smallId }),
    requirement('assert-last-assigned-partition-id', { 'last-assigned-partition-id': smallId }),
    requirement('assert-default-spec-id', { 'default-spec-id': smallId }),
    requirement('assert-default-sort-order-id', { 'default-sort-order-id': smallId }),
  ],
  {
    // A condition that is not understood must not be taken for one that holds.
    error: ({ code, input }) =>
      code === 'invalid_union'
        ? `the requirement ${quote((input as { type?: unknown }).type)} is none that this catalog knows`
        : 'expected a requirement',
  },
)
export type TableRequirement = z.infer<typeof tableRequirement>

/** True where the commit makes the table: it needs none to be there. */
export const isCreate = (requirements: TableRequirement[]): boolean =>
  requirements.some(({ type }) => type === 'assert-create')

/**
 * Checks every condition of a commit against the table as it is; undefined = there is none. Throws CatalogError CommitFailedException, which
 * says what was expected and found, for the first that does not hold. Protocol, "TableRequirement".
 */
export function checkRequirements(before: TableMetadata | undefined, requirements: TableRequirement[]): void {
  for (const requirement of requirements) checkRequirement(before, requirement)
}

function checkRequirement(before: TableMetadata | undefined, requirement: TableRequirement): void {
  const same = (what: string, expected: number, found: number | undefined) => {
    if (expected !== found) throw failed(what, expected, found ?? 'no table')
  }
  switch (requirement.type) {
    case 'assert-create':
      if (before) throw failed('table', 'none', 'a table of that name')
      break
    case 'assert-table-uuid': {
      const found = before?.['table-uuid']
      const expected = requirement.uuid
      if (found?.toLowerCase() !== expected.toLowerCase()) throw failed('table uuid', expected, found ?? 'no table')
      break
    }
    case 'assert-ref-snapshot-id':
      checkRef(before, requirement.ref, requirement['snapshot-id'] ?? undefined)
      break
    case 'assert-last-assigned-field-id':
      same('last assigned field id', requirement['last-assigned-field-id'], before?.['last-column-id'])
      break
    case 'assert-current-schema-id':
      same('current schema id', requirement['current-schema-id'], before?.['current-schema-id'])
      break
    case 'assert-last-assigned-partition-id':
      same('last assigned partition id', requirement['last-assigned-partition-id'], before?.['last-partition-id'])
      break
    case 'assert-default-spec-id':
      same('default spec id', requirement['default-spec-id'], before?.['default-spec-id'])
      break
    case 'assert-default-sort-order-id':
      same('default sort order id', requirement['default-sort-order-id'], before?.['default-sort-order-id'])
      break
  }
}

function checkRef(before: TableMetadata | undefined, name: string, expected: number | bigint | undefined): void {
  const found = before && refsOf(before).get(name)?.['snapshot-id']
  if (found === undefined && expected === undefined) return
  if (found !== undefined && expected !== undefined && equalIds(found, expected)) return
  throw failed(`snapshot of the branch or tag ${quote(name)}`, expected ?? 'none', found ?? 'none')
}

const failed = (what: string, expected: unknown, found: unknown) =>
  conflict(`Requirement failed: ${what}: expected ${expected}, found ${found}`)
