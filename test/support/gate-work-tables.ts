import type { Field } from '../../lib/fields.ts'
import type { TableMetadata } from '../../lib/iceberg/metadata.ts'
import { writeTable } from '../../lib/iceberg/write-table.ts'
import { dataKey } from '../../lib/layout.ts'
import { writeParquetFile } from '../../lib/parquet/write.ts'
import { describeDataFile } from '../../lib/pipeline/data-files.ts'
import { readTableAt } from '../../lib/pipeline/table-objects.ts'
import { type Cell, makeBatch } from './columns.ts'
import { type Change, type Desk, pathOf, put } from './gate-cases.ts'

/** Columns of the tables that people make. */
export const note: Field[] = [
  { id: 1, name: 'id', type: { kind: 'integer' }, nullable: false },
  { id: 2, name: 'text', type: { kind: 'string' }, nullable: true },
]

let files = 0

/** Writes a table of the layer `work` with one more file. */
async function writeWork(
  desk: Desk,
  { dataset, fields, rows, parent }: { dataset: string; fields: Field[]; rows: Cell[][]; parent?: TableMetadata },
) {
  const { study, test } = desk
  const { lake } = test.environment
  const { bytes } = await writeParquetFile(fields, [makeBatch(fields, rows)])
  const key = dataKey(study, 'work', dataset, `${files++}`)
  await lake.put(key, bytes)
  const file = await describeDataFile(test.environment, { key, fields })
  const what = { store: lake, study, layer: 'work', dataset, fields, mode: 'append', time: test.clock.now() } as const
  const { text } = await writeTable({ ...what, files: [file], parent })
  await put(desk, pathOf(`work.${dataset}`), text)
}

/** Makes a table of one row. */
export const addWork =
  (dataset: string): Change =>
  desk =>
    writeWork(desk, { dataset, fields: note, rows: [[1, 'a']] })

export const readWork = async ({ test, study, branch }: Desk, dataset: string): Promise<TableMetadata> =>
  (await readTableAt(test.environment, study, branch, 'work', dataset))!

/** Adds rows to a table, and columns. */
export const growWork =
  (dataset: string, fields = note, rows: Cell[][] = [[2, null]]): Change =>
  async desk =>
    writeWork(desk, { dataset, fields, rows, parent: await readWork(desk, dataset) })
