import type { Field } from '../../lib/fields.ts'
import { formatGateAction } from '../../lib/gate-action.ts'
import {
  currentSchemaFields,
  formatTableMetadata,
  parseTableMetadata,
  type TableMetadata,
} from '../../lib/iceberg/metadata.ts'
import { readDataFiles } from '../../lib/iceberg/read-table.ts'
import { writeTable } from '../../lib/iceberg/write-table.ts'
import { parseJson, stringifyJson } from '../../lib/json.ts'
import { contentsPath, dataKey, gatePath, keyOfAddress, type Layer, tablePath, versionPath } from '../../lib/layout.ts'
import { readColumns } from '../../lib/parquet/read.ts'
import { writeParquetFile } from '../../lib/parquet/write.ts'
import { describeDataFile } from '../../lib/pipeline/data-files.ts'
import { changeTable, fileOf, type TableChange } from './change-table.ts'
import { batchRows, type Cell, makeBatch } from './columns.ts'
import type { TestBed } from './environment.ts'

/** A branch on which something is changed. */
export interface Desk {
  test: Pick<TestBed, 'environment' | 'clock'>
  study: string
  branch: string
  /** Runs when the case is over. */
  after(undo: () => Promise<unknown>): void
}

export type Change = (desk: Desk) => Promise<unknown>

export const put = (desk: Desk, path: string, text: string | Uint8Array) =>
  desk.test.environment.lakefs.uploadObject(desk.study, desk.branch, path, Buffer.from(text))
const readText = async ({ test, study, branch }: Desk, path: string) =>
  new TextDecoder().decode(await test.environment.lakefs.getObject(study, branch, path))
const readTable = async (desk: Desk, layer: Layer, dataset: string): Promise<TableMetadata> =>
  parseTableMetadata(await readText(desk, tablePath(layer, dataset)))

export const write =
  (path: string, text: string): Change =>
  desk =>
    put(desk, path, text)
export const remove =
  (path: string): Change =>
  ({ test, study, branch }) =>
    test.environment.lakefs.deleteObject(study, branch, path)

/** One change after the other. */
export const all =
  (...changes: Change[]): Change =>
  async desk => {
    for (const change of changes) await change(desk)
  }

/** Changes a JSON document of the branch. */
export const edit =
  <Document>(path: string, change: (document: Document) => void): Change =>
  async desk => {
    const document = parseJson(await readText(desk, path)) as Document
    change(document)
    await put(desk, path, stringifyJson(document))
  }
export const editTable = (name: string, change: (metadata: TableMetadata) => void): Change => edit(pathOf(name), change)
/** Changes the columns of a table's current schema. */
export const editColumns = (name: string, change: (columns: RawColumn[]) => void): Change =>
  editTable(name, ({ schemas, ...rest }) =>
    change(schemas.find(schema => schema['schema-id'] === rest['current-schema-id'])!.fields as RawColumn[]),
  )
export interface RawColumn {
  id: number
  name: string
  type: unknown
  required: boolean
  doc?: string
}

export interface DeclaredDataset {
  name: string
  fields: { id: number; name: string; type: { kind: string }; nullable: boolean; label?: string }[]
}
export const editContents = (change: (datasets: DeclaredDataset[]) => void): Change =>
  edit<{ datasets: DeclaredDataset[] }>(contentsPath, ({ datasets }) => change(datasets))
/** Changes the columns that are declared for `dm`. */
export const editDeclared = (change: (fields: DeclaredDataset['fields']) => void): Change =>
  editContents(datasets => change(datasets.find(({ name }) => name === 'dm')!.fields))

export interface RecordDocument {
  study: string
  version: string
  datasets: { dataset: string; rowsIn: number; rowsOut: number; columns: number; contentKey: string }[]
}
export const editRecord = (change: (record: RecordDocument) => void): Change => edit(versionPath, change)

const split = (name: string): [Layer, string] => name.split('.') as [Layer, string]
export const pathOf = (name: string): string => tablePath(...split(name))

/** Puts a table object under a second name. */
export const copy =
  (from: string, to: string): Change =>
  async desk => {
    await put(desk, pathOf(to), await readText(desk, pathOf(from)))
  }
/** Puts a table object of another branch in place. */
export const takeFrom =
  (version: string, name: string): Change =>
  async desk => {
    await put(desk, pathOf(name), await readText({ ...desk, branch: version }, pathOf(name)))
  }

/** Changes a table's current snapshot; see changeTable. */
export const rewrite =
  (name: string, change: TableChange): Change =>
  async desk => {
    const metadata = await changeTable(desk.test.environment.lake, await readTable(desk, ...split(name)), change)
    await put(desk, pathOf(name), formatTableMetadata(metadata))
  }
/** Changes what the manifest says of a table's first file. */
export const editFile = (name: string, change: Record<string, string | number>): Change =>
  rewrite(name, { entries: ([entry]) => Object.assign(fileOf(entry!), change) })

/** Brings an object of the lake back when the case is over. Resolves with its bytes. */
async function restoreAfter({ test, after }: Desk, key: string): Promise<Uint8Array> {
  const { lake } = test.environment
  const original = await lake.get(key)
  after(() => lake.put(key, original))
  return original
}

let files = 0

/** Gives a table one file of these columns and rows, and the table's documents as they have to be for it. */
export const refill =
  (
    name: string,
    change: (content: { fields: Field[]; rows: Cell[][] }) => { fields?: Field[]; rows?: Cell[][] },
    {
      inPlace = false,
      tableFields = false,
      bytes: damage = given => given,
    }: {
      /** Under the address that it had. */
      inPlace?: boolean
      /** The table has the file's columns too. */
      tableFields?: boolean
      bytes?: (bytes: Uint8Array) => Uint8Array
    } = {},
  ): Change =>
  async desk => {
    const { study, test } = desk
    const { lake } = test.environment
    const [layer, dataset] = split(name)
    const before = await readTable(desk, layer, dataset)
    const fields = currentSchemaFields(before)
    const [file] = await readDataFiles(lake, before)
    const old = keyOfAddress(lake.bucket, file!.address)!
    const rows = await batchRows(readColumns(lake, old, { fields }))
    const content = { fields, rows, ...change({ fields, rows }) }
    const { bytes } = await writeParquetFile(content.fields, [makeBatch(content.fields, content.rows)])
    const key = inPlace ? old : dataKey(study, layer, dataset, `case-${files++}`)
    if (inPlace) await restoreAfter(desk, key)
    await lake.put(key, bytes)
    const entry = await describeDataFile(test.environment, { key, fields: content.fields })
    await lake.put(key, damage(bytes))
    if (inPlace) {
      // A known file never changes: what the table says of it is changed by hand.
      const said = { file_size_in_bytes: entry.bytes, record_count: entry.rows }
      return rewrite(name, { entries: ([found]) => Object.assign(fileOf(found!), said) })(desk)
    }
    const { text } = await writeTable({
      store: lake,
      study,
      layer,
      dataset,
      fields: tableFields ? content.fields : fields,
      files: [entry],
      mode: 'replace',
      time: test.clock.now(),
      parent: before,
      properties: before.properties,
    })
    await put(desk, pathOf(name), text)
  }

/** Gives a table a file of position or equality deletes. */
export const addDeletes =
  (name: string, content: 1 | 2, fields: Field[], row: Cell[], equalityIds: number[] | null = null): Change =>
  async desk => {
    const { study, test } = desk
    const { lake } = test.environment
    const [layer, dataset] = split(name)
    const before = await readTable(desk, layer, dataset)
    const { bytes } = await writeParquetFile(fields, [makeBatch(fields, [row])])
    const key = dataKey(study, layer, dataset, `deletes-${files++}`)
    await lake.put(key, bytes)
    const file = await describeDataFile(test.environment, { key, fields })
    const table = { store: lake, study, layer, dataset, fields: currentSchemaFields(before) }
    const { metadata } = await writeTable({
      ...table,
      files: [file],
      mode: 'append',
      parent: before,
      time: test.clock.now(),
    })
    const last = metadata.snapshots!.length - 1
    const changed = await changeTable(lake, metadata, {
      entries: (entries, manifest) => {
        if (manifest === last)
          for (const entry of entries) Object.assign(fileOf(entry), { content, equality_ids: equalityIds })
      },
      list: manifests => {
        manifests[last]!.content = 1
      },
    })
    await put(desk, pathOf(name), formatTableMetadata(changed))
  }

/** Deletes, or damages, an object of the lake that a table's current snapshot refers to. */
export const damage =
  (
    name: string,
    find: (metadata: TableMetadata, desk: Desk) => Promise<string> | string,
    bytes?: (bytes: Uint8Array) => Uint8Array,
  ): Change =>
  async desk => {
    const { lake } = desk.test.environment
    // The object is touched, so that the table is looked at.
    const metadata = await readTable(desk, ...split(name))
    const copy = await changeTable(lake, metadata, {})
    const key = keyOfAddress(lake.bucket, await find(copy, desk))!
    const original = await restoreAfter(desk, key)
    await lake.delete(key)
    if (bytes) await lake.put(key, bytes(original))
    await put(desk, pathOf(name), formatTableMetadata(copy))
  }

/** An action that asks for fewer events than the gate's: `on` those that are asked. */
export const weakAction = (url: string, on: string[]): string =>
  formatGateAction({ url }).replace(/on:\n(?: {2}.*\n)+/, `on:\n${on.map(event => `  ${event}: {}\n`).join('')}`)
export const weaken =
  (on: string[]): Change =>
  desk =>
    put(desk, gatePath, weakAction(desk.test.environment.config.gate.url, on))
