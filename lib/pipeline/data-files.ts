import type { Environment } from '../environment.ts'
import type { Field } from '../fields.ts'
import type { DataFileEntry } from '../iceberg/data-file.ts'
import { address } from '../layout.ts'
import { columnMetrics, readFooter, splitOffsets } from '../parquet/footer.ts'

/** What a table's manifest says of a Parquet file in the lake, read from the file's own footer. `fields` are all of its columns. */
export async function describeDataFile(
  { lake }: Pick<Environment, 'lake'>,
  { key, fields }: { key: string; fields: Field[] },
): Promise<DataFileEntry> {
  const info = await lake.head(key)
  if (!info) throw new Error(`${key} is not in the lake, though its conversion is recorded`)
  const metadata = await readFooter(lake, key, { size: info.size })
  return {
    address: address(lake.bucket, key),
    rows: Number(metadata.num_rows),
    bytes: info.size,
    metrics: columnMetrics(metadata, fields),
    splitOffsets: splitOffsets(metadata),
  }
}
