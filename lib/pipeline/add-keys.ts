import type { AddKeysMessage } from '../../events/work.ts'
import type { Environment } from '../environment.ts'
import { PreconditionError } from '../errors.ts'
import type { Field } from '../fields.ts'
import { currentSchemaFields, type TableMetadata } from '../iceberg/metadata.ts'
import { writeTable } from '../iceberg/write-table.ts'
import { appendKeys } from '../keys/append-keys.ts'
import { baseFields } from '../keys/base-fields.ts'
import { type Entity, entitiesOf, naturalKeyFields } from '../keys/entities.ts'
import { type KeyMap, readKeyMap } from '../keys/key-map.ts'
import { createPartPool } from '../keys/known-keys.ts'
import { dataKey, runBranch } from '../layout.ts'
import { readFooterOf } from '../parquet/footer.ts'
import { locateColumn } from '../parquet/read.ts'
import { objectSource } from '../parquet/read-source.ts'
import { nameCause } from './causes.ts'
import { baseContentKey } from './content-key.ts'
import { describeDataFile } from './data-files.ts'
import { whileRunStands } from './run-branches.ts'
import { committed, readTableAt, stageTable } from './table-objects.ts'
import { contentKeyProperty } from './table-properties.ts'
import { readVersionRecord, type VersionRecord } from './version-record.ts'

interface BaseFile {
  study: string
  dataset: string
  rawKey: string
  baseKey: string
  rawFields: Field[]
  fields: Field[]
  entities: Entity[]
  maps: KeyMap[]
}

/** Appends the key columns to the raw file, of which only the natural-key columns are read and nothing is written anew. */
async function writeBaseFile({ lake }: Environment, base: BaseFile): Promise<void> {
  const { rawKey, baseKey, rawFields, entities, maps, dataset } = base
  const info = await lake.head(rawKey)
  if (!info) throw new Error(`${rawKey} is not in the lake`)
  const source = objectSource(lake, rawKey)
  const metadata = await readFooterOf(source, info.size)
  const parts = entities.map(entity => naturalKeyFields({ fields: rawFields }, entity)!)
  const read = [...new Set(parts.flat())]
  const { append } = await appendKeys({
    source,
    metadata,
    sourceSize: info.size,
    columns: read.map(field => locateColumn(metadata, field, source.subject)),
    entities: entities.map((_, at) => ({
      field: base.fields[rawFields.length + at]!,
      parts: parts[at]!.map(field => read.indexOf(field)),
      known: maps[at]!.known,
      onFresh({ fresh, firstRow }): never {
        throw new Error(`raw.${dataset}: row ${firstRow + fresh[0]! + 1} has a natural key without a surrogate key`)
      },
    })),
  })
  try {
    await lake.compose(baseKey, { source: rawKey, append, ifMatch: info.etag }, { ifAbsent: true })
  } catch (error) {
    if (!(error instanceof PreconditionError) || !(await lake.head(baseKey))) throw error
  }
}

async function stageBaseTable(
  environment: Environment,
  { study, version, run, dataset }: AddKeysMessage,
  { entities, datasets }: VersionRecord,
): Promise<void> {
  const { lake } = environment
  const branch = runBranch(version, run)
  const raw = await readTableAt(environment, study, branch, 'raw', dataset)
  const rawContent = raw?.properties?.[contentKeyProperty]
  if (!raw || !rawContent)
    throw new Error(`raw.${dataset} of ${study} is not on ${branch}, or does not name its content`)

  const rawFields = currentSchemaFields(raw)
  const own = entitiesOf({ fields: rawFields }, entities)
  const fields = baseFields(rawFields, own)
  const rawKey = dataKey(study, 'raw', dataset, rawContent)
  const content = baseContentKey(rawContent, own, datasets.find(item => item.dataset === dataset)?.keyHashes)
  // Without a key to add, base and raw are the same bytes: one file serves both.
  const baseKey = own.length > 0 ? dataKey(study, 'base', dataset, content) : rawKey
  if (own.length > 0 && !(await lake.head(baseKey))) {
    const pool = createPartPool()
    const maps: KeyMap[] = []
    for (const { name, naturalKey } of own)
      maps.push(await readKeyMap(lake, await readKeyTable(environment, study, branch, name), pool(naturalKey)))
    await writeBaseFile(environment, { study, dataset, rawKey, baseKey, rawFields, fields, entities: own, maps })
  }
  const { text } = await writeTable({
    store: lake,
    study,
    layer: 'base',
    dataset,
    fields,
    files: [await describeDataFile(environment, { key: baseKey, fields })],
    mode: 'replace',
    parent: await readTableAt(environment, study, committed(branch), 'base', dataset),
    time: new Date(Number(raw['last-updated-ms'])),
    properties: { [contentKeyProperty]: content },
  })
  await stageTable(environment, study, branch, 'base', dataset, text)
}

async function readKeyTable(
  environment: Environment,
  study: string,
  branch: string,
  entity: string,
): Promise<TableMetadata> {
  const table = await readTableAt(environment, study, branch, 'keys', entity)
  if (!table) throw new Error(`keys.${entity} of ${study} is not on ${branch}`)
  return table
}

/** The work of `add-keys`: the base file and base table of one dataset. Does nothing for a run that is gone. Hands on to `commit`. */
export async function addKeys(environment: Environment, message: AddKeysMessage): Promise<void> {
  const { queues, log } = environment
  const { study, version, run, fingerprint, cause, replay, dataset } = message
  const record = await readVersionRecord(environment, study, runBranch(version, run))
  if (record?.fingerprint !== fingerprint) {
    log.info('the run is gone: another one took its place, or it is done')
  } else if (!record.keys) {
    // The inputs went and came back: this message is of the time before, and another will follow once the keys are assigned.
    log.info('the run was opened anew: its keys are not assigned yet')
    return
  } else {
    const branch = runBranch(version, run)
    const staged = await whileRunStands(environment, { study, branch }, () =>
      stageBaseTable(environment, message, record),
    )
    log.info(staged ? 'base table is written' : 'the run ended meanwhile')
  }
  await queues.commit.send([
    {
      body: JSON.stringify({ study, version, run, fingerprint, cause, replay }),
      groupId: `${study}/${version}`,
      deduplicationId: nameCause(dataset, run, cause),
    },
  ])
}
