import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client } from '../infra/stack/aws.ts'
import { installMinio, startMinio } from '../infra/stack/minio.ts'
import { findFreePort } from '../infra/stack/ports.ts'
import { type Column, type ColumnBatch, textColumn } from '../lib/columns.ts'
import type { Field } from '../lib/fields.ts'
import { appendKeys } from '../lib/keys/append-keys.ts'
import { baseFields } from '../lib/keys/base-fields.ts'
import { naturalKeyFields, usualEntitiesOf } from '../lib/keys/entities.ts'
import { createPartPool, KnownKeys } from '../lib/keys/known-keys.ts'
import { readFooterOf } from '../lib/parquet/footer.ts'
import { locateColumn } from '../lib/parquet/read.ts'
import { objectSource } from '../lib/parquet/read-source.ts'
import { writeParquet } from '../lib/parquet/write.ts'
import type { ObjectStore } from '../lib/store/object-store.ts'
import { createS3Store } from '../lib/store/s3.ts'
import { encodeTexts } from '../lib/text-table.ts'
import type { Benchmark } from './run.ts'

const bucket = 'bench'
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }
const batchRows = 131_072
const widths = [12, 300]

/** Natural keys and numbers: as many columns as wanted, the same rows. */
function makeFields(columns: number): Field[] {
  const names = ['USUBJID', 'VISITNUM', ...Array.from({ length: columns - 2 }, (_, at) => `VALUE${at}`)]
  return names.map((name, at) => ({
    id: at + 1,
    name,
    type: { kind: name === 'USUBJID' ? 'string' : name === 'VISITNUM' ? 'bigint' : 'integer' },
    nullable: true,
  }))
}

/** Pseudo-random: equal in every run. */
function createRandom(): (below: number) => number {
  let state = 7
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

async function* makeBatches(fields: Field[], rows: number): AsyncGenerator<ColumnBatch> {
  const random = createRandom()
  const subjects = Math.max(10, Math.floor(rows / 200))
  const texts = encodeTexts(Array.from({ length: subjects }, (_, at) => `BENCH-${String(at).padStart(6, '0')}`))
  for (let done = 0; done < rows; done += batchRows) {
    const size = Math.min(batchRows, rows - done)
    const subject = Uint32Array.from({ length: size }, () => random(subjects))
    const visit = BigInt64Array.from({ length: size }, () => BigInt(1 + random(29)))
    // Columns of one batch share their values: what they cost the writer is not what is measured.
    const value: Column = { kind: 'int32', values: Int32Array.from({ length: size }, () => random(1000)) }
    yield {
      rows: size,
      columns: fields.map(({ name }): Column => {
        if (name === 'USUBJID') return textColumn(texts, subject)
        return name === 'VISITNUM' ? { kind: 'int64', values: visit } : value
      }),
    }
  }
}

/** Writes the base file of an object, as the platform does. Resolves with ms, in all and of those the server's copy. */
async function addKeys(store: ObjectStore, key: string, to: string) {
  const begun = performance.now()
  const { size, etag } = (await store.head(key))!
  const source = objectSource(store, key)
  const metadata = await readFooterOf(source, size)
  const fields = makeFields(metadata.schema.length - 1)
  const entities = usualEntitiesOf([{ name: 'lb', fields }])
  const parts = entities.map(entity => naturalKeyFields({ fields }, entity)!)
  const read = [...new Set(parts.flat())]
  const pool = createPartPool()
  const keyFields = baseFields(fields, entities).slice(fields.length)
  const { append } = await appendKeys({
    source,
    metadata,
    sourceSize: size,
    columns: read.map(field => locateColumn(metadata, field, source.subject)),
    entities: entities.map(({ naturalKey }, at) => {
      const known = new KnownKeys(pool(naturalKey))
      return {
        field: keyFields[at]!,
        parts: parts[at]!.map(field => read.indexOf(field)),
        known,
        onFresh: () => known.allocate(),
      }
    }),
  })
  const copying = performance.now()
  await store.compose(to, { source: key, append, ifMatch: etag })
  const ended = performance.now()
  return { ms: ended - begun, copyMs: ended - copying, appended: append.length }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

const round = (value: number): number => Math.round(value * 100) / 100

export const benchmark: Benchmark = {
  title:
    'Adding key columns to a table in MinIO, where the server copies the table: the same rows in tables of more columns.\n' +
    'Medians; ratios are to the narrow table, pair by pair.',
  async measure({ onProgress, quick }) {
    const rows = quick ? 100_000 : 1_000_000
    const repeats = quick ? 5 : 9
    const folder = await mkdtemp(join(tmpdir(), 'studylake-bench-'))
    const binary = await installMinio({ tell: onProgress })
    const minio = await startMinio({
      binary,
      folder,
      port: await findFreePort(),
      ...credentials,
      supervision: { logFile: join(folder, 'minio.log') },
    })
    try {
      const client = createS3Client({ endpoint: minio.endpoint, region: 'us-east-1', ...credentials })
      await client.send(new CreateBucketCommand({ Bucket: bucket }))
      const store = createS3Store({ client, bucket })
      const sizes: number[] = []
      for (const width of widths) {
        onProgress(`writing ${rows} rows of ${width} columns`)
        const fields = makeFields(width)
        const { body } = writeParquet({ fields, batches: makeBatches(fields, rows) })
        sizes.push((await store.put(`raw-${width}`, body)).size)
      }
      onProgress(`adding keys ${repeats} times to each`)
      const runs: Awaited<ReturnType<typeof addKeys>>[][] = widths.map(() => [])
      // Once to no purpose: makes all warm.
      for (let repeat = -1; repeat < repeats; repeat++)
        for (const [at, width] of widths.entries()) {
          const run = await addKeys(store, `raw-${width}`, `base-${width}`)
          if (repeat >= 0) runs[at]!.push(run)
        }
      return widths.map((columns, at) => ({
        columns,
        rows,
        'raw MB': round(sizes[at]! / 1e6),
        'appended MB': round(runs[at]![0]!.appended / 1e6),
        'p50 ms': round(median(runs[at]!.map(({ ms }) => ms))),
        'of it the copy': round(median(runs[at]!.map(({ copyMs }) => copyMs))),
        ratio: round(median(runs[at]!.map(({ ms }, repeat) => ms / runs[0]![repeat]!.ms))),
        'ratio without the copy': round(
          median(
            runs[at]!.map(
              ({ ms, copyMs }, repeat) => (ms - copyMs) / (runs[0]![repeat]!.ms - runs[0]![repeat]!.copyMs),
            ),
          ),
        ),
      }))
    } finally {
      await minio.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}
