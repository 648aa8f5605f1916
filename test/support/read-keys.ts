import { currentSchemaFields, type TableMetadata } from '../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../lib/iceberg/read-table.ts'
import { readNaturalKeys } from '../../lib/keys/natural-key.ts'
import { keyOfAddress } from '../../lib/layout.ts'
import { readColumns } from '../../lib/parquet/read.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

/** The surrogate keys of a key table by natural key as text, read row by row. */
export async function readKeys(lake: ObjectStore, table: TableMetadata | undefined): Promise<Map<string, number>> {
  const keys = new Map<string, number>()
  if (!table) return keys
  const fields = currentSchemaFields(table)
  for (const { address } of await readDataFiles(lake, table)) {
    for await (const { rows, columns } of readColumns(lake, keyOfAddress(lake.bucket, address)!, { fields })) {
      const textOf = readNaturalKeys(
        { rows, columns: columns.slice(0, -2) },
        fields.slice(0, -2).map(({ type }) => type),
      )
      const numbers = columns.at(-2)!
      for (let row = 0; row < rows; row++) keys.set(textOf(row)!, Number(numbers.values[row]))
    }
  }
  return keys
}
