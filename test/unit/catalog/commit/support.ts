import { CatalogError } from '../../../../lib/catalog/error.ts'
import type { TableEdit } from '../../../../lib/catalog/table-edit.ts'
import type { Environment } from '../../../../lib/environment.ts'
import type { TableMetadata } from '../../../../lib/iceberg/metadata.ts'
import { newTable, setSchema } from '../../../../lib/iceberg/next-metadata.ts'
import { tableUuid } from '../../../../lib/iceberg/write-table.ts'
import { address, type Layer, tableLocationKey } from '../../../../lib/layout.ts'
import { committed, readTableAt } from '../../../../lib/pipeline/table-objects.ts'
import { ensureStudy } from '../../../../lib/study.ts'
import type { TestEnvironment } from '../../../support/environment.ts'

export const study = 'edited'
export const branch = 'alice'
const layer: Layer = 'work'

/** A table without data. */
export function emptyTable(table: string): TableMetadata {
  const location = address('lake', tableLocationKey(study, layer, table))
  const metadata = newTable({ uuid: tableUuid(study, layer, table), location, time: new Date(0) })
  return setSchema(metadata, [{ id: 1, name: 'n', type: { kind: 'bigint' }, nullable: true }]).metadata
}

/** Makes a table, where there is none. */
export const create = (table: string): TableEdit => ({
  layer,
  table,
  edit(before) {
    if (before) throw new CatalogError('AlreadyExistsException', `${table} is there`)
    return emptyTable(table)
  },
})

/** Deletes a table, if it is there. */
export const drop = (table: string): TableEdit => ({ layer, table, edit: () => undefined })

/** Adds one to the number that a table carries. The writer's name makes equal updates by two different documents, as engines' snapshot ids do. */
export const addOne = (table: string, writer = 'w'): TableEdit => ({
  layer,
  table,
  edit(before) {
    if (!before) throw new CatalogError('NoSuchTableException', `${table} is not there`)
    const count = String(Number(before.properties?.count ?? 0) + 1)
    return { ...before, properties: { ...before.properties, count, writer } }
  },
})

/** What an edit without a change is. */
export const leave = (table: string): TableEdit => ({ layer, table, edit: before => before })

/** The number that a table of the branch carries; undefined where there is no such table. */
export async function readCount({ lakefs }: Pick<Environment, 'lakefs'>, table: string): Promise<number | undefined> {
  const metadata = await readTableAt({ lakefs }, study, committed(branch), layer, table)
  return metadata && Number(metadata.properties?.count ?? 0)
}

/** Forgets everything and makes the study with one branch of a person. */
export async function makeStudy(test: TestEnvironment): Promise<void> {
  await test.reset()
  await ensureStudy(test.environment, study)
  await test.environment.lakefs.createBranch(study, { name: branch, source: 'main' })
}

/** The environment with other lakeFS calls. */
export const withLakefs = (environment: Environment, lakefs: Partial<Environment['lakefs']>): Environment => ({
  ...environment,
  lakefs: { ...environment.lakefs, ...lakefs },
})

/** A call that goes on once that many have come to it. */
export function makeBarrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    if (++waiting === count) resolve()
    return promise
  }
}
