import type { Column } from '../columns.ts'
import type { Field } from '../fields.ts'
import { type Appended, appendChunks } from '../parquet/append.ts'
import { type EncodedChunk, encodeColumnChunk } from '../parquet/chunk.ts'
import type { ParquetMetadata } from '../parquet/footer.ts'
import { type LocatedColumn, readIndexedColumns } from '../parquet/read.ts'
import type { IndexedColumn } from '../parquet/read-chunk.ts'
import type { ByteSource } from '../parquet/read-source.ts'
import { parquetSchema } from '../parquet/schema.ts'
import type { KnownKeys } from './known-keys.ts'
import { reuseIndices } from './reuse-indices.ts'

/** A key column to be made. */
export interface KeyedEntity {
  /** Of the key column. */
  field: Field
  /** Where the parts of the natural key stand in the columns that are read, in the key's order. */
  parts: number[]
  known: KnownKeys
  /**
   * Called with rows whose natural keys are new, before their keys are needed: gives the keys, or throws. `columns` are the parts; no
   * row is null in them. `firstRow` is that of the row group in the file.
   */
  onFresh(batch: { columns: IndexedColumn[]; fresh: number[]; firstRow: number }): void
}

/** What became of one key column. */
export interface KeyedCounts {
  /** Rows with a null part, and so with a null key. */
  nullRows: number
  /** Bytes of its chunks, and those of them that were taken over from a natural key's column. */
  bytes: number
  reusedBytes: number
}

/**
 * What must stand behind all bytes of a file so that it has the key columns: of the file only natural-key columns are read, a dictionary's
 * entries are looked up once, and only key columns are encoded. Throws as appendChunks and readIndexedColumns do.
 */
export async function appendKeys({
  source,
  metadata,
  sourceSize,
  columns,
  entities,
}: {
  source: ByteSource
  metadata: ParquetMetadata
  /** Bytes. */
  sourceSize: number
  /** The natural keys' columns, each once. */
  columns: LocatedColumn[]
  entities: KeyedEntity[]
}): Promise<Appended & { counts: KeyedCounts[] }> {
  const fields = entities.map(({ field }) => field)
  const schema = parquetSchema(fields)
  const counts = entities.map((): KeyedCounts => ({ nullRows: 0, bytes: 0, reusedBytes: 0 }))
  let firstRow = 0

  async function* groups(): AsyncGenerator<EncodedChunk[]> {
    for await (const { rows, columns: read } of readIndexedColumns(source, { metadata, columns })) {
      yield entities.map(({ parts, known, onFresh }, at) => {
        const own = parts.map(part => read[part]!)
        const types = parts.map(part => columns[part]!.field.type)
        const found = known.places.find(own, types, rows)
        if (found.fresh.length > 0) onFresh({ columns: own, fresh: found.fresh, firstRow })
        const column = known.columnOf(found)
        const reused = own.length === 1 && reuseIndices({ schema, at, source: own[0]!, column, found, known })
        const chunk = reused || encodeKeys(schema, at, column, rows)
        counts[at]!.nullRows += found.nullRows
        const bytes = chunk.pages.reduce((sum, { body }) => sum + body.length, 0)
        counts[at]!.bytes += bytes + (chunk.dictionary?.body.length ?? 0)
        if (reused) counts[at]!.reusedBytes += bytes
        return chunk
      })
      firstRow += rows
    }
  }
  return { ...(await appendChunks({ metadata, sourceSize, fields, groups: groups() })), counts }
}

/** A dictionary or differences, whichever is smaller. */
function encodeKeys(
  schema: Parameters<typeof encodeColumnChunk>[0]['schema'],
  at: number,
  column: Column,
  rows: number,
) {
  const columns: Column[] = []
  columns[at] = column
  return encodeColumnChunk({ schema, at, slices: [{ batch: { rows, columns }, start: 0, end: rows }] })
}
