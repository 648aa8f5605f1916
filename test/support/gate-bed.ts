import type { Contents, Field } from '../../lib/fields.ts'
import type { VersionTable, VersionView } from '../../lib/gate/view.ts'
import { formatGateAction } from '../../lib/gate-action.ts'
import { readHistory } from '../../lib/iceberg/compare-file.ts'
import { type LiveFile, verifySnapshot } from '../../lib/iceberg/verify-table.ts'
import { writeTable } from '../../lib/iceberg/write-table.ts'
import { baseFields } from '../../lib/keys/base-fields.ts'
import { type Entity, entitiesOf } from '../../lib/keys/entities.ts'
import { contentsPath, dataKey, gatePath, type Layer, tablePath, versionPath } from '../../lib/layout.ts'
import { writeParquetFile } from '../../lib/parquet/write.ts'
import { baseContentKey } from '../../lib/pipeline/content-key.ts'
import { describeDataFile } from '../../lib/pipeline/data-files.ts'
import { contentKeyProperty } from '../../lib/pipeline/table-properties.ts'
import type { VersionRecord } from '../../lib/pipeline/version-record.ts'
import { type Cell, makeBatch } from './columns.ts'
import type { Tree } from './memory-lakefs.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'

export const bedStudy = 'bed'
export const bedVersion = 'v1'

const field = (id: number, name: string, kind: 'string' | 'integer' | 'bigint', nullable = true): Field => ({
  id,
  name,
  type: { kind },
  nullable,
  ...(id < 100 && { label: `The ${name}` }),
})

export const bedEntities: Entity[] = [
  { name: 'patient', naturalKey: ['USUBJID'], required: false },
  { name: 'site', naturalKey: ['SITEID'], required: false },
]
const keyHashes: Record<string, Record<string, string>> = {
  dm: { patient: 'of its patients', site: 'of its sites' },
  ae: { patient: 'of its patients' },
}

/** The raw datasets: `dm` has both entities, `ae` one, and `tv` none, so that its base table is its raw file. */
const datasets: Record<string, { fields: Field[]; rows: Cell[][] }> = {
  dm: {
    fields: [field(1, 'USUBJID', 'string', false), field(2, 'SITEID', 'string'), field(3, 'AGE', 'integer')],
    rows: [
      ['P1', 'S1', 61],
      ['P2', null, null],
      ['P3', 'S2', 47],
    ],
  },
  ae: {
    fields: [field(1, 'USUBJID', 'string', false), field(4, 'AETERM', 'string')],
    rows: [
      ['P3', 'Headache'],
      ['P1', 'Nausea'],
    ],
  },
  tv: { fields: [field(5, 'VISIT', 'string')], rows: [['Screening']] },
}
const keysOf: Record<string, Map<Cell, bigint>> = {
  patient: new Map([
    ['P1', 1n],
    ['P2', 2n],
    ['P3', 3n],
  ]),
  site: new Map([
    ['S1', 1n],
    ['S2', 2n],
  ]),
}
const naturalKeyAt: Record<string, number> = { patient: 0, site: 1 }
const keyTableFields = (entity: string, column: string): Field[] => [
  field(101, column, 'string', false),
  field(102, `${entity}_key`, 'bigint', false),
  field(103, 'first_version', 'string', false),
]

/** One version of a study, lawful in all, made in memory by nothing of `lib/gate`. */
export interface GateBed {
  store: MemoryStore
  /** What a branch of the version holds. */
  tree: Tree
  /** What the rules are given, as one that may be changed. */
  view(): VersionView
  /** Gives a table of a view another file of these rows, and columns, under a key of its own. */
  refill(table: VersionTable, rows: Cell[][], fields?: Field[]): Promise<LiveFile>
}

/** What a bed is made of, which is the same for all. */
interface Built {
  objects: Record<string, Uint8Array>
  tree: Tree
  tables: VersionTable[]
  contents: Contents
  record: VersionRecord
}

async function putFile(
  store: MemoryStore,
  { layer, dataset, contentKey }: { layer: Layer; dataset: string; contentKey: string },
  fields: Field[],
  rows: Cell[][],
) {
  const { bytes } = await writeParquetFile(fields, [makeBatch(fields, rows)])
  const key = dataKey(bedStudy, layer, dataset, contentKey)
  await store.put(key, bytes)
  return describeDataFile({ lake: store }, { key, fields })
}

async function build(): Promise<Built> {
  const store = memoryStore()
  const tree: Tree = { [gatePath]: formatGateAction({ url: 'http://gate/' }) }
  const tables: VersionTable[] = []
  const time = new Date(1_767_323_045_678)

  type File = Awaited<ReturnType<typeof putFile>>
  async function addTable(layer: Layer, dataset: string, fields: Field[], file: File, contentKey?: string) {
    const properties: Record<string, string> = contentKey === undefined ? {} : { [contentKeyProperty]: contentKey }
    const { metadata, text } = await writeTable({
      store,
      study: bedStudy,
      layer,
      dataset,
      fields,
      files: [file],
      mode: 'replace',
      time,
      properties,
    })
    tree[tablePath(layer, dataset)] = text
    const { files, addresses: manifests } = await verifySnapshot(store, metadata)
    const name = `${layer}.${dataset}`
    tables.push({ layer, dataset, name, metadata, columns: readHistory(metadata), files, manifests, fields })
  }

  for (const [dataset, { fields, rows }] of Object.entries(datasets)) {
    const raw = `raw-${dataset}`
    const rawFile = await putFile(store, { layer: 'raw', dataset, contentKey: raw }, fields, rows)
    await addTable('raw', dataset, fields, rawFile, raw)
    const own = entitiesOf({ fields }, bedEntities)
    const columns = baseFields(fields, own)
    const content = baseContentKey(raw, own, keyHashes[dataset])
    const filled = rows.map(row => [
      ...row,
      ...own.map(({ name }) => (keysOf[name]!.get(row[naturalKeyAt[name]!]!) ?? null) as Cell),
    ])
    const place = { layer: 'base', dataset, contentKey: content } as const
    const baseFile = own.length === 0 ? rawFile : await putFile(store, place, columns, filled)
    await addTable('base', dataset, columns, baseFile, content)
  }
  for (const { name, naturalKey } of bedEntities) {
    const fields = keyTableFields(name, naturalKey[0]!)
    const rows = [...keysOf[name]!].map(([text, key]) => [text, key, bedVersion])
    const place = { layer: 'keys', dataset: name, contentKey: `keys-${name}` } as const
    await addTable('keys', name, fields, await putFile(store, place, fields, rows))
  }
  const contents: Contents = {
    datasets: Object.entries(datasets).map(([name, { fields }]) => ({ name, fields })),
  }
  const record: VersionRecord = {
    study: bedStudy,
    version: bedVersion,
    fingerprint: 'f',
    codeVersion: 1,
    promote: false,
    entities: bedEntities,
    datasets: Object.entries(datasets).map(([dataset, { fields, rows }]) => ({
      dataset,
      file: `${dataset}.csv`,
      etag: 'e',
      size: 1,
      sha256: 's',
      contentKey: `raw-${dataset}`,
      columns: fields.length,
      rowsIn: rows.length,
      rowsOut: rows.length,
      rowsRejected: 0,
      valuesNulled: 0,
      nullKeys: {},
      ...(keyHashes[dataset] && { keyHashes: keyHashes[dataset] }),
    })),
  }
  tree[contentsPath] = JSON.stringify(contents)
  tree[versionPath] = JSON.stringify(record)

  const objects = Object.fromEntries([...store.objects].map(([key, { bytes }]) => [key, bytes]))
  return { objects, tree, tables, contents, record }
}

let built: Promise<Built> | undefined

/** Builds the version; each has a store and a tree of its own. */
export async function makeGateBed(): Promise<GateBed> {
  built ??= build()
  const { objects, tree, tables, contents, record } = await built
  const store = memoryStore({ objects })
  let files = 0
  return {
    store,
    tree: { ...tree },
    view: () => ({
      study: bedStudy,
      bucket: store.bucket,
      listing: new Map(Object.entries(tree).map(([path, text]) => [path, text.slice(0, 400)])),
      problems: [],
      // One by one: parts that are shared here must not be shared there.
      contents: { datasets: contents.datasets.map(dataset => structuredClone(dataset)) },
      record: structuredClone(record),
      tables: tables.map(table => structuredClone(table)),
    }),
    async refill(table, rows, fields = table.fields) {
      const { layer, dataset } = table
      const entry = await putFile(store, { layer, dataset, contentKey: `filled-${files++}` }, fields, rows)
      const file: LiveFile = { ...table.files[0]!, ...entry }
      table.files = [file]
      return file
    },
  }
}

/** The table of that name in a view: `raw.dm`. */
export function tableOf({ tables }: VersionView, name: string): VersionTable {
  const found = tables.find(table => table.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}
