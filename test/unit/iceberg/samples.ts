import type { Field } from '../../../lib/fields.ts'
import type { DataFileEntry, WriteTableOptions } from '../../../lib/iceberg/table.ts'
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts'

export const subject: Field = {
  id: 987_654_321,
  name: 'USUBJID',
  type: { kind: 'string' },
  nullable: false,
  label: 'Unique Subject Identifier',
}
export const age: Field = { id: 7, name: 'AGE', type: { kind: 'integer' }, nullable: true }

/** A data file that need not exist: the table's own files only speak of it. */
export function file(name: string, more: Partial<DataFileEntry> = {}): DataFileEntry {
  return {
    address: `s3://lake/data/trial/raw/dm/${name}.parquet`,
    rows: 3,
    bytes: 100,
    metrics: new Map([
      [
        7,
        {
          columnSize: 12,
          valueCount: 3,
          nullCount: 1,
          lower: Uint8Array.of(1, 0, 0, 0),
          upper: Uint8Array.of(9, 0, 0, 0),
        },
      ],
      [987_654_321, { columnSize: 40, valueCount: 3, nullCount: 0 }],
    ]),
    splitOffsets: [4],
    ...more,
  }
}

/** The options of a write to `raw.dm` of the study `trial`, with a store of its own. */
export function writeOptions(more: Partial<WriteTableOptions> = {}): WriteTableOptions & { store: MemoryStore } {
  return {
    study: 'trial',
    layer: 'raw',
    dataset: 'dm',
    fields: [subject, age],
    files: [file('a')],
    mode: 'replace',
    time: new Date('2024-01-01T00:00:00Z'),
    ...more,
    store: (more.store ?? memoryStore({ bucket: 'lake' })) as MemoryStore,
  }
}

export const addresses = (files: { address: string }[]): string[] => files.map(({ address }) => address).sort()
