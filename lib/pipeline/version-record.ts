import { z } from 'zod'
import type { Environment } from '../environment.ts'
import { canonicalJson } from '../hash.ts'
import { parseJson } from '../json.ts'
import { versionPath } from '../layout.ts'
import type { DatasetReport } from '../report.ts'

const schema = z.object({
  study: z.string(),
  version: z.string(),
  /** Of all inputs; see LandingState. */
  fingerprint: z.string(),
  codeVersion: z.number(),
  promote: z.boolean(),
  /** The definitions that the keys of this version were assigned by. */
  entities: z.array(z.object({ name: z.string(), naturalKey: z.array(z.string()), required: z.boolean() })),
  datasets: z.array(
    z.object({
      dataset: z.string(),
      /** The landing object. */
      file: z.string(),
      etag: z.string(),
      /** Bytes. */
      size: z.number(),
      sha256: z.string(),
      /** Of the raw data file. */
      contentKey: z.string(),
      columns: z.number(),
      rowsIn: z.number(),
      rowsOut: z.number(),
      rowsRejected: z.number(),
      valuesNulled: z.number(),
      nullKeys: z.record(z.string(), z.number()),
      /** By entity, once keys are assigned: names the keys that this dataset's natural keys have. */
      keyHashes: z.record(z.string(), z.string()).optional(),
    }),
  ),
  /** By entity, once keys are assigned: distinct natural keys in this version, and those first seen in it. */
  keys: z.array(z.object({ entity: z.string(), distinct: z.number(), new: z.number() })).optional(),
})

/** `study/version.json`: what a version was made of. Holds nothing that differs between two runs on the same input. */
export type VersionRecord = z.infer<typeof schema>

/** The record at a ref, or undefined where there is none: no version, or a branch that is gone. */
export async function readVersionRecord(
  { lakefs }: Pick<Environment, 'lakefs'>,
  study: string,
  ref: string,
): Promise<VersionRecord | undefined> {
  const bytes = await lakefs.getObject(study, ref, versionPath)
  return bytes && parseVersionRecord(bytes)
}

/** Throws JsonError or zod's error where the bytes are no record. */
export function parseVersionRecord(bytes: Uint8Array): VersionRecord {
  return schema.parse(parseJson(new TextDecoder().decode(bytes), versionPath))
}

export async function stageVersionRecord(
  { lakefs }: Pick<Environment, 'lakefs'>,
  branch: string,
  record: VersionRecord,
): Promise<void> {
  const text = JSON.stringify(JSON.parse(canonicalJson(record)), undefined, 1)
  await lakefs.uploadObject(record.study, branch, versionPath, new TextEncoder().encode(text), {
    contentType: 'application/json',
  })
}

/** The report's lines on the datasets of a record. */
export function datasetReports({ datasets }: VersionRecord): DatasetReport[] {
  return datasets.map(({ dataset, file, columns, rowsIn, rowsOut, rowsRejected, valuesNulled, nullKeys }) => ({
    dataset,
    file,
    columns,
    rowsIn,
    rowsOut,
    rowsRejected,
    valuesNulled,
    nullKeys,
  }))
}
