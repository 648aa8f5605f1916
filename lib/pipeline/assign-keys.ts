import type { KeysMessage } from '../../events/work.ts'
import type { ColumnBatch } from '../columns.ts'
import { parseSerializedContents } from '../contents/serialize.ts'
import type { Environment } from '../environment.ts'
import { Rejection, TransientError } from '../errors.ts'
import type { Dataset, Field } from '../fields.ts'
import { hashValue, sha256 } from '../hash.ts'
import { writeTable } from '../iceberg/write-table.ts'
import { allocateKeys, countKeys, type DeliveredKeys, hashKeys } from '../keys/allocate.ts'
import { type Entity, naturalKeyFields } from '../keys/entities.ts'
import { keyTableFields, readKeyMap } from '../keys/key-map.ts'
import { allocationBranch, contentsPath, dataKey, keysBranch, naturalKeysKey, runBranch } from '../layout.ts'
import { readColumns } from '../parquet/read.ts'
import { writeParquetFile } from '../parquet/write.ts'
import { putOnce } from '../store/put-once.ts'
import { describeDataFile } from './data-files.ts'
import { mergeGated } from './merge.ts'
import { rejectRun } from './reject-run.ts'
import { createRunBranch, dropAllocations } from './run-branches.ts'
import { readTableAt, stageTable } from './table-objects.ts'
import { readVersionRecord, stageVersionRecord, type VersionRecord } from './version-record.ts'

/** How often an allocation starts over because another one was merged in between. */
const allocationAttempts = 10

interface EntityKeys {
  entity: Entity
  /** The key table as it is to be, and whether that differs from the authority's. */
  text: string
  changed: boolean
  counts: { distinct: number; new: number }
  /** By dataset. */
  hashes: Map<string, string>
}

async function readDelivered(
  { lake }: Environment,
  record: VersionRecord,
  datasets: Dataset[],
  entity: Entity,
): Promise<(DeliveredKeys & { dataset: string })[]> {
  const delivered: (DeliveredKeys & { dataset: string })[] = []
  for (const dataset of datasets) {
    const fields = naturalKeyFields(dataset, entity)
    const source = record.datasets.find(item => item.dataset === dataset.name)
    if (!fields || !source) continue
    const batches: ColumnBatch[] = []
    const key = naturalKeysKey(record.study, dataset.name, source.contentKey, entity.name)
    for await (const batch of readColumns(lake, key, { fields })) batches.push(batch)
    delivered.push({ dataset: dataset.name, file: source.file, fields, batches })
  }
  return delivered
}

/** Writes an allocation's rows to a data file named after its content. No rows, no file. */
async function writeKeyRows(
  environment: Environment,
  study: string,
  entity: Entity,
  fields: Field[],
  batches: ColumnBatch[],
) {
  if (batches.length === 0) return []
  const { bytes } = await writeParquetFile(fields, batches)
  const key = dataKey(study, 'keys', entity.name, sha256(bytes))
  await putOnce(environment.lake, key, bytes)
  return [await describeDataFile(environment, { key, fields })]
}

/** Looks every natural key of the version up in the authority at a commit and allocates what is missing. Nothing is written to lakeFS. */
async function allocate(
  environment: Environment,
  { record, datasets, time }: { record: VersionRecord; datasets: Dataset[]; time: Date },
  authority: string,
): Promise<EntityKeys[]> {
  const { study, version } = record
  const results: EntityKeys[] = []
  for (const entity of record.entities) {
    const delivered = await readDelivered(environment, record, datasets, entity)
    if (delivered.length === 0) continue
    const parent = await readTableAt(environment, study, authority, 'keys', entity.name)
    const fields = keyTableFields(entity, delivered[0]!.fields, parent)
    const map = await readKeyMap(environment.lake, parent)
    const { batches } = allocateKeys(map, fields, delivered, version)
    const files = await writeKeyRows(environment, study, entity, fields, batches)
    const table = { store: environment.lake, study, layer: 'keys', dataset: entity.name } as const
    const { text, changed } = await writeTable({ ...table, fields, files, mode: 'append', parent, time })
    const hashes = new Map(delivered.map(item => [item.dataset, hashKeys(map, item)]))
    results.push({ entity, text, changed, counts: countKeys(map, delivered, version), hashes })
  }
  return results
}

/** Merges an allocation into the authority. False where another one was first: then the keys have to be looked up again. */
async function mergeAllocation(
  environment: Environment,
  record: VersionRecord,
  changed: EntityKeys[],
  authority: string,
): Promise<boolean> {
  const { study, version, fingerprint } = record
  const branch = allocationBranch(hashValue({ fingerprint, version, authority }).slice(0, 12))
  await createRunBranch(environment, { study, branch, base: authority })
  for (const { entity, text } of changed) await stageTable(environment, study, branch, 'keys', entity.name, text)
  const merged = await mergeGated(environment, {
    study,
    branch,
    destination: keysBranch,
    message: `Allocate keys for ${version}`,
    metadata: { study, version },
  })
  await environment.lakefs.deleteBranch(study, branch)
  return merged !== undefined
}

/**
 * Allocates what the version needs under lakeFS's compare-and-swap, so that no key is given twice and no natural key has two. Throws
 * TransientError when other allocations keep being first.
 */
async function allocateMerged(
  environment: Environment,
  work: { record: VersionRecord; datasets: Dataset[]; time: Date },
): Promise<EntityKeys[]> {
  const { study } = work.record
  for (let attempt = 0; attempt < allocationAttempts; attempt++) {
    const authority = await environment.lakefs.getBranch(study, keysBranch)
    if (!authority) throw new Error(`repository ${study} has no branch ${keysBranch}`)
    const results = await allocate(environment, work, authority.commitId)
    const changed = results.filter(result => result.changed)
    if (changed.length === 0 || (await mergeAllocation(environment, work.record, changed, authority.commitId)))
      return results
  }
  throw new TransientError(`the keys of ${study} were changed by others ${allocationAttempts} times in a row`)
}

/** The time of the newest raw table: the version's own, whenever the work is done. */
async function readVersionTime(
  environment: Environment,
  { study, datasets }: VersionRecord,
  branch: string,
): Promise<Date> {
  let newest = 0
  for (const { dataset } of datasets) {
    const table = await readTableAt(environment, study, branch, 'raw', dataset)
    newest = Math.max(newest, Number(table?.['last-updated-ms'] ?? 0))
  }
  return new Date(newest)
}

async function stageKeys(environment: Environment, record: VersionRecord, branch: string): Promise<void> {
  const { study } = record
  const contents = await environment.lakefs.getObject(study, branch, contentsPath)
  if (!contents) throw new Error(`${contentsPath} is not on ${branch}`)
  const { datasets } = parseSerializedContents(new TextDecoder().decode(contents))
  await dropAllocations(environment, study)
  const time = await readVersionTime(environment, record, branch)
  const results = await allocateMerged(environment, { record, datasets, time })
  for (const { entity, text } of results) await stageTable(environment, study, branch, 'keys', entity.name, text)
  const keys = results.map(({ entity, counts }) => ({ entity: entity.name, ...counts }))
  const withHashes = record.datasets.map(item => ({
    ...item,
    keyHashes: Object.fromEntries(
      results.flatMap(({ entity, hashes }) => {
        const hash = hashes.get(item.dataset)
        return hash === undefined ? [] : [[entity.name, hash]]
      }),
    ),
  }))
  await stageVersionRecord(environment, branch, { ...record, datasets: withHashes, keys })
  environment.log.info('keys are assigned', Object.fromEntries(keys.map(({ entity, new: added }) => [entity, added])))
}

/**
 * The work of `assign-keys`: every natural key of the run has a surrogate key in the authority, and the run branch carries the maps as they
 * are then. Does nothing for a run that is gone. Hands on one message a dataset.
 */
export async function assignKeys(environment: Environment, message: KeysMessage): Promise<void> {
  const { queues, log } = environment
  const { study, version, run, fingerprint } = message
  const branch = runBranch(version, run)
  const record = await readVersionRecord(environment, study, branch)
  if (record?.fingerprint !== fingerprint) {
    log.info('the run is gone: another one took its place, or it is done')
    return
  }
  if (!record.keys) {
    try {
      await stageKeys(environment, record, branch)
    } catch (error) {
      if (!(error instanceof Rejection)) throw error
      await rejectRun(environment, { record, run, problems: error.problems })
      return
    }
  }
  await queues.addKeys.send(record.datasets.map(({ dataset }) => ({ body: JSON.stringify({ ...message, dataset }) })))
}
